"""How long calls are repeated that meet something new: IAM is eventually consistent, and tells nobody when it has settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pullgrant.errors import NotFound, NotVisibleYet, PermissionDenied, PullgrantError
from pullgrant.kit.retry import Timer, retrying
from pullgrant.providers.gcp.answers import Conflict

# "60 seconds or more" until a new account is seen: Google's own pages; a lasting 403 shall still show itself soon.
VISIBLE_WITHIN = timedelta(seconds=90)
T = TypeVar("T")


class Waits:
    """Knows whether the account was just made."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self.fresh = False

    def seen(self, call: Callable[[], T]) -> T:
        """Return the call's result; on an account that was just made, absent and forbidden mean "not seen yet"."""

        def again(error: PullgrantError) -> bool:
            unseen = self.fresh and isinstance(error, NotFound | PermissionDenied)
            return unseen or isinstance(error, NotVisibleYet)

        return retrying(call, timer=self._timer, budget=VISIBLE_WITHIN, when=again)

    def settled(self, call: Callable[[], T]) -> T:
        """Return the result of a policy's change, again while others change it or a new member is not seen."""
        return retrying(
            call,
            timer=self._timer,
            budget=VISIBLE_WITHIN,
            when=lambda error: isinstance(error, Conflict | NotVisibleYet),
        )
