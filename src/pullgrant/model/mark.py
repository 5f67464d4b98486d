"""Our mark on a token or robot, where a registry keeps free text with it: whose it is, and which operation made it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pullgrant.model.reader import Key, Ownership

_MARK = re.compile(r"\bpullgrant reader=(\S+) ledger=([0-9A-Za-z-]+) operation=([0-9A-Za-z-]+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Reader by name, ledger and operation by id. As text it is 77 characters for the reader `docker-reader`."""

    reader: str
    ledger: str
    operation: str

    def __str__(self) -> str:
        return f"pullgrant reader={self.reader} ledger={self.ledger} operation={self.operation}"


def read_mark(text: object) -> Mark | None:
    """Return the mark that a text carries, None for a foreign one."""
    found = _MARK.search(text) if isinstance(text, str) else None
    return Mark(reader=found[1], ledger=found[2], operation=found[3]) if found else None


def ownership(marks: Iterable[Mark], *, ledger: str) -> Ownership:
    """Return whose a reader is, by the marks of its tokens: ours as soon as one of them is."""
    ledgers = {mark.ledger for mark in marks}
    if not ledgers:
        return Ownership.ABSENT
    return Ownership.OURS if ledger in ledgers else Ownership.OTHER_LEDGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token or robot that carries a mark, as its registry lists it. `username` signs in with it."""

    id: str
    mark: Mark
    username: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    enabled: bool = True

    @property
    def key(self) -> Key:
        """The token as a key of its reader."""
        return Key(
            id=self.id,
            created_at=self.created_at,
            expires_at=self.expires_at,
            note=self.mark.operation,
            enabled=self.enabled,
        )
