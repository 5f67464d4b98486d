"""Repeats a call while its error says that a repeat may help, with jitter and under one total budget."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from pullgrant.errors import PullgrantError, RateLimited

T = TypeVar("T")


class Timer(Protocol):
    """The part of a clock that waiting needs."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


def retrying(
    call: Callable[[], T],
    *,
    timer: Timer,
    budget: timedelta,
    first: float = 0.25,
    most: float = 8.0,
    when: Callable[[PullgrantError], bool] = lambda error: error.retryable,
    on_wait: Callable[[PullgrantError], None] = lambda _: None,
) -> T:
    """Return the call's result; repeat it while `when(error)` holds and the budget lasts, then raise the last real error.

    Waits start near `first` seconds and double up to `most`; a `retry_after` of the other side is obeyed within the budget.
    """
    deadline = timer.monotonic() + budget.total_seconds()
    pause = first
    while True:
        try:
            return call()
        except PullgrantError as error:
            asked = error.retry_after if isinstance(error, RateLimited) and error.retry_after else 0.0
            wait = max(asked, pause * random.uniform(0.5, 1.0))
            if not when(error) or timer.monotonic() + wait > deadline:
                raise
            on_wait(error)
            timer.sleep(wait)
            pause = min(pause * 2, most)
