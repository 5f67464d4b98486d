"""Renews one reader's credential when it is due, and ends keys whose grace is over. Asks nobody when nothing is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pullgrant.flows.apply import Applied, apply_locked
from pullgrant.flows.settle import settle_reader
from pullgrant.flows.sweep import sweep
from pullgrant.flows.verify import verify
from pullgrant.model import history as past
from pullgrant.model.operation import Close, Operation
from pullgrant.model.proof import Answer
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports

# A platform that stays down must not fill an identity with keys: each try makes one (Google allows ten, IAM two).
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=15), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one run was asked for beyond renewing what is due.

    `because` renews in any case; `proving` first asks the registry whether the delivered credential still pulls, and renews
    one that is refused; `rotate_every` replaces long-lived keys at another age than their reader's own. `doubting`: the
    time of day was set back, so that whatever lives a day or less is renewed.
    """

    wait: timedelta = timedelta()
    because: str = ""
    proving: bool = False
    rotate_every: timedelta | None = None
    doubting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What one run did to one reader.

    `stuck` are keys whose grace is over and that could not be withdrawn. `next_at` is when it must run again, `dies_at`
    when the current credential dies.
    """

    reader: Reader
    applied: Applied | None = None
    withdrawn: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    next_at: datetime | None = None
    dies_at: datetime | None = None


def next_at(reader: Reader, history: Sequence[Operation]) -> datetime | None:
    """Return when this reader next needs a run, by the ledger alone; None when it has nothing that ages."""
    times = [one.withdraw_after for one in past.waiting(history)]
    times += [operation.opened_at for operation in past.lifetime(history) if operation.closed is None]
    operation = past.current(history)
    if past.interrupted(history):
        times.append(_try_again_at(history))
    elif operation is not None and (renewal := past.renew_at(reader, operation)) is not None:
        times.append(renewal)
    return min(times, default=None)


def is_due(reader: Reader, history: Sequence[Operation], now: datetime) -> bool:
    """Return whether a run has something to do: a renewal, the end of a grace, or an interrupted operation."""
    due = next_at(reader, history)
    return due is not None and due <= now


def has_work(reader: Reader, history: Sequence[Operation], terms: Terms, now: datetime) -> bool:
    """Return whether a run on these terms would ask anybody anything."""
    asked = terms.because or (terms.proving and past.current(history) is not None) or _doubted(history, terms)
    return bool(asked) or is_due(_aged(reader, terms), history, now)


def rotate(reader: Reader, ports: Ports, terms: Terms) -> Rotated:
    """Bring one reader up to date. Errors as in `flows.apply`."""
    aged = _aged(reader, terms)
    history = ports.ledger.history(reader.id)
    because = terms.because or _doubted(history, terms)
    if terms.proving and not because and past.current(history) is not None:
        because = _refused(reader, ports, terms.wait)
    if not because and not is_due(aged, history, ports.clock.now()):
        return rotated(reader, history)
    with ports.ledger.exclusive(reader.id, wait=terms.wait):
        settle_reader(reader.id, ports)
        over = _over(ports.ledger.history(reader.id), ports.clock.now())
        withdrawn = sweep(reader.id, ports)
        history = ports.ledger.history(reader.id)
        because = because or _due(aged, reader, history, ports.clock.now())
        applied = None
        if because:
            applied = apply_locked(Wish(reader=reader, slots=past.slots(history), verb="rotate", because=because), ports)
        done = rotated(reader, ports.ledger.history(reader.id), applied=applied, withdrawn=withdrawn)
        return replace(done, stuck=tuple(key for key in over if key not in withdrawn))


def rotated(
    reader: Reader,
    history: Sequence[Operation],
    *,
    applied: Applied | None = None,
    withdrawn: tuple[str, ...] = (),
) -> Rotated:
    """Return how a reader stands after a run, or without one."""
    operation = past.current(history)
    return Rotated(
        reader=reader,
        applied=applied,
        withdrawn=withdrawn,
        next_at=next_at(reader, history),
        dies_at=operation.issued.expires_at if operation and operation.issued else None,
    )


def _aged(reader: Reader, terms: Terms) -> Reader:
    return replace(reader, rotate_every=terms.rotate_every or reader.rotate_every)


def _doubted(history: Sequence[Operation], terms: Terms) -> str:
    operation = past.current(history) if terms.doubting else None
    issued = operation.issued if operation else None
    if operation is None or issued is None or issued.expires_at is None:
        return ""
    short = issued.expires_at - (issued.key.created_at or operation.opened_at) <= past.SHORT_LIFE
    return "the clock was set back, so that its expiry cannot be trusted" if short else ""


def _over(history: Sequence[Operation], now: datetime) -> tuple[str, ...]:
    """Return the keys whose grace is over."""
    return tuple(one.key.id for one in past.waiting(history) if one.withdraw_after <= now)


def _due(aged: Reader, reader: Reader, history: Sequence[Operation], now: datetime) -> str:
    """Return why a new credential is due, empty when it is not."""
    if past.interrupted(history):
        return "an interrupted delivery is to be completed" if _try_again_at(history) <= now else ""
    operation = past.current(history)
    if operation is None:
        return ""
    due, by_option = past.renew_at(reader, operation), past.renew_at(aged, operation)
    if due is not None and due <= now:
        return "its credential is due for renewal"
    return "its key is older than --rotate-every" if by_option is not None and by_option <= now else ""


def _try_again_at(history: Sequence[Operation]) -> datetime:
    """Return when an interrupted delivery is tried again: at once with tokens, ever later with keys that pile up."""
    failed: list[Operation] = []
    for operation in reversed(past.lifetime(history)):
        if operation.closed is Close.CURRENT:
            break
        if operation.closed is Close.SUPERSEDED:
            failed.append(operation)
    last = failed[0].opened_at
    keys = sum(1 for one in failed if one.issued is not None and one.issued.key.revocable)
    return last + min(_FIRST_PAUSE * 2 ** (keys - 1), _LONGEST_PAUSE) if keys else last


def _refused(reader: Reader, ports: Ports, wait: timedelta) -> str:
    verified = verify(reader, ports, wait=wait)
    if verified.findings:
        return verified.findings[0]
    return "the registry refuses its credential" if verified.proof.pull.answer is Answer.DENIED else ""
