"""Rotation as a service: sleeps until something is due, by two clocks, and ends between two readers when it is told to.

The monotonic clock stands still while a machine sleeps, the time of day may be set: whichever says first that it is time counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pullgrant.ports import Clock

# A new reader is another process's work, and nobody tells.
LOOK_EVERY = timedelta(minutes=5)
_TICK = timedelta(seconds=15)
_SHORTEST = timedelta(seconds=1)
_STEP = timedelta(minutes=1)  # less is how a clock is kept right
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What one round leaves: when the next must be, and whether something failed."""

    next_at: datetime | None
    failed: bool


def watch(turn: Callable[[bool], Outlook], *, clock: Clock, wait: Callable[[float], bool]) -> None:
    """Call `turn` now and whenever something is due, until `wait` says that it is time to end.

    `turn` is told whether the time of day was set back meanwhile, so that what is written of expiries cannot be trusted.
    `wait` takes seconds and returns whether to end. After a failure the pauses grow to a quarter of an hour.
    """
    set_back, failures = False, 0
    while True:
        outlook = turn(set_back)
        failures = failures + 1 if outlook.failed else 0
        lag = _rest(clock, wait, _pause(outlook, clock.now(), failures))
        if lag is None:
            return
        set_back = lag >= _STEP


def _pause(outlook: Outlook, now: datetime, failures: int) -> timedelta:
    due = outlook.next_at - now if outlook.next_at else LOOK_EVERY
    least = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE) if failures else _SHORTEST
    return max(least, min(due, LOOK_EVERY))


def _rest(clock: Clock, wait: Callable[[float], bool], pause: timedelta) -> timedelta | None:
    """Wait until either clock has gone on by `pause`; return how far the time of day was set back, None to end."""
    wall, monotonic = clock.now(), clock.monotonic()
    while True:
        passed, walked = timedelta(seconds=clock.monotonic() - monotonic), clock.now() - wall
        left = pause - max(passed, walked)
        if left <= timedelta():
            return max(passed - walked, timedelta())
        if wait(min(left, _TICK).total_seconds()):
            return None
