"""How long calls are repeated that meet something new: IAM is eventually consistent, and tells nobody when it has settled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pullgrant.errors import NotFound, NotVisibleYet, PermissionDenied, PullgrantError
from pullgrant.kit.retry import Timer, retrying
from pullgrant.providers.ecr.answers import Conflict

# docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html gives no number; seconds are what people see.
VISIBLE_WITHIN = timedelta(seconds=90)
T = TypeVar("T")


class Waits:
    """Knows what was just made. Granting and issuing run at the same time, and wait for one another through this."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self.fresh = False
        self.changing = False
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Say that the grant has failed: there is nothing to wait for."""
        self._given_up.set()

    def start(self) -> None:
        """Say that a grant is tried."""
        self._given_up.clear()

    def seen(self, call: Callable[[], T]) -> T:
        """Return the result of a call of the operator; on an identity that was just made, absent means "not seen yet"."""

        def again(error: PullgrantError) -> bool:
            return isinstance(error, Conflict) or (self.fresh and isinstance(error, NotFound))

        return retrying(call, timer=self._timer, budget=VISIBLE_WITHIN, when=again)

    def settled(self, call: Callable[[], T]) -> T:
        """Return the result of a call that needs the new key or grant: unknown and forbidden mean "not seen yet"."""

        def again(error: PullgrantError) -> bool:
            if self._given_up.is_set():
                return False
            unseen = (self.fresh or self.changing) and isinstance(error, PermissionDenied | NotFound)
            return unseen or isinstance(error, NotVisibleYet)

        return retrying(call, timer=self._timer, budget=VISIBLE_WITHIN, when=again)
