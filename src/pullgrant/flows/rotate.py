"""Renews one reader's credential when it is due, and ends keys whose grace is over. Asks nobody when nothing is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pullgrant.flows.apply import Applied, apply_locked
from pullgrant.flows.settle import settle_reader
from pullgrant.flows.sweep import sweep
from pullgrant.flows.verify import verify
from pullgrant.model import history as past
from pullgrant.model.operation import Operation
from pullgrant.model.proof import Answer
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What one run did to one reader. `next_at` is when it must run again, `dies_at` when the current credential dies."""

    reader: Reader
    applied: Applied | None = None
    withdrawn: tuple[str, ...] = ()
    next_at: datetime | None = None
    dies_at: datetime | None = None


def next_at(reader: Reader, history: Sequence[Operation]) -> datetime | None:
    """Return when this reader next needs a run, by the ledger alone; None when it has nothing that ages."""
    times = [one.withdraw_after for one in past.waiting(history)]
    operation = past.current(history)
    renewal = past.renew_at(reader, operation) if operation else None
    return min([*times, *([renewal] if renewal else [])], default=None)


def is_due(reader: Reader, history: Sequence[Operation], now: datetime) -> bool:
    """Return whether a run has something to do: a renewal, the end of a grace, or an interrupted operation."""
    if past.interrupted(history) or any(operation.closed is None for operation in past.lifetime(history)):
        return True
    due = next_at(reader, history)
    return due is not None and due <= now


def rotate(reader: Reader, ports: Ports, *, wait: timedelta, because: str = "", proving: bool = False) -> Rotated:
    """Bring one reader up to date. `because` renews in any case; `proving` first asks the registry whether the
    delivered credential still pulls, and renews one that is refused. Errors as in `flows.apply`."""
    if proving and not because:
        because = _refused(reader, ports, wait)
    history = ports.ledger.history(reader.id)
    if not because and not is_due(reader, history, ports.clock.now()):
        return _rotated(reader, ports, None, ())
    with ports.ledger.exclusive(reader.id, wait=wait):
        settle_reader(reader.id, ports)
        withdrawn = sweep(reader.id, ports)
        history = ports.ledger.history(reader.id)
        applied = None
        if because or _renewal_is_due(reader, history, ports.clock.now()):
            wish = Wish(reader=reader, slots=past.slots(history), verb="rotate", because=because)
            applied = apply_locked(wish, ports)
        return _rotated(reader, ports, applied, withdrawn)


def _renewal_is_due(reader: Reader, history: Sequence[Operation], now: datetime) -> bool:
    operation = past.current(history)
    due = past.renew_at(reader, operation) if operation else None
    return past.interrupted(history) or (due is not None and due <= now)


def _refused(reader: Reader, ports: Ports, wait: timedelta) -> str:
    verified = verify(reader, ports, wait=wait)
    if verified.findings:
        return verified.findings[0]
    return "the registry refuses its credential" if verified.proof.pull.answer is Answer.DENIED else ""


def _rotated(reader: Reader, ports: Ports, applied: Applied | None, withdrawn: tuple[str, ...]) -> Rotated:
    history = ports.ledger.history(reader.id)
    operation = past.current(history)
    return Rotated(
        reader=reader,
        applied=applied,
        withdrawn=withdrawn,
        next_at=next_at(reader, history),
        dies_at=operation.issued.expires_at if operation and operation.issued else None,
    )
