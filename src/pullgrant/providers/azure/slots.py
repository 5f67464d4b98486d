"""The password slots of a reader by token, and how the ledger names what they hold.

A token has two slots, enough for a rotation with a grace. A third password is wanted when a rotation was interrupted half-way,
or when somebody verifies or rotates within the grace: it goes into a spare token of the same scope map, which goes with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pullgrant.model.reader import Key
from pullgrant.providers.azure.found import SlotPassword, Token

SLOTS = ("password1", "password2")
SPARE = "-spare"
_KEY = re.compile(r"(?:spare-)?password[12]@\d{8}T\d{6}\.\d{6}Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot of one token, both by name."""

    token: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A reader's token and its spare, None where they are not there. `open`: the spare's name is ours to use."""

    name: str
    main: Token | None = None
    spare: Token | None = None
    open: bool = True

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Those that are there."""
        return tuple(one for one in (self.main, self.spare) if one is not None)

    def free(self, now: datetime) -> Slot | None:
        """Return a slot without a live password, None when all have one. A live password is never overwritten."""
        names = (self.name, f"{self.name}{SPARE}") if self.open else (self.name,)
        for name, token in zip(names, (self.main, self.spare), strict=False):
            passwords = token.passwords if token else ()
            live = {one.slot for one in passwords if one.expires_at is None or one.expires_at > now}
            found = next((slot for slot in SLOTS if slot not in live), None)
            if found is not None:
                return Slot(token=name, name=found)
        return None

    def held(self) -> dict[str, Slot]:
        """Return what is held where: the key's id -> its slot."""
        return {
            key_id(token.name, one): Slot(token=token.name, name=one.slot)
            for token in self.tokens
            for one in token.passwords
        }

    def keys(self) -> tuple[Key, ...]:
        """Return what the slots hold."""
        return tuple(
            Key(id=key_id(token.name, one), created_at=one.created_at, expires_at=one.expires_at, enabled=token.enabled)
            for token in self.tokens
            for one in token.passwords
        )


def is_key(text: str) -> bool:
    """Say whether a key's id is that of a token's password."""
    return _KEY.fullmatch(text) is not None


def key_id(token: str, password: SlotPassword) -> str:
    """Slots are used again and again, so that a key is named by its slot and the moment of its creation."""
    created = (password.created_at or datetime.fromtimestamp(0, UTC)).astimezone(UTC)
    return f"{'spare-' if token.endswith(SPARE) else ''}{password.slot}@{created:%Y%m%dT%H%M%S.%fZ}"
