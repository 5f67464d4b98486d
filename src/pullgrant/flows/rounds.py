"""Rotates many readers: those that are due, several at the same time, each under its own lock and apart from the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pullgrant.errors import Locked, PullgrantError, SinkFailed, Unavailable
from pullgrant.flows.rotate import Rotated, Terms, has_work, next_at, rotate, rotated
from pullgrant.kit.together import all_of
from pullgrant.model import history as past
from pullgrant.model.operation import Operation
from pullgrant.model.reader import Reader
from pullgrant.ports import Clock, Ledger, Ports, Report

AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How one reader fared in a round. `error` says what failed, `skipped` why nothing was tried."""

    reader: Reader
    done: Rotated
    error: PullgrantError | None = None
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a round works with. `ports_of` is called for a reader that has something to do, and for no other."""

    ledger: Ledger
    clock: Clock
    ports_of: Callable[[Reader], Ports]
    stopping: Callable[[], bool] = lambda: False


def run_round(readers: Sequence[Reader], house: House, terms: Terms, *, at_once: int = AT_ONCE) -> tuple[Turn, ...]:
    """Give each reader that is due its turn, the one whose credential dies first at first; return all turns in order.

    A reader that another run holds is skipped, and one that fails keeps nobody else waiting. Once `house.stopping` says
    so no further reader is begun.
    """
    histories = {one.id: house.ledger.history(one.id) for one in readers}
    now = house.clock.now()
    due = [one for one in readers if has_work(one, histories[one.id], terms, now)]
    due.sort(key=lambda one: rotated(one, histories[one.id]).dies_at or datetime.max.replace(tzinfo=now.tzinfo))
    speaking = threading.Lock()
    turns = all_of(lambda one: _turn(one, house, terms, speaking if len(due) > 1 else None), due, at_once=at_once)
    by_id = {turn.reader.id: turn for turn in turns}
    return tuple(by_id.get(one.id) or _at_rest(one, histories[one.id]) for one in readers)


def next_run(turns: Sequence[Turn]) -> datetime | None:
    """Return when the next round must be, None when nothing ages."""
    return min((turn.done.next_at for turn in turns if turn.done.next_at), default=None)


def worst(turns: Sequence[Turn]) -> PullgrantError | None:
    """Return what a round failed with: the error with the highest exit code, or a key that outlives its grace."""
    errors = [turn.error for turn in turns if turn.error is not None]
    errors += [
        Unavailable(
            f"{turn.reader.id}: the key {turn.done.stuck[0]} could not be withdrawn, and its grace is over",
            hint="`pullgrant status` shows it; the next run tries again.",
        )
        for turn in turns
        if turn.done.stuck
    ]
    return max(errors, key=lambda one: one.exit_code, default=None)


def dying(turns: Sequence[Turn], now: datetime, before: timedelta) -> Unavailable | None:
    """Return the error for the first credential that dies before the next run, None when none does."""
    for turn in sorted(turns, key=lambda one: one.reader.id):
        dies = turn.done.dies_at
        if dies is not None and dies < now + before:
            verb = "has died" if dies <= now else "dies"
            return Unavailable(
                f"the credential of {turn.reader.id} {verb} at {dies:%Y-%m-%d %H:%M} UTC, before the next run",
                hint="Mend what keeps it from being renewed, or run `rotate` sooner: see pullgrant schedule.",
            )
    return None


def _at_rest(reader: Reader, history: Sequence[Operation]) -> Turn:
    return Turn(reader=reader, done=rotated(reader, history), error=_incomplete(reader, history))


def _incomplete(reader: Reader, history: Sequence[Operation]) -> SinkFailed | None:
    """Return the error for a delivery that waits to be tried again: that is no success, whoever ran before."""
    again = next_at(reader, history)
    if not past.interrupted(history) or again is None:
        return None
    words = f"a delivery of {reader.id} is not complete, and is tried again at {again:%Y-%m-%d %H:%M} UTC"
    return SinkFailed(words, hint="As soon as the platform is well: pullgrant recover")


def _turn(reader: Reader, house: House, terms: Terms, speaking: threading.Lock | None) -> Turn:
    if house.stopping():
        return _left(reader, house, skipped="left for the next run: this one was asked to stop")
    try:
        ports = house.ports_of(reader)
        if speaking is not None:
            ports = replace(ports, report=Named(reader.id, ports.report, speaking))
        done = rotate(reader, replace(ports, clock=house.clock), terms)
        return Turn(reader=reader, done=done, error=_incomplete(reader, house.ledger.history(reader.id)))
    except Locked as error:
        return _left(reader, house, skipped=error.message)
    except PullgrantError as error:
        return _left(reader, house, error=error)
    except Exception as error:  # a bug that meets one reader must not let the credentials of all others die
        return _left(reader, house, error=PullgrantError(f"a bug of pullgrant: {type(error).__name__}"))


def _left(reader: Reader, house: House, *, skipped: str = "", error: PullgrantError | None = None) -> Turn:
    done = rotated(reader, house.ledger.history(reader.id))
    return Turn(reader=reader, done=done, skipped=skipped, error=error)


class Named:
    """A report that says of which reader it speaks, for readers that are worked on at the same time."""

    def __init__(self, name: str, report: Report, speaking: threading.Lock) -> None:
        self._name, self._report, self._speaking = name, report, speaking

    def step(self, words: str) -> None:
        """Say what was just done."""
        with self._speaking:
            self._report.step(f"{self._name}: {words}")

    def waiting(self, words: str) -> None:
        """Say what is being waited for."""
        with self._speaking:
            self._report.waiting(f"{self._name}: {words}")
