"""What the journal of one reader comes to: its current credential, the keys that wait for their end, its slots."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pullgrant.model.credential import Slot
from pullgrant.model.operation import Close, Delivering, Emptied, KeyIssued, Operation, Proved, Retired, Withdrawn
from pullgrant.model.proof import Proof
from pullgrant.model.reader import Key, Reader

SHORT_LIFE = timedelta(days=1)
KEPT = timedelta(days=30)  # how long the journal keeps what nothing depends on any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A retired key that still lives, with the operation in whose journal its withdrawal is noted."""

    operation: Operation
    key: Key
    withdraw_after: datetime


def lifetime(history: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return the operations since the reader was last revoked: what came before is over."""
    last = max((index for index, operation in enumerate(history) if operation.closed is Close.REVOKED), default=-1)
    return tuple(history[last + 1 :])


def current(history: Sequence[Operation]) -> Operation | None:
    """Return the operation whose credential the slots hold: the last that closed as current."""
    closed = [operation for operation in lifetime(history) if operation.closed is Close.CURRENT and operation.issued]
    return closed[-1] if closed else None


def asked(history: Sequence[Operation]) -> Reader | None:
    """Return the reader as it was last asked for; None when it was never made."""
    closed = [operation for operation in lifetime(history) if operation.closed is Close.CURRENT]
    return closed[-1].intent.reader if closed else None


def interrupted(history: Sequence[Operation]) -> bool:
    """Return whether some slots may hold a credential that was never delivered to all of them."""
    ended = [one.closed for one in lifetime(history) if one.closed in (Close.CURRENT, Close.SUPERSEDED)]
    return bool(ended) and ended[-1] is Close.SUPERSEDED


def withdrawn(history: Sequence[Operation]) -> frozenset[str]:
    """Return the ids of keys that the journal knows to be gone."""
    return frozenset(event.key_id for operation in history for event in operation.of(Withdrawn))


def known_keys(history: Sequence[Operation]) -> frozenset[str]:
    """Return the ids of all keys that this ledger ever made for the reader."""
    return frozenset(issued.key.id for operation in history for issued in operation.of(KeyIssued))


def foreign(history: Sequence[Operation], keys: Sequence[Key]) -> tuple[Key, ...]:
    """Return those of an identity's keys that this ledger did not make."""
    known = known_keys(history)
    return tuple(key for key in keys if key.id not in known)


def waiting(history: Sequence[Operation]) -> tuple[Waiting, ...]:
    """Return the retired keys that are not yet withdrawn, oldest first."""
    gone = withdrawn(history)
    return tuple(
        Waiting(operation=operation, key=retired.key, withdraw_after=retired.withdraw_after)
        for operation in lifetime(history)
        for retired in operation.of(Retired)
        if retired.key.id not in gone
    )


def to_retire(history: Sequence[Operation], keep: Operation) -> tuple[Key, ...]:
    """Return the keys of earlier operations that live, are revocable and wait for nothing yet: `keep` supersedes them."""
    settled = withdrawn(history) | {one.key.id for one in waiting(history)}
    return tuple(
        operation.issued.key
        for operation in lifetime(history)
        if operation.id != keep.id and operation.issued and operation.issued.key.revocable
        if operation.issued.key.id not in settled
    )


def slots(history: Sequence[Operation]) -> tuple[Slot, ...]:
    """Return the slots that hold, or may hold, a credential of this reader, in the order of their first delivery."""
    found: dict[Slot, None] = {}
    for operation in lifetime(history):
        for noted in operation.events:
            if isinstance(noted.event, Delivering):
                found[noted.event.slot] = None
            elif isinstance(noted.event, Emptied):
                found.pop(noted.event.slot, None)
    return tuple(found)


def outlived(history: Sequence[Operation], now: datetime) -> tuple[Operation, ...]:
    """Return the oldest operations that nothing depends on: they ended before the current one and more than KEPT ago.

    Their keys are gone or end by themselves, and later operations tell of the same slots. A reader with tokens of twelve hours
    ends four operations a day, for ever.
    """
    last, gone, known = current(history), withdrawn(history), slots(history)
    over = 0
    for index, operation in enumerate(history):
        keys = (*(one.key for one in operation.of(KeyIssued)), *(one.key for one in operation.of(Retired)))
        ended = operation.closed_at is not None and operation.closed_at < now - KEPT
        if last is None or operation.id == last.id or not ended:
            break
        if any(key.revocable and key.id not in gone for key in keys):
            break
        if set(slots(history[index + 1 :])) == set(known):
            over = index + 1
    return tuple(history[:over])


def proof(operation: Operation) -> Proof | None:
    """Return the last proof of an operation."""
    proofs = operation.of(Proved)
    return proofs[-1].proof if proofs else None


def renew_at(reader: Reader, operation: Operation) -> datetime | None:
    """Return when the credential of this operation is due; None when it made none.

    A credential that lives a day or less is due at half its life, a longer one at the reader's rotation age or when two
    thirds of its life are over, whichever comes first. Up to a tenth of that time is taken off, the same for the same
    reader, so that many readers made at once do not all come due at once.
    """
    issued = operation.issued
    if issued is None:
        return None
    start = issued.key.created_at or operation.opened_at
    start = min(start, operation.opened_at)
    term = reader.rotate_every
    if issued.expires_at is not None:
        life = issued.expires_at - start
        term = life / 2 if life <= SHORT_LIFE else min(term, life * 2 / 3)
    return start + term * (1 - _jitter(reader.id) / 10)


def _jitter(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
