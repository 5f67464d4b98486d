"""Independent calls at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def together(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """Run the calls in threads, wait for all of them, return their results in order.

    When calls raise, all others have ended before the first error, in the order given, is raised.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(calls)), thread_name_prefix="pullgrant") as pool:
        futures = [pool.submit(call) for call in calls]
    return tuple(future.result() for future in futures)


def all_of(call: Callable[[Any], T], items: Sequence[Any], *, at_once: int = 16) -> tuple[T, ...]:
    """Run one call for each item, `at_once` at a time, and return the results in order; errors as in `together`."""
    if not items:
        return ()
    with ThreadPoolExecutor(max_workers=min(at_once, len(items)), thread_name_prefix="pullgrant") as pool:
        futures = [pool.submit(call, item) for item in items]
    return tuple(future.result() for future in futures)
