"""Robots that may pull from one project. A robot has one secret, so that each key of the reader is a robot of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from pullgrant.errors import OutcomeUnknown
from pullgrant.kit.http import Http
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.mark import Token
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.harbor import robots, shelf
from pullgrant.providers.harbor.seam import Seam
from pullgrant.providers.harbor.settings import Settings
from pullgrant.providers.marked import Access, Listed, MarkedTokens
from pullgrant.secret import Secret


class Provider(MarkedTokens):
    """Implements ports.Provider for Harbor."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = settings = Settings.of(reader)
        super().__init__(reader, owner, called="robot")
        self._clock = clock
        self._seam = seam or Seam(settings, http)

    @property
    def can(self) -> Capabilities:
        """A robot carries our operation's id in its description; its token shows all that it may do, whatever is asked."""
        return Capabilities(
            key_notes=True,
            push_question="token",
            settles_in=timedelta(minutes=1),
            beside=frozenset({"image", "url", "username", "password", "ca_file"}),
        )

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """The host, when it is on this machine and without TLS."""
        return frozenset((self._settings.server.host,) if self._settings.server.plain else ())

    def observe(self) -> Observed:
        """See ports.Provider."""
        self._look()
        return Observed(
            **self._observed(),
            grant=Grant(role="repository:pull", resource=f"project {self._settings.project}"),
            public=shelf.is_public(self._project),
            remarks=(f"Harbor's robots see whole projects: every repository of {self._settings.project} can be pulled",),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; a new robot has its permission from birth, older ones of ours are narrowed."""
        for one in self._ours():
            if one.beyond or one.missing:
                robot = self._get(one.token.id)
                self._seam.update_robot(one.token.id, robots.narrowed(robot, self._settings.project))

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A robot whose answer was lost is looked for and deleted: its secret is gone."""
        settings = self._settings
        body = robots.creation(f"{settings.reader}-{note}", self._mark(note), settings.project, settings.days)
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

    # What MarkedTokens asks.

    @cached_property
    def _project(self) -> Mapping[str, Any]:
        return self._seam.get_project()

    def _list(self) -> Iterable[Mapping[str, Any]]:
        return self._seam.list_robots(int(self._project.get("project_id") or 0))

    def _get(self, token_id: str) -> Mapping[str, Any]:
        return self._seam.get_robot(token_id)

    def _delete(self, token_id: str) -> None:
        self._seam.delete_robot(token_id)

    def _token(self, raw: Mapping[str, Any]) -> Token | None:
        return robots.token_of(raw)

    def _reach(self, listed: Sequence[Listed]) -> Iterable[Access]:
        return (robots.access_of(token, raw, self._settings.project) for token, raw in listed)
