"""What a rehearsal breaks: a fuse that kills the actor, or fails, at one outside call of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pullgrant.errors import OutcomeUnknown, PullgrantError


class Killed(BaseException):
    """The actor's process died here; nothing of it runs any more."""


@dataclass(slots=True)
class Fuse:
    """Counts the outside calls of one run and fails at one of them.

    `at` is the number of the call, from 0; `after` says whether its effect has happened; `error` is raised instead of the
    death of the process when given. `calls` holds the names of the calls that were made.
    """

    at: int = -1
    after: bool = False
    error: Callable[[], PullgrantError] | None = None
    calls: list[str] = field(default_factory=list)

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        """Make one outside call."""
        mine = len(self.calls) == self.at
        self.calls.append(name)
        if mine and not self.after:
            self._blow()
        result = call()
        if mine:
            self._blow()
        return result

    def _blow(self) -> None:
        raise self.error() if self.error else Killed


def unknown() -> OutcomeUnknown:
    """Return the error of a call whose answer was lost."""
    return OutcomeUnknown("no answer came")
