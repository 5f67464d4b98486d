"""What the two databases do differently: how they are reached, locked and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from pullgrant.errors import PullgrantError


class Store(Protocol):
    """One database. Its transactions are short; errors of SQLAlchemy pass through and are named by `failure`."""

    @property
    def name(self) -> str:
        """The database for a message, without a password."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that writes; it is on the disk when the block has ended."""

    def begin_upgrade(self, connection: Connection) -> None:
        """Make sure, inside a writing transaction, that nobody else upgrades and that the database may be ours."""

    def before_upgrade(self) -> None:
        """Do what can not be done inside a transaction."""

    def try_lock(self, name: str) -> Callable[[], None] | None:
        """Take the lock of this name, return what gives it back, None when it is held. It dies with the process."""

    def failure(self, error: Exception) -> PullgrantError:
        """Return our error for one of SQLAlchemy."""

    def close(self) -> None:
        """Close all connections."""
