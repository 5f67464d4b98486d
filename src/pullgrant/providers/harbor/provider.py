"""Robots that may pull from one project. A robot has one secret, so that each key of the reader is a robot of its own."""

from __future__ import annotations

from datetime import timedelta

from pullgrant.errors import NotFound, NotOurs, OutcomeUnknown, PullgrantError, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.mark import Mark, ownership
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.harbor import robots, shelf
from pullgrant.providers.harbor.robots import Robot
from pullgrant.providers.harbor.seam import Seam
from pullgrant.providers.harbor.settings import Settings
from pullgrant.secret import Secret


class Provider:
    """Implements ports.Provider for Harbor."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._owner, self._clock = owner, clock
        self._seam = seam or Seam(self._settings, http)
        self._seen: tuple[Robot, ...] | None = None

    @property
    def can(self) -> Capabilities:
        """A robot carries our operation's id in its description; its token shows all that it may do, whatever is asked."""
        return Capabilities(key_notes=True, push_question="token", settles_in=timedelta(minutes=1))

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """The host, when it is on this machine and without TLS."""
        return frozenset((self._settings.server.host,) if self._settings.server.plain else ())

    def observe(self) -> Observed:
        """See ports.Provider."""
        project = self._seam.get_project()
        self._seen = found = self._look(int(project.get("project_id") or 0))
        whose = ownership((one.token.mark for one in found), ledger=self._owner)
        ours = self._ours(found)
        return Observed(
            ownership=whose,
            identity=self._identity() if found else None,
            grant=Grant(role="repository:pull", resource=f"project {self._settings.project}"),
            granted=bool(ours) and all(one.pulls for one in ours),
            excess=tuple(grant for one in ours for grant in one.beyond),
            keys=tuple(one.token.key for one in found),
            public=shelf.is_public(project),
            remarks=(f"Harbor's robots see whole projects: every repository of {self._settings.project} can be pulled",),
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
        """See ports.Provider; a new robot has its permission from birth, older ones of ours are narrowed."""
        for one in self._ours(self._looked()):
            if one.beyond or not one.pulls:
                self._seam.update_robot(one.token.id, robots.narrowed(one.raw, self._settings.project))

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A robot whose answer was lost is looked for and deleted: its secret is gone."""
        settings = self._settings
        mark = Mark(reader=settings.reader, ledger=self._owner, operation=note)
        body = robots.creation(f"{settings.reader}-{note}", mark, settings.project, settings.days)
        try:
            made = self._seam.create_robot(body)
            if not made.get("secret") or not made.get("name"):
                raise OutcomeUnknown(f"half an answer came for the new robot {body['name']}")
        except OutcomeUnknown as error:
            raise self._taken_back(note, error) from None
        ends = robots.expiry_of(made)
        key = Key(id=str(made.get("id")), created_at=self._clock.now(), expires_at=ends, note=note)
        credential = Credential(
            server=settings.server.host, username=str(made["name"]), secret=Secret(str(made["secret"])), expires_at=ends
        )
        return Issued(key=key, credential=credential)

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a robot that does not carry our mark is not the one that we made."""
        try:
            raw = self._seam.get_robot(key.id)
        except NotFound:
            return
        robot = robots.robot_of(raw, self._settings.project)
        if robot is None or robot not in self._ours((robot,)):
            raise NotOurs(f"the robot {key.id} does not carry our mark", hint="It is left as it is.")
        self._delete(key.id)

    def remove(self, identity: Identity) -> None:
        """See ports.Provider."""
        self.observe()
        found = self._looked()
        if found and not self._ours(found):
            raise NotOurs(f"the robots of {identity.id} are not ours", hint="They are left as they are.")
        together(*(lambda one=one: self._delete(one.token.id) for one in self._ours(found)))

    # What the methods above are made of.

    def _looked(self) -> tuple[Robot, ...]:
        if self._seen is None:
            self.observe()
        return self._seen or ()

    def _look(self, project_id: int) -> tuple[Robot, ...]:
        """Return the robots of this reader's name that carry a mark, whosever."""
        every = (robots.robot_of(raw, self._settings.project) for raw in self._seam.list_robots(project_id))
        return tuple(one for one in every if one is not None and one.token.mark.reader == self._settings.reader)

    def _ours(self, found: tuple[Robot, ...]) -> tuple[Robot, ...]:
        mine = (self._settings.reader, self._owner)
        return tuple(one for one in found if (one.token.mark.reader, one.token.mark.ledger) == mine)

    def _identity(self) -> Identity:
        return Identity(id=self._settings.reader, label=f"robots in {self._settings.project}")

    def _delete(self, robot: str) -> None:
        try:
            self._seam.delete_robot(robot)
        except NotFound:
            return

    def _taken_back(self, note: str, error: OutcomeUnknown) -> PullgrantError:
        """Delete what a lost call made, and return the error to raise: nothing is left, or it stays unknown."""
        try:
            self.observe()
            for one in self._ours(self._looked()):
                if one.token.mark.operation == note:
                    self._delete(one.token.id)
        except PullgrantError:
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")
