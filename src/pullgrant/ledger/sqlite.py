"""The SQLite file: private from birth, written through to the disk, with lock files beside it."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from pullgrant.errors import PullgrantError, Unavailable, UsageError
from pullgrant.kit.files import PRIVATE_FILE, PRIVATE_FOLDER, private_folder
from pullgrant.ledger.location import SqliteFile

_LOG = logging.getLogger("pullgrant.ledger")
_SIBLINGS = ("", "-wal", "-shm", "-journal")
PATIENCE = timedelta(seconds=15)
# EXTRA is FULL that also syncs the folder where there is no WAL (sqlite.org/pragma.html#pragma_synchronous).
PRAGMAS = ("synchronous=EXTRA", "foreign_keys=ON")


class SqliteStore:
    """A ledger in one file. `patience` is how long a locked database is waited for."""

    def __init__(self, location: SqliteFile, *, patience: timedelta = PATIENCE, pragmas: tuple[str, ...] = PRAGMAS) -> None:
        self._path, self._patience, self._pragmas = location.path, patience, pragmas
        try:
            _make_private(location)
        except OSError as error:
            raise _unusable(self._path, error) from None
        self._engine = self._make_engine()
        self._writer = self._engine.execution_options(pullgrant_begin="BEGIN IMMEDIATE")

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state and blocks nobody."""
        return self._engine.begin()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that is the only writer from its start."""
        return self._writer.begin()

    def before_upgrade(self) -> None:
        """Turn the write-ahead log on; the file remembers it. A file system that can not share memory keeps its journal."""
        with self._engine.execution_options(pullgrant_begin="").connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def begin_upgrade(self, connection: Connection) -> None:
        """Refuse a database that holds other tables than ours. Being the only writer is lock enough."""
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
        if names and not any(name.startswith("pullgrant_") for name in names):
            raise UsageError(f"{self.name} is a SQLite database of something else", hint="Give another path for the ledger.")

    def try_lock(self, name: str) -> Callable[[], None] | None:
        """Take an OS lock on a file in the folder `locks`; the kernel frees it when the process ends, however it ends."""
        try:
            folder = private_folder(self._path.parent / "locks")
            file = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
            lock: BaseFileLock = FileLock(file, mode=PRIVATE_FILE, thread_local=False)
            lock.acquire(timeout=0)
        except Timeout:
            return None
        except OSError as error:
            raise _unusable(self._path, error) from None
        if isinstance(lock, SoftFileLock):  # filelock's way out where flock is missing: it would outlive a killed process
            lock.release()
            raise UsageError(f"the file system of {self.name} has no file locks", hint="Keep the ledger on a local disk.")
        return lock.release

    def failure(self, error: Exception) -> PullgrantError:
        """Return our error, by SQLite's result code (sqlite.org/rescode.html)."""
        cause = getattr(error, "orig", None) or error
        code = str(getattr(cause, "sqlite_errorname", ""))
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            seconds = self._patience.total_seconds()
            return Unavailable(f"the ledger {self.name} was locked by another process for {seconds:g} s")
        if code.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM")):
            return Unavailable(
                f"the ledger {self.name} could not be written ({code}): {cause}", hint="Free some space on its disk."
            )
        if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            hint = "Make the file and its folder writable for this user, or give another path for the ledger."
            return UsageError(f"the ledger {self.name} can not be written ({code})", hint=hint)
        if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            hint = "Restore it from a backup, or give another path for the ledger."
            return UsageError(f"{self.name} is not a ledger, or a damaged one ({code})", hint=hint)
        return PullgrantError(f"the ledger {self.name} failed: {type(cause).__name__} {code}: {cause}")

    def close(self) -> None:
        """Close all connections; the last one of all processes also folds the write-ahead log into the file."""
        self._engine.dispose()

    def _make_engine(self) -> Engine:
        engine = create_engine(
            "sqlite://", creator=self._connect, poolclass=QueuePool, max_overflow=-1, hide_parameters=True
        )
        event.listen(engine, "begin", _begin)
        return engine

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a file that vanished is an error here, not a new file with the modes of the umask.
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=self._patience.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for pragma in self._pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection


def _begin(connection: Connection) -> None:
    """Begin by hand: the sqlite3 module begins late, and never before DDL. A writer locks at once and need not retry."""
    options: Any = connection.get_execution_options()
    statement = options.get("pullgrant_begin", "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _make_private(location: SqliteFile) -> None:
    """Create the file 0600, or take from an existing one, and from SQLite's files beside it, what it gives to others.

    SQLite gives the files beside it the mode of the database (sqlite.org/src, os_unix.c findCreateFileMode).
    """
    private_folder(location.path.parent)
    if location.own_folder:
        _tighten(location.path.parent, PRIVATE_FOLDER)
    try:
        os.close(os.open(location.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
    except FileExistsError:
        for suffix in _SIBLINGS:
            _tighten(location.path.with_name(location.path.name + suffix), PRIVATE_FILE)


def _tighten(path: Path, most: int) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~most:
            path.chmod(mode & most)
            _LOG.warning("%s could be used by others (mode %o); it is now %o", path, mode, mode & most)
    except FileNotFoundError:
        return


def _unusable(path: Path, error: OSError) -> UsageError:
    hint = "Give a path for the ledger that this user may write to."
    return UsageError(f"the ledger {path} can not be used: {error.strerror or type(error).__name__}", hint=hint)
