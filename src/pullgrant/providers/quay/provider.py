"""Robots that may read named repositories. A robot has one secret, so that each key of the reader is a robot of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from pullgrant.errors import NotFound, NotOurs, OutcomeUnknown, PullgrantError, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.mark import Mark, ownership
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.quay import robots, shelf
from pullgrant.providers.quay.robots import Robot
from pullgrant.providers.quay.seam import Seam
from pullgrant.providers.quay.settings import Settings
from pullgrant.secret import Secret


class Provider:
    """Implements ports.Provider for Quay."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._owner, self._clock = owner, clock
        self._seam = seam or Seam(self._settings, http)
        self._seen: tuple[Robot, ...] | None = None

    @property
    def can(self) -> Capabilities:
        """A robot carries our operation's id in its description; the token service answers with the rights it has."""
        return Capabilities(key_notes=True, push_question="token", settles_in=timedelta(minutes=1))

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """The host, when it is on this machine and without TLS."""
        return frozenset((self._settings.server.host,) if self._settings.server.plain else ())

    def observe(self) -> Observed:
        """See ports.Provider."""
        settings = self._settings
        looks = [partial(self._seam.get_repository, name) for name in settings.repositories]
        *repositories, self._seen = together(*looks, self._look)
        found = self._looked()
        ours = self._ours(found)
        return Observed(
            ownership=ownership((one.token.mark for one in found), ledger=self._owner),
            identity=self._identity() if found else None,
            grant=Grant(role=robots.READ, resource=", ".join(f"{settings.organization}/{n}" for n in settings.repositories)),
            granted=bool(ours) and not any(one.missing for one in ours),
            excess=tuple(grant for one in ours for grant in one.beyond),
            keys=tuple(one.token.key for one in found),
            public=all(one.get("is_public") for one in repositories),
            remarks=("a token of Quay never ends by itself: only its rotation and its revocation end it",),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider. Each key is a robot, so that nothing has to exist before; a foreign one stays beside ours."""
        whose = ownership((one.token.mark for one in self._looked()), ledger=self._owner)
        if whose is Ownership.OTHER_LEDGER and not adopt:
            raise NotOurs(f"the robots of {self._settings.reader} belong to another ledger", hint="Give another --reader.")
        return self._identity()

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; a new robot gets its roles with its birth, older ones of ours are brought into line."""
        for one in self._ours(self._looked()):
            for repository in one.missing:
                self._seam.set_role(repository, one.token.username, robots.READ)
            for grant in one.beyond:
                self._narrow(one, grant)

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A robot whose making was not seen to its end is looked for and deleted."""
        mark = Mark(reader=self._settings.reader, ledger=self._owner, operation=note)
        short = f"{self._settings.reader}-{note}"
        try:
            made = self._seam.create_robot(short, str(mark))
            if not made.get("token") or not made.get("name"):
                raise OutcomeUnknown(f"half an answer came for the new robot {short}")
        except OutcomeUnknown as error:
            raise self._taken_back(short, error) from None
        username, secret = str(made["name"]), Secret(str(made["token"]))
        try:
            for repository in self._settings.repositories:
                self._seam.set_role(repository, username, robots.READ)
        except PullgrantError as error:
            raise self._taken_back(short, error) from None
        key = Key(id=short, created_at=self._clock.now(), note=note)
        credential = Credential(server=self._settings.server.host, username=username, secret=secret)
        return Issued(key=key, credential=credential)

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a robot that does not carry our mark is not the one that we made."""
        raw = next((one for one in self._seam.list_robots() if str(one.get("name")).endswith(f"+{key.id}")), None)
        if raw is None:
            return
        robot = robots.robot_of(raw, (), {})
        if robot is None or not self._ours((robot,)):
            raise NotOurs(f"the robot {key.id} does not carry our mark", hint="It is left as it is.")
        self._gone_is_done(lambda: self._seam.delete_robot(key.id))

    def remove(self, identity: Identity) -> None:
        """See ports.Provider."""
        self._seen = found = self._named(())
        if found and not self._ours(found):
            raise NotOurs(f"the robots of {identity.id} are not ours", hint="They are left as they are.")
        for one in self._ours(found):
            self._gone_is_done(partial(self._seam.delete_robot, one.short))

    # What the methods above are made of.

    def _looked(self) -> tuple[Robot, ...]:
        if self._seen is None:
            self._seen = self._look()
        return self._seen

    def _look(self) -> tuple[Robot, ...]:
        return self._named(self._settings.repositories)

    def _named(self, repositories: tuple[str, ...]) -> tuple[Robot, ...]:
        """Return the robots of this reader's name that carry a mark, whosever, with their roles on these repositories."""
        permissions = together(*(partial(self._seam.get_permissions, name) for name in repositories))
        roles = dict(zip(repositories, permissions, strict=True))
        every = (robots.robot_of(raw, repositories, roles) for raw in self._seam.list_robots())
        return tuple(one for one in every if one is not None and one.token.mark.reader == self._settings.reader)

    def _ours(self, found: tuple[Robot, ...]) -> tuple[Robot, ...]:
        mine = (self._settings.reader, self._owner)
        return tuple(one for one in found if (one.token.mark.reader, one.token.mark.ledger) == mine)

    def _identity(self) -> Identity:
        return Identity(id=self._settings.reader, label=f"robots in {self._settings.organization}")

    def _narrow(self, robot: Robot, grant: Grant) -> None:
        if grant.role == robots.TEAM:
            self._gone_is_done(lambda: self._seam.leave_team(grant.resource, robot.token.username))
        elif grant.resource in self._settings.repositories:
            self._seam.set_role(grant.resource, robot.token.username, robots.READ)
        else:
            self._gone_is_done(lambda: self._seam.take_role(grant.resource, robot.token.username))

    def _taken_back(self, short: str, error: PullgrantError) -> PullgrantError:
        """Delete the robot that an unfinished issue made, and return the error to raise: nothing is left, or unknown."""
        try:
            self.withdraw(Key(id=short))
        except PullgrantError:
            return OutcomeUnknown(error.message, hint=error.hint)
        if not isinstance(error, OutcomeUnknown):
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")

    @staticmethod
    def _gone_is_done(call: Callable[[], None]) -> None:
        try:
            call()
        except NotFound:
            return
