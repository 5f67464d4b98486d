"""The reader's credentials: JSON keys, and access tokens that live an hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pullgrant.errors import NotFound, OutcomeUnknown, PermissionDenied, PullgrantError, Unavailable
from pullgrant.kit.together import all_of
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Key
from pullgrant.ports import Clock
from pullgrant.providers.gcp.answers import there, tried
from pullgrant.providers.gcp.seam import Seam
from pullgrant.providers.gcp.settings import Settings
from pullgrant.providers.gcp.target import key_of
from pullgrant.providers.gcp.waits import Waits

TOKEN_LIFE = timedelta(hours=1)


class Keys:
    """The keys of one service account."""

    def __init__(self, settings: Settings, seam: Seam, *, waits: Waits, clock: Clock) -> None:
        self._settings, self._seam, self._waits, self._clock = settings, seam, waits, clock
        self._made: set[str] = set()

    def key(self, before: Iterable[Key]) -> Issued:
        """Return a new key. One whose answer was lost is looked for among what is not `before`, and deleted."""
        email = self._settings.email
        known = {key.id for key in before} | self._made
        try:
            made, secret = self._waits.seen(lambda: self._seam.create_key(email))
        except OutcomeUnknown as error:
            raise self._taken_back(known, error) from None
        key = key_of(made)
        self._made.add(key.id)
        server = self._settings.registry.host
        credential = Credential(server=server, username="_json_key", secret=secret, expires_at=key.expires_at)
        return Issued(key=key, credential=credential)

    def token(self, note: str) -> Issued:
        """Return an access token, which nothing can revoke."""
        email, seconds = self._settings.email, int(TOKEN_LIFE.total_seconds())
        secret, ends = self._waits.seen(lambda: self._seam.generate_token(email, seconds))
        key = Key(id=f"token-{note}", created_at=self._clock.now(), expires_at=ends, revocable=False)
        server = self._settings.registry.host
        credential = Credential(server=server, username="oauth2accesstoken", secret=secret, expires_at=ends)
        return Issued(key=key, credential=credential)

    def delete(self, key_id: str) -> None:
        """Delete a key. A vanished one may answer 403: that counts only when the list no longer shows it."""
        try:
            self._seam.delete_key(self._settings.email, key_id)
        except NotFound:
            return
        except PermissionDenied:
            if key_id in self._listed():
                raise

    def delete_all(self) -> None:
        """Delete every key of an account that is deleted next: an account can be brought back for 30 days, with its keys.

        An operator who may delete accounts but not keys goes on: without its account no key works.
        """
        try:
            all_of(self.delete, sorted(self._listed()))
        except PermissionDenied:
            return

    def _listed(self) -> set[str]:
        found = there(tried(lambda: self._seam.list_keys(self._settings.email))()) or ()
        return {key_of(one).id for one in found}

    def _taken_back(self, known: set[str], error: OutcomeUnknown) -> PullgrantError:
        """Delete the one key that a lost call made, and return the error to raise.

        Of several new keys none is known to be ours, and a key may not be listed yet: then it stays unknown.
        """
        email = self._settings.email
        try:
            new = {key_of(one).id for one in self._seam.list_keys(email)} - known
            if len(new) != 1:
                return error
            self._seam.delete_key(email, new.pop())
        except PullgrantError:
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")
