"""Deploy tokens that may read the container registry of one project or group; each key of the reader is one token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from pullgrant.errors import NotFound, OutcomeUnknown, UsageError
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.mark import Token
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.gitlab import shelf, tokens
from pullgrant.providers.gitlab.seam import Seam
from pullgrant.providers.gitlab.settings import Settings
from pullgrant.providers.marked import MarkedTokens
from pullgrant.secret import Secret


class Provider(MarkedTokens):
    """Implements ports.Provider for GitLab."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = settings = Settings.of(reader)
        super().__init__(reader, owner, called="deploy token")
        self._clock = clock
        self._seam = seam or Seam(settings, http)

    @property
    def can(self) -> Capabilities:
        """A token carries our operation's id in its name; the token service answers with the rights it has."""
        return Capabilities(
            key_notes=True,
            push_question="token",
            settles_in=timedelta(minutes=1),
            beside=frozenset({"image", "url", "token", "ca_file"}),
        )

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """The hosts, when GitLab is on this machine and without TLS."""
        return frozenset((self._settings.server.host, self._settings.host) if self._settings.server.plain else ())

    def observe(self) -> Observed:
        """See ports.Provider."""
        settings = self._settings
        scope, _ = together(self._seam.get_scope, self._look)
        self._check_registry(scope)
        return Observed(
            **self._observed(),
            grant=Grant(role=tokens.SCOPE, resource=f"{settings.kind} {settings.path}"),
            public=settings.kind == "project" and shelf.is_public(scope),
            remarks=self._remarks(),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def grant(self, identity: Identity) -> None:
        """Do nothing: a deploy token has its one right from birth, and nothing can add to it."""

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A token whose answer was lost is looked for and deleted: its secret is gone."""
        try:
            made = self._seam.create_token(tokens.creation(self._mark(note), self._clock.now(), self._settings.expires_in))
            if not made.get("token") or not made.get("username"):
                raise OutcomeUnknown("half an answer came for the new deploy token")
        except OutcomeUnknown as error:
            raise self._taken_back(note, error) from None
        ends = tokens.moment(made.get("expires_at"))
        key = Key(id=str(made.get("id")), created_at=self._clock.now(), expires_at=ends, note=note)
        username, secret = str(made["username"]), Secret(str(made["token"]))
        credential = Credential(server=self._settings.host, username=username, secret=secret, expires_at=ends)
        return Issued(key=key, credential=credential)

    def _check_registry(self, scope: Mapping[str, Any]) -> None:
        """Raise when the project's registry is off, or is another host than the one that the credential is for."""
        if scope.get("container_registry_access_level") == "disabled":
            raise NotFound(
                f"the project {self._settings.path} has its container registry switched off",
                hint="Switch it on under Settings, General, Visibility.",
            )
        prefix = str(scope.get("container_registry_image_prefix") or "")
        host = prefix.partition("/")[0].lower()
        if host and host != self._settings.host:
            raise UsageError(
                f"the registry of {self._settings.server.host} is {host}, not {self._settings.host}",
                hint=f"Give --registry {host}.",
            )

    def _remarks(self) -> tuple[str, ...]:
        what = "every image of the project" if self._settings.kind == "project" else "every image of every project below it"
        return (f"a deploy token reads {what}; GitLab has nothing narrower",)

    # What MarkedTokens asks.

    def _list(self) -> Iterable[Mapping[str, Any]]:
        return self._seam.list_tokens()

    def _get(self, token_id: str) -> Mapping[str, Any]:
        return self._seam.get_token(token_id)

    def _delete(self, token_id: str) -> None:
        self._seam.delete_token(token_id)

    def _token(self, raw: Mapping[str, Any]) -> Token | None:
        return tokens.token_of(raw)
