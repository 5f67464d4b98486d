"""The ledger over SQL: every method is one short transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from pullgrant.errors import Locked, PullgrantError
from pullgrant.kit.retry import retrying
from pullgrant.ledger import codec
from pullgrant.ledger.migrations import STEPS, Step, is_current, upgrade
from pullgrant.ledger.schema import events, meta, operations
from pullgrant.ledger.store import Store
from pullgrant.model.operation import Close, Event, Intent, Noted, Operation
from pullgrant.model.reader import Reader
from pullgrant.ports import Clock
from pullgrant.secret import Secret

_MAKING = ("apply", "bootstrap")
_PATIENCE = timedelta(seconds=15)
_AT_ONCE = 500  # SQLite takes no more than 999 values in older releases


class SqlLedger:
    """A Ledger over one database; safe for threads. `dispose` it, or use it as a context manager."""

    def __init__(self, store: Store, clock: Clock, *, steps: Sequence[Step] = STEPS) -> None:
        self._store, self._clock = store, clock
        try:
            self._id, self._key = self._prepare(steps)
        except BaseException:
            store.close()
            raise

    @property
    def id(self) -> str:
        """The random name of this ledger: 12 hex digits."""
        return self._id

    def open(self, intent: Intent) -> Operation:
        """Start an operation under a new id of 16 hex digits."""
        operation = Operation(id=secrets.token_hex(8), opened_at=self._clock.now(), intent=intent)
        row = {
            "id": operation.id,
            "reader_id": intent.reader.id,
            "verb": intent.verb,
            "opened_at": codec.encode_time(operation.opened_at),
            "intent": codec.encode(intent),
        }
        with self._writing() as connection:
            connection.execute(insert(operations), row)
        return operation

    def note(self, operation: Operation, event: Event) -> Operation:
        """Add an event, after those that other threads and processes noted meanwhile; the result holds these too.

        Raises PullgrantError for an operation that this ledger did not open, and for an event that holds a Secret.
        """
        kind, body = codec.encode_event(event)
        at = self._clock.now()
        with self._writing() as connection:
            stored = _stored(connection, operation)
            row = {"operation": stored.id, "seq": len(stored.events) + 1, "kind": kind, "body": body}
            connection.execute(insert(events), row | {"at": codec.encode_time(at)})
        return replace(stored, events=(*stored.events, Noted(at=at, event=event)))

    def close(self, operation: Operation, outcome: Close) -> Operation:
        """End an operation. Doing it again with the same outcome changes nothing.

        Raises PullgrantError for another outcome than the one that is written: a journal is not rewritten.
        """
        now = self._clock.now()
        with self._writing() as connection:
            stored = _stored(connection, operation)
            if stored.closed is outcome:
                return stored
            if stored.closed is not None:
                raise PullgrantError(f"operation {stored.id} ended as {stored.closed} and can not end as {outcome}")
            ending = {"closed": outcome.value, "closed_at": codec.encode_time(now)}
            connection.execute(update(operations).where(operations.c.id == stored.id).values(ending))
        return replace(stored, closed=outcome, closed_at=now)

    def forget(self, over: Sequence[Operation]) -> None:
        """Take closed operations with their events out of the journal. Absent is done; an open one stays."""
        with self._writing() as connection:
            for start in range(0, len(over), _AT_ONCE):
                ids = [one.id for one in over[start : start + _AT_ONCE]]
                closed = select(operations.c.id).where(operations.c.id.in_(ids), operations.c.closed.is_not(None))
                connection.execute(delete(events).where(events.c.operation.in_(closed)))
                connection.execute(delete(operations).where(operations.c.id.in_(closed)))

    def unfinished(self) -> tuple[Operation, ...]:
        """Return all open operations, oldest first."""
        return self._operations(operations.c.closed.is_(None))

    def history(self, reader_id: str) -> tuple[Operation, ...]:
        """Return all operations of one reader, oldest first."""
        return self._operations(operations.c.reader_id == reader_id)

    def readers(self) -> tuple[Reader, ...]:
        """Return the last asked-for form of every reader that may exist, by id.

        What tells of a reader's life is an operation that closed as current, an open one that was to make the reader
        (verb apply or bootstrap), and one that closed as revoked. The last of these that was opened decides: a revoked
        reader is left out, any other is returned in the form of that operation's intent. Operations that closed as undone,
        superseded or verified, and open ones of other verbs, make no reader and end none.
        """
        closed = operations.c.closed
        making = and_(closed.is_(None), operations.c.verb.in_(_MAKING))
        telling = or_(closed.in_((Close.CURRENT.value, Close.REVOKED.value)), making)
        latest = select(func.max(operations.c.position)).where(telling).group_by(operations.c.reader_id)
        with self._reading() as connection:
            rows = connection.execute(select(operations.c.intent, closed).where(operations.c.position.in_(latest))).all()
        living = (codec.decode(row.intent, Intent).reader for row in rows if row.closed != Close.REVOKED.value)
        return tuple(sorted(living, key=lambda reader: reader.id))

    @contextmanager
    def exclusive(self, reader_id: str, *, wait: timedelta) -> Iterator[None]:
        """Hold the lock of one reader, in this process and among all that use this ledger. It is not re-entrant."""
        release = retrying(
            lambda: self._lock(reader_id),
            timer=self._clock,
            budget=wait,
            first=0.05,
            most=0.5,
            when=lambda error: isinstance(error, Locked),
        )
        try:
            yield
        finally:
            release()

    def fingerprint(self, secret: Secret) -> str:
        """Return the secret's fingerprint under this ledger's own key."""
        return secret.fingerprint(self._key)

    def dispose(self) -> None:
        """Close all connections. A later call opens new ones; locks that are held stay held."""
        self._store.close()

    def __enter__(self) -> SqlLedger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.dispose()

    def __repr__(self) -> str:
        return f"SqlLedger({self._store.name!r}, id={self._id!r})"

    def _prepare(self, steps: Sequence[Step]) -> tuple[str, bytes]:
        with self._reading() as connection:
            if is_current(connection, steps):
                return _identity(connection)
        # Turning on SQLite's log while others open the file answers "locked" at once, without SQLite's own waiting.
        retrying(self._before_upgrade, timer=self._clock, budget=_PATIENCE, first=0.02, most=0.2)
        with self._writing() as connection:
            self._store.begin_upgrade(connection)
            upgrade(connection, steps, self._clock.now())
            return _identity(connection)

    def _before_upgrade(self) -> None:
        with self._named():
            self._store.before_upgrade()

    def _lock(self, reader_id: str) -> Callable[[], None]:
        release = self._store.try_lock(f"{self._id}\n{reader_id}")
        if release is None:
            raise Locked(f"another run works on {reader_id}", hint="Wait until it has ended and run the command again.")
        return release

    def _operations(self, which: ColumnElement[bool]) -> tuple[Operation, ...]:
        ids = select(operations.c.id).where(which)
        noted: dict[str, list[Noted]] = {}
        with self._reading() as connection:
            rows = connection.execute(select(operations).where(which).order_by(operations.c.position)).all()
            of_these = select(events).where(events.c.operation.in_(ids)).order_by(events.c.operation, events.c.seq)
            for row in connection.execute(of_these):
                noted.setdefault(row.operation, []).append(_noted(row))
        return tuple(_operation(row, codec.decode(row.intent, Intent), tuple(noted.get(row.id, ()))) for row in rows)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._store.failure(error) from None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._named(), self._store.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._named(), self._store.writing() as connection:
            yield connection


def _identity(connection: Connection) -> tuple[str, bytes]:
    row = connection.execute(select(meta.c.id, meta.c.fingerprint_key)).one()
    return str(row.id), bytes(row.fingerprint_key)


def _stored(connection: Connection, operation: Operation) -> Operation:
    """Return the operation as it is written, locked until the transaction ends; its known events are not read again."""
    row = connection.execute(select(operations).where(operations.c.id == operation.id).with_for_update()).one_or_none()
    if row is None:
        raise PullgrantError(f"operation {operation.id} is not of this ledger")
    newer = and_(events.c.operation == operation.id, events.c.seq > len(operation.events))
    rows = connection.execute(select(events).where(newer).order_by(events.c.seq)).all()
    return _operation(row, operation.intent, (*operation.events, *map(_noted, rows)))


def _operation(row: Any, intent: Intent, noted: tuple[Noted, ...]) -> Operation:
    return Operation(
        id=row.id,
        opened_at=codec.decode_time(row.opened_at),
        intent=intent,
        events=noted,
        closed=Close(row.closed) if row.closed else None,
        closed_at=codec.decode_time(row.closed_at) if row.closed_at else None,
    )


def _noted(row: Any) -> Noted:
    return Noted(at=codec.decode_time(row.at), event=codec.decode_event(row.kind, row.body))
