"""What the ledger knows of every reader, without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pullgrant.flows.rotate import next_at
from pullgrant.model import history as past
from pullgrant.model.credential import Slot
from pullgrant.model.operation import Ensured, Operation
from pullgrant.model.proof import Proof
from pullgrant.model.reader import Grant, Identity, Reader
from pullgrant.ports import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One reader as the journal shows it. `waiting` are retired keys whose grace runs; `unfinished` are open operations."""

    reader: Reader
    slots: tuple[Slot, ...]
    identity: Identity | None
    grant: Grant | None
    key_id: str
    issued_at: datetime | None
    expires_at: datetime | None
    proof: Proof | None
    next_at: datetime | None
    waiting: tuple[past.Waiting, ...]
    unfinished: tuple[Operation, ...]


def status(ledger: Ledger) -> tuple[Standing, ...]:
    """Return the standing of every reader that the ledger holds, in the order of their ids."""
    return tuple(standing(reader, ledger.history(reader.id)) for reader in ledger.readers())


def standing(reader: Reader, history: Sequence[Operation]) -> Standing:
    """Return the standing of one reader."""
    operation = past.current(history)
    issued = operation.issued if operation else None
    ensured = [event for one in past.lifetime(history) for event in one.of(Ensured)]
    return Standing(
        reader=reader,
        slots=past.slots(history),
        identity=ensured[-1].identity if ensured else None,
        grant=ensured[-1].grant if ensured else None,
        key_id=issued.key.id if issued else "",
        issued_at=operation.opened_at if operation else None,
        expires_at=issued.expires_at if issued else None,
        proof=past.proof(operation) if operation else None,
        next_at=next_at(reader, history),
        waiting=past.waiting(history),
        unfinished=tuple(one for one in past.lifetime(history) if one.closed is None),
    )
