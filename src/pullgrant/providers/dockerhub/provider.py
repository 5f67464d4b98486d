"""Access tokens that may pull; each key of the reader is one token, of the organisation or of one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pullgrant.errors import NotFound, OutcomeUnknown
from pullgrant.kit.http import Http
from pullgrant.kit.together import all_of
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.image import DOCKER_HUB
from pullgrant.model.mark import Token
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.dockerhub import shelf, tokens
from pullgrant.providers.dockerhub.seam import Seam
from pullgrant.providers.dockerhub.settings import Settings
from pullgrant.providers.marked import Access, Listed, MarkedTokens
from pullgrant.secret import Secret

_TEAM_PLAN = 10  # tokens of an organisation, expired ones included: docker/docs enterprise/security/access-tokens.md


class Provider(MarkedTokens):
    """Implements ports.Provider for Docker Hub."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = settings = Settings.of(reader)
        super().__init__(reader, owner, called="access token")
        self._clock = clock
        self._seam = seam or Seam(settings, http, clock.now)
        self._count = 0

    @property
    def can(self) -> Capabilities:
        """A token carries our operation's id in its label; only those of an organisation are narrower than an account."""
        narrows = self._settings.kind == "organization"
        return Capabilities(
            key_notes=True,
            narrows=narrows,
            push_question="token",
            settles_in=timedelta(minutes=1),
            beside=frozenset({"image", "operator", "password"}),
        )

    def observe(self) -> Observed:
        """See ports.Provider."""
        self._look()
        return Observed(**self._observed(), grant=self._grant(), remarks=self._remarks())

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; a new token has its rights from birth, older ones of ours are brought into line."""
        for one in self._ours():
            if one.missing or one.beyond:
                wanted = tokens.resources(self._settings.repositories)
                self._seam.change_token(one.token.id, {"label": str(one.token.mark), "resources": wanted})

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A token whose answer was lost is looked for and deleted: its secret is gone."""
        settings = self._settings
        mark = self._mark(note)
        ends = self._clock.now() + settings.expires_in
        personal = settings.kind == "personal"
        creation = tokens.personal_creation(mark, ends) if personal else None
        body = creation or tokens.organization_creation(mark, settings.repositories, ends)
        try:
            made = self._seam.create_token(body)
            if not made.get("token"):
                raise OutcomeUnknown("half an answer came for the new access token")
        except OutcomeUnknown as error:
            raise self._taken_back(note, error) from None
        dies = tokens.moment(made.get("expires_at"))
        token_id = str(made.get("id") or made.get("uuid"))
        key = Key(id=token_id, created_at=self._clock.now(), expires_at=dies, note=note)
        secret = Secret(str(made["token"]))
        credential = Credential(server=DOCKER_HUB, username=settings.account, secret=secret, expires_at=dies)
        return Issued(key=key, credential=credential)

    def _grant(self) -> Grant:
        if self._settings.kind == "personal":
            return Grant(role=tokens.PERSONAL, resource=f"all that {self._settings.account} may read")
        return Grant(role=tokens.PULL, resource=", ".join(self._settings.repositories))

    def _remarks(self) -> tuple[str, ...]:
        if self._settings.kind == "personal":
            return (
                f"a personal access token reads every private repository that {self._settings.account} reads: use an account "
                "that sees no more than the platform needs",
            )
        if self._count >= _TEAM_PLAN - 1:
            words = f"{self._settings.account} has {self._count} access tokens, expired ones included"
            return (f"{words}; a Team plan allows {_TEAM_PLAN} and a rotation needs one more",)
        return ()

    # What MarkedTokens asks.

    def _list(self) -> Iterable[Mapping[str, Any]]:
        listed = list(self._seam.list_tokens())
        self._count = len(listed)
        return listed

    def _get(self, token_id: str) -> Mapping[str, Any]:
        return self._seam.get_token(token_id)

    def _delete(self, token_id: str) -> None:
        self._seam.delete_token(token_id)

    def _token(self, raw: Mapping[str, Any]) -> Token | None:
        return tokens.token_of(raw)

    def _reach(self, listed: Sequence[Listed]) -> Iterable[Access]:
        """A list does not show what the tokens of an organisation reach."""
        if self._settings.kind == "personal":
            return super()._reach(listed)
        return (one for one in all_of(self._reached, [token for token, _ in listed]) if one is not None)

    def _reached(self, token: Token) -> Access | None:
        try:
            return tokens.access_of(token, self._get(token.id), self._settings.repositories)
        except NotFound:
            return None
