"""How a database comes to have the tables: ordered steps, each applied whole or not at all, once, under a lock.

A released step is never changed; a later schema is a further step.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, inspect, select

from pullgrant.errors import UsageError
from pullgrant.ledger.codec import encode_time
from pullgrant.ledger.schema import meta, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What makes `version` out of the version before; runs inside a transaction of the caller's."""

    version: int
    apply: Callable[[Connection], None]


_WORDS = {
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB"},
    "postgresql": {"serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "bytes": "BYTEA"},
}


def ddl(*statements: str) -> Callable[[Connection], None]:
    """Return a step that runs these statements, with {serial} and {bytes} in the words of the database at hand."""

    def apply(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement.format(**_WORDS[connection.dialect.name]))

    return apply


STEPS: tuple[Step, ...] = (
    Step(
        version=1,
        apply=ddl(
            "CREATE TABLE pullgrant_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
            "CREATE TABLE pullgrant_meta"
            " (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, fingerprint_key {bytes} NOT NULL)",
            "CREATE TABLE pullgrant_operations"
            " (position {serial}, id TEXT NOT NULL UNIQUE, reader_id TEXT NOT NULL, verb TEXT NOT NULL,"
            " opened_at TEXT NOT NULL, intent TEXT NOT NULL, closed TEXT, closed_at TEXT)",
            "CREATE INDEX pullgrant_operations_of_reader ON pullgrant_operations (reader_id, position)",
            "CREATE INDEX pullgrant_operations_open ON pullgrant_operations (position) WHERE closed IS NULL",
            "CREATE TABLE pullgrant_events"
            " (operation TEXT NOT NULL REFERENCES pullgrant_operations (id), seq INTEGER NOT NULL, at TEXT NOT NULL,"
            " kind TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (operation, seq))",
        ),
    ),
)


def version_of(connection: Connection) -> int:
    """Return the schema version of a database, 0 when it has none of our tables."""
    if not inspect(connection).has_table(schema.name):
        return 0
    return int(connection.scalar(select(func.max(schema.c.version))) or 0)


def is_current(connection: Connection, steps: Sequence[Step]) -> bool:
    """Return whether nothing is to be applied. Raises UsageError for a schema newer than the last step."""
    version, newest = version_of(connection), steps[-1].version
    if version > newest:
        raise UsageError(
            f"the ledger has schema version {version}, and this pullgrant knows no version above {newest}",
            hint="Upgrade pullgrant; a newer release has written to this ledger.",
        )
    return version == newest


def upgrade(connection: Connection, steps: Sequence[Step], now: datetime) -> None:
    """Apply the steps that are missing and give a new ledger its id and key, inside the caller's locked transaction."""
    if is_current(connection, steps):
        return
    version = version_of(connection)
    for step in steps:
        if step.version > version:
            step.apply(connection)
            connection.execute(insert(schema), {"version": step.version, "applied_at": encode_time(now)})
    if connection.scalar(select(meta.c.id)) is None:
        born = {"one": 1, "id": secrets.token_hex(6), "fingerprint_key": secrets.token_bytes(32)}
        connection.execute(insert(meta), born)
