"""One token for all readers of a run that act as the same role: a token may what its role may, whoever it is handed to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pullgrant.model.reader import Key
from pullgrant.providers.ecr.found import Token

_YOUNG = 10  # a token is handed on in the first tenth of its life, by which readers of one age come due apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A token, when it was taken and when it must be taken for dead.

    `left` is the access key that it was taken with, if that could not be deleted.
    """

    token: Token
    at: datetime
    ends: datetime
    left: Key | None = None

    def is_young(self, now: datetime) -> bool:
        """Return whether it may be handed to one more reader."""
        return self.at <= now < self.at + (self.ends - self.at) / _YOUNG


@dataclass(slots=True)
class _Shelf:
    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: Taken | None = None
    readers: set[str] = field(default_factory=set)


class SharedTokens:
    """The last token of each role in this process. Safe for threads; readers of one role wait for one another."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._shelves: dict[tuple[object, ...], _Shelf] = {}

    def token(self, role: tuple[object, ...], reader: str, now: datetime, take: Callable[[], Taken]) -> Taken:
        """Return a token of a role that this reader was never given: a young one of another's, or a new one."""
        with self._making:
            shelf = self._shelves.setdefault(role, _Shelf())
        with shelf.lock:
            if shelf.taken is None or reader in shelf.readers or not shelf.taken.is_young(now):
                shelf.taken = take()
                shelf.readers.clear()
            shelf.readers.add(reader)
            return shelf.taken
