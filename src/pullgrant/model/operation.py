"""The operation: one run of a verb on one reader, journalled as an intent, events and an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, TypeVar

from pullgrant.model.credential import Receipt, Slot
from pullgrant.model.proof import Proof
from pullgrant.model.reader import Grant, Identity, Key, Reader

E = TypeVar("E")


class Close(StrEnum):
    """How an operation ended."""

    CURRENT = "current"
    UNDONE = "undone"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Written before the first remote call that changes something; `keys_before` tells our new key from the others."""

    verb: str
    reader: Reader
    slots: tuple[Slot, ...] = ()
    keys_before: tuple[str, ...] = ()
    adopt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """The identity exists and is ours."""

    identity: Identity
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuing:
    """A key is about to be asked for; from here one may exist that no later event names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyIssued:
    """The key exists. `fingerprint` is keyed with the ledger's own random key."""

    key: Key
    fingerprint: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The live registry was asked."""

    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """A delivery is about to be tried: after the first of these there is only forward."""

    slot: Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A sink took the credential."""

    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A key of an earlier operation is to be withdrawn, not before `withdraw_after`."""

    key: Key
    withdraw_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A key is gone from its cloud."""

    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """A slot no longer holds a credential of ours."""

    slot: Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step failed; the words are redacted. The operation stays open unless it was undone."""

    step: str
    words: str


Event: TypeAlias = Ensured | Issuing | KeyIssued | Proved | Delivering | Delivered | Retired | Withdrawn | Emptied | Failed
EVENTS: tuple[type, ...] = (
    Ensured, Issuing, KeyIssued, Proved, Delivering, Delivered, Retired, Withdrawn, Emptied, Failed,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An event with its time."""

    at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One run of a verb on one reader. Open while `closed` is None."""

    id: str
    opened_at: datetime
    intent: Intent
    events: tuple[Noted, ...] = ()
    closed: Close | None = None
    closed_at: datetime | None = None

    def of(self, kind: type[E]) -> tuple[E, ...]:
        """Return the events of one kind, oldest first."""
        return tuple(noted.event for noted in self.events if isinstance(noted.event, kind))

    @property
    def issued(self) -> KeyIssued | None:
        """The key that this operation made, as far as the journal knows."""
        return next(iter(self.of(KeyIssued)), None)
