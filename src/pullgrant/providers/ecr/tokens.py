"""Takes registry tokens as the reader: by a session of its role, or by an access key of its user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pullgrant.errors import NotFound, OutcomeUnknown, PullgrantError, Unavailable
from pullgrant.model.reader import Key
from pullgrant.ports import Clock
from pullgrant.providers.ecr.answers import TooLong
from pullgrant.providers.ecr.found import Keys
from pullgrant.providers.ecr.identity import LONGEST_SESSION, gone_is_done
from pullgrant.providers.ecr.seam import Seam
from pullgrant.providers.ecr.settings import Settings
from pullgrant.providers.ecr.sharing import SharedTokens, Taken
from pullgrant.providers.ecr.waits import Waits

# The API model of sts-2011-06-15, AssumeRole: a session that is itself taken by a role's gets an hour, and more fails.
CHAINED_SESSION = 3600


class Tokens:
    """Takes tokens of one reader, and deletes what it made on the way."""

    def __init__(self, settings: Settings, seam: Seam, *, waits: Waits, clock: Clock, shared: SharedTokens) -> None:
        self._name, self._seam, self._waits, self._clock, self._shared = settings.reader, seam, waits, clock, shared
        registry = settings.registry
        self._place = (settings.profile, registry.region, registry.public, registry.fips, registry.dual_stack)

    def by_role(self, arn: str, note: str) -> Taken:
        """Return a token of a role that this reader has not; readers that share the role share its calls."""
        return self._shared.token((arn, *self._place), self._name, self._clock.now(), lambda: self._by_role(arn, note))

    def by_user(self) -> Taken:
        """Return a token of the user, taken with a key that is deleted before anybody uses the token."""
        made_at = self._clock.now()
        before = {key.id for key in self.keys()}
        try:
            keys = self._waits.seen(lambda: self._seam.create_key(self._name))
        except OutcomeUnknown as error:
            raise self._taken_back(before, error) from None
        try:
            token = self._waits.settled(lambda: self._seam.token(keys))
        except PullgrantError as error:
            if not self._deleted(keys.id):
                raise Unavailable(
                    f"{error.message}; its access key {keys.id} could not be deleted",
                    hint="Mend it, then: pullgrant recover",
                ) from None
            raise
        left = None if self._deleted(keys.id) else Key(id=keys.id, created_at=made_at)
        return Taken(token=token, at=made_at, ends=token.expires_at, left=left)

    def keys(self) -> tuple[Key, ...]:
        """Return the access keys of the user, none when it is not there."""
        try:
            return tuple(_key(one) for one in self._seam.list_keys(self._name))
        except NotFound:
            return ()

    def delete(self, key_id: str) -> None:
        """Delete an access key of the user; absent is done."""
        gone_is_done(lambda: self._seam.delete_key(self._name, key_id))

    def _by_role(self, arn: str, note: str) -> Taken:
        """Take a token as a role. Nothing says that it outlives the session, so that the earlier end counts."""
        at = self._clock.now()
        keys = self._assumed(arn, f"pullgrant-{note}"[:64])
        token = self._waits.settled(lambda: self._seam.token(keys))
        return Taken(token=token, at=at, ends=min(token.expires_at, keys.expires_at or token.expires_at))

    def _assumed(self, arn: str, session: str) -> Keys:
        longest = CHAINED_SESSION if self._seam.caller().role else LONGEST_SESSION
        try:
            return self._waits.settled(lambda: self._seam.assume(arn, session, longest))
        except TooLong:  # a role that somebody else made may allow an hour only
            return self._waits.settled(lambda: self._seam.assume(arn, session, CHAINED_SESSION))

    def _deleted(self, key_id: str) -> bool:
        try:
            self.delete(key_id)
        except PullgrantError:
            return False
        return True

    def _taken_back(self, before: set[str], error: OutcomeUnknown) -> PullgrantError:
        """Delete what a lost call made, and return the error to raise: nothing is left, or it stays unknown."""
        try:
            for one in self._seam.list_keys(self._name):
                if str(one["AccessKeyId"]) not in before:
                    self.delete(str(one["AccessKeyId"]))
        except PullgrantError:
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")


def _key(found: Mapping[str, Any]) -> Key:
    return Key(id=str(found["AccessKeyId"]), created_at=found.get("CreateDate"), enabled=found.get("Status") == "Active")
