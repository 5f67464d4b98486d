"""Robots that may read named repositories. A robot has one secret, so that each key of the reader is a robot of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from pullgrant.errors import NotFound, OutcomeUnknown, PullgrantError
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.mark import Token
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.marked import Access, Listed, MarkedTokens
from pullgrant.providers.quay import robots, shelf
from pullgrant.providers.quay.seam import Seam
from pullgrant.providers.quay.settings import Settings
from pullgrant.secret import Secret


class Provider(MarkedTokens):
    """Implements ports.Provider for Quay."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = settings = Settings.of(reader)
        super().__init__(reader, owner, called="robot")
        self._clock = clock
        self._seam = seam or Seam(settings, http)

    @property
    def can(self) -> Capabilities:
        """A robot carries our operation's id in its description; the token service answers with the rights it has."""
        return Capabilities(
            key_notes=True,
            push_question="token",
            settles_in=timedelta(minutes=1),
            beside=frozenset({"image", "url", "token", "ca_file"}),
        )

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """The host, when it is on this machine and without TLS."""
        return frozenset((self._settings.server.host,) if self._settings.server.plain else ())

    def observe(self) -> Observed:
        """See ports.Provider."""
        settings = self._settings
        looks = [partial(self._seam.get_repository, name) for name in settings.repositories]
        *repositories, _ = together(*looks, self._look)
        return Observed(
            **self._observed(),
            grant=Grant(role=robots.READ, resource=", ".join(f"{settings.organization}/{n}" for n in settings.repositories)),
            public=all(one.get("is_public") for one in repositories),
            remarks=("a token of Quay never ends by itself: only its rotation and its revocation end it",),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; a new robot gets its roles with its birth, older ones of ours are brought into line."""
        for one in self._ours():
            for repository in one.missing:
                self._seam.set_role(repository, one.token.username, robots.READ)
            for grant in one.beyond:
                self._narrow(one.token.username, grant)

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A robot whose making was not seen to its end is looked for and deleted."""
        short = f"{self._settings.reader}-{note}"
        try:
            made = self._seam.create_robot(short, str(self._mark(note)))
            if not made.get("token") or not made.get("name"):
                raise OutcomeUnknown(f"half an answer came for the new robot {short}")
        except OutcomeUnknown as error:
            raise self._taken_back(note, error) from None
        username, secret = str(made["name"]), Secret(str(made["token"]))
        try:
            for repository in self._settings.repositories:
                self._seam.set_role(repository, username, robots.READ)
        except PullgrantError as error:
            raise self._taken_back(note, error) from None
        key = Key(id=short, created_at=self._clock.now(), note=note)
        credential = Credential(server=self._settings.server.host, username=username, secret=secret)
        return Issued(key=key, credential=credential)

    def _narrow(self, robot: str, grant: Grant) -> None:
        if grant.role == robots.TEAM:
            _gone_is_done(lambda: self._seam.leave_team(grant.resource, robot))
        elif grant.resource in self._settings.repositories:
            self._seam.set_role(grant.resource, robot, robots.READ)
        else:
            _gone_is_done(lambda: self._seam.take_role(grant.resource, robot))

    # What MarkedTokens asks.

    def _list(self) -> Iterable[Mapping[str, Any]]:
        return self._seam.list_robots()

    def _get(self, token_id: str) -> Mapping[str, Any]:
        found = next((one for one in self._list() if str(one.get("name")).endswith(f"+{token_id}")), None)
        if found is None:
            raise NotFound(f"there is no robot {token_id}")
        return found

    def _delete(self, token_id: str) -> None:
        self._seam.delete_robot(token_id)

    def _token(self, raw: Mapping[str, Any]) -> Token | None:
        return robots.token_of(raw)

    def _reach(self, listed: Sequence[Listed]) -> Iterable[Access]:
        wanted = self._settings.repositories
        roles = dict(zip(wanted, together(*(partial(self._seam.get_permissions, one) for one in wanted)), strict=True))
        return (robots.access_of(token, raw, roles) for token, raw in listed)


def _gone_is_done(call: Callable[[], None]) -> None:
    try:
        call()
    except NotFound:
        return
