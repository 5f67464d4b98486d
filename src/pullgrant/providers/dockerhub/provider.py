"""Access tokens that may pull; each key of the reader is one token, of the organisation or of one account."""

from __future__ import annotations

from datetime import timedelta

from pullgrant.errors import NotFound, NotOurs, OutcomeUnknown, PullgrantError, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.together import all_of
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.image import DOCKER_HUB
from pullgrant.model.mark import Mark, Token, ownership
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.dockerhub import shelf, tokens
from pullgrant.providers.dockerhub.seam import Seam
from pullgrant.providers.dockerhub.settings import Settings
from pullgrant.providers.dockerhub.tokens import Access
from pullgrant.secret import Secret

_TEAM_PLAN = 10  # tokens of an organisation, expired ones included: docker/docs enterprise/security/access-tokens.md


class Provider:
    """Implements ports.Provider for Docker Hub."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._owner, self._clock = owner, clock
        self._seam = seam or Seam(self._settings, http, clock.now)
        self._seen: tuple[Access, ...] | None = None
        self._count = 0

    @property
    def can(self) -> Capabilities:
        """A token carries our operation's id in its label; only those of an organisation are narrower than an account."""
        narrows = self._settings.kind == "organization"
        return Capabilities(key_notes=True, narrows=narrows, push_question="token", settles_in=timedelta(minutes=1))

    def observe(self) -> Observed:
        """See ports.Provider."""
        self._seen = found = self._look()
        ours = self._ours(found)
        return Observed(
            ownership=ownership((one.token.mark for one in found), ledger=self._owner),
            identity=self._identity() if found else None,
            grant=self._grant(),
            granted=bool(ours) and not any(one.missing for one in ours),
            excess=tuple(grant for one in ours for grant in one.beyond),
            keys=tuple(one.token.key for one in found),
            remarks=self._remarks(),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider. Each key is a token, so that nothing has to exist before; a foreign one stays beside ours."""
        whose = ownership((one.token.mark for one in self._looked()), ledger=self._owner)
        if whose is Ownership.OTHER_LEDGER and not adopt:
            raise NotOurs(f"the tokens of {self._settings.reader} belong to another ledger", hint="Give another --reader.")
        return self._identity()

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; a new token has its rights from birth, older ones of ours are brought into line."""
        for one in self._ours(self._looked()):
            if one.missing or one.beyond:
                wanted = tokens.resources(self._settings.repositories)
                self._seam.change_token(one.token.id, {"label": str(one.token.mark), "resources": wanted})

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A token whose answer was lost is looked for and deleted: its secret is gone."""
        settings = self._settings
        mark = Mark(reader=settings.reader, ledger=self._owner, operation=note)
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

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a token that does not carry our mark is not the one that we made."""
        try:
            token = tokens.token_of(self._seam.get_token(key.id))
        except NotFound:
            return
        if token is None or not self._ours((Access(token=token),)):
            raise NotOurs(f"the access token {key.id} does not carry our mark", hint="It is left as it is.")
        self._delete(key.id)

    def remove(self, identity: Identity) -> None:
        """See ports.Provider."""
        self._seen = found = self._look()
        if found and not self._ours(found):
            raise NotOurs(f"the tokens of {identity.id} are not ours", hint="They are left as they are.")
        for one in self._ours(found):
            self._delete(one.token.id)

    # What the methods above are made of.

    def _looked(self) -> tuple[Access, ...]:
        if self._seen is None:
            self._seen = self._look()
        return self._seen

    def _look(self) -> tuple[Access, ...]:
        """Return the tokens of this reader's name that carry a mark, whosever; a list does not show what they reach."""
        listed = list(self._seam.list_tokens())
        self._count = len(listed)
        every = (tokens.token_of(raw) for raw in listed)
        named = [one for one in every if one is not None and one.mark.reader == self._settings.reader]
        if self._settings.kind == "personal":
            return tuple(Access(token=one) for one in named)
        found = all_of(self._reach, named)
        return tuple(one for one in found if one is not None)

    def _reach(self, token: Token) -> Access | None:
        try:
            return tokens.access_of(token, self._seam.get_token(token.id), self._settings.repositories)
        except NotFound:
            return None

    def _ours(self, found: tuple[Access, ...]) -> tuple[Access, ...]:
        mine = (self._settings.reader, self._owner)
        return tuple(one for one in found if (one.token.mark.reader, one.token.mark.ledger) == mine)

    def _identity(self) -> Identity:
        return Identity(id=self._settings.reader, label=f"access tokens of {self._settings.account}")

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

    def _delete(self, token: str) -> None:
        try:
            self._seam.delete_token(token)
        except NotFound:
            return

    def _taken_back(self, note: str, error: OutcomeUnknown) -> PullgrantError:
        """Delete what a lost call made, and return the error to raise: nothing is left, or it stays unknown."""
        try:
            for one in self._ours(self._look()):
                if one.token.mark.operation == note:
                    self._delete(one.token.id)
        except PullgrantError:
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")
