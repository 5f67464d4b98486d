"""What IAM's readers see while a change has not settled: things as they were before.

IAM is eventually consistent: docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html, "Changes that I make are not always
immediately visible".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pullgrant.sandbox.world import World

T = TypeVar("T")


class Late:
    """Keeps what each changed thing was before, for as long as it may still be seen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before: dict[str, Any] = {}

    def changed(self, thing: str, before: Any) -> None:
        """Note that a thing was changed from `before`, a copy; a second change before the first settled keeps the oldest."""
        if self._world.settled(thing):
            self._before[thing] = before
        self._world.changed(thing)

    def see(self, thing: str, now: T) -> T:
        """Return what a reader sees of a thing that is `now`; asking counts as one read unless nothing has changed."""
        if thing not in self._before or self._before[thing] == now:
            return now
        if self._world.settled(thing):
            del self._before[thing]
            return now
        before: T = self._before[thing]
        return before

    def judge(self, things: Mapping[str, Any], verdict: Callable[[Mapping[str, Any]], T]) -> T:
        """Return a verdict over things as they are seen. A change that does not alter the verdict is not read."""
        seen = dict(things)
        found = verdict(seen)
        for thing in things:
            if thing not in self._before:
                continue
            other = verdict(seen | {thing: self._before[thing]})
            if other == found:
                continue
            seen[thing] = self.see(thing, things[thing])
            found = found if seen[thing] == things[thing] else other
        return found

    def forget(self) -> None:
        """See everything as it is."""
        self._before.clear()
