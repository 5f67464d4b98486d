"""Deploy tokens that may read the container registry of one project or group; each key of the reader is one token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pullgrant.errors import NotFound, NotOurs, OutcomeUnknown, PullgrantError, Unavailable, UsageError
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.mark import Mark, Token, ownership
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.gitlab import shelf, tokens
from pullgrant.providers.gitlab.seam import Seam
from pullgrant.providers.gitlab.settings import Settings
from pullgrant.secret import Secret


class Provider:
    """Implements ports.Provider for GitLab."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._owner, self._clock = owner, clock
        self._seam = seam or Seam(self._settings, http)
        self._seen: tuple[Token, ...] | None = None

    @property
    def can(self) -> Capabilities:
        """A token carries our operation's id in its name; the token service answers with the rights it has."""
        return Capabilities(key_notes=True, push_question="token", settles_in=timedelta(minutes=1))

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """The hosts, when GitLab is on this machine and without TLS."""
        return frozenset((self._settings.server.host, self._settings.host) if self._settings.server.plain else ())

    def observe(self) -> Observed:
        """See ports.Provider."""
        settings = self._settings
        scope, found = together(self._seam.get_scope, self._look)
        self._seen = found
        self._check_registry(scope)
        ours = self._ours(found)
        return Observed(
            ownership=ownership((one.mark for one in found), ledger=self._owner),
            identity=self._identity() if found else None,
            grant=Grant(role=tokens.SCOPE, resource=f"{settings.kind} {settings.path}"),
            granted=bool(ours),  # what a deploy token may do never changes
            keys=tuple(one.key for one in found),
            public=settings.kind == "project" and shelf.is_public(scope),
            remarks=self._remarks(),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider. Each key is a token, so that nothing has to exist before; a foreign one stays beside ours."""
        whose = ownership((one.mark for one in self._looked()), ledger=self._owner)
        if whose is Ownership.OTHER_LEDGER and not adopt:
            raise NotOurs(f"the tokens of {self._settings.reader} belong to another ledger", hint="Give another --reader.")
        return self._identity()

    def grant(self, identity: Identity) -> None:
        """Do nothing: a deploy token has its one right from birth, and nothing can add to it."""

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A token whose answer was lost is looked for and deleted: its secret is gone."""
        mark = Mark(reader=self._settings.reader, ledger=self._owner, operation=note)
        try:
            made = self._seam.create_token(tokens.creation(mark, self._clock.now(), self._settings.expires_in))
            if not made.get("token") or not made.get("username"):
                raise OutcomeUnknown("half an answer came for the new deploy token")
        except OutcomeUnknown as error:
            raise self._taken_back(note, error) from None
        ends = tokens.moment(made.get("expires_at"))
        key = Key(id=str(made.get("id")), created_at=self._clock.now(), expires_at=ends, note=note)
        username, secret = str(made["username"]), Secret(str(made["token"]))
        credential = Credential(server=self._settings.host, username=username, secret=secret, expires_at=ends)
        return Issued(key=key, credential=credential)

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a token that does not carry our mark is not the one that we made."""
        try:
            token = tokens.token_of(self._seam.get_token(key.id))
        except NotFound:
            return
        if token is None or not self._ours((token,)):
            raise NotOurs(f"the deploy token {key.id} does not carry our mark", hint="It is left as it is.")
        self._delete(key.id)

    def remove(self, identity: Identity) -> None:
        """See ports.Provider."""
        self._seen = found = self._look()
        if found and not self._ours(found):
            raise NotOurs(f"the tokens of {identity.id} are not ours", hint="They are left as they are.")
        for one in self._ours(found):
            self._delete(one.id)

    # What the methods above are made of.

    def _looked(self) -> tuple[Token, ...]:
        if self._seen is None:
            self._seen = self._look()
        return self._seen

    def _look(self) -> tuple[Token, ...]:
        """Return the tokens of this reader's name that carry a mark, whosever."""
        every = (tokens.token_of(raw) for raw in self._seam.list_tokens())
        return tuple(one for one in every if one is not None and one.mark.reader == self._settings.reader)

    def _ours(self, found: tuple[Token, ...]) -> tuple[Token, ...]:
        mine = (self._settings.reader, self._owner)
        return tuple(one for one in found if (one.mark.reader, one.mark.ledger) == mine)

    def _identity(self) -> Identity:
        return Identity(id=self._settings.reader, label=f"deploy tokens of {self._settings.path}")

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

    def _delete(self, token: str) -> None:
        try:
            self._seam.delete_token(token)
        except NotFound:
            return

    def _taken_back(self, note: str, error: OutcomeUnknown) -> PullgrantError:
        """Delete what a lost call made, and return the error to raise: nothing is left, or it stays unknown."""
        try:
            for one in self._ours(self._look()):
                if one.mark.operation == note:
                    self._delete(one.id)
        except PullgrantError:
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")
