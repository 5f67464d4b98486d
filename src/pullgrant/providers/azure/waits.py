"""How long each kind of call is repeated, and for which errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pullgrant.errors import OutcomeUnknown, PullgrantError
from pullgrant.kit.retry import Timer, retrying

_LOG = logging.getLogger("pullgrant.azure")
READING, SETTLING, DOUBTING = timedelta(seconds=20), timedelta(minutes=4), timedelta(seconds=8)
_FIRST = 0.5
T = TypeVar("T")


class Waits:
    """Repeats calls with growing waits; the last real error is what is raised in the end."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    def reading(self, call: Callable[[], T]) -> T:
        """Repeat a call that changes nothing, for some seconds."""
        return self._retry(call, READING, lambda error: error.retryable)

    def settling(self, call: Callable[[], T]) -> T:
        """Repeat a call that is refused until something just made is seen everywhere, for some minutes.

        az waits 180 s, hashicorp/vault-plugin-secrets-azure 80 s, which its users found too short. An unknown outcome
        is not repeated.
        """
        return self._retry(call, SETTLING, lambda error: error.retryable)

    def repeating(self, call: Callable[[], T]) -> T:
        """Do as `settling` for a call that does the same when it is made twice: an unknown outcome is repeated too."""
        return self._retry(call, SETTLING, lambda error: error.retryable or isinstance(error, OutcomeUnknown))

    def doubting(self, call: Callable[[], T]) -> T:
        """Repeat for a moment a call that cannot find what was just made."""
        return self._retry(call, DOUBTING, lambda error: error.retryable)

    def _retry(self, call: Callable[[], T], budget: timedelta, when: Callable[[PullgrantError], bool]) -> T:
        return retrying(call, timer=self._timer, budget=budget, first=_FIRST, when=when, on_wait=_tell)


def _tell(error: PullgrantError) -> None:
    _LOG.info("waiting: %s", error.message)
