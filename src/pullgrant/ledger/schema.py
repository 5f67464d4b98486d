"""The tables as the code of today uses them; `migrations` says how a database comes to have them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

tables = MetaData()

# One row for each migration step that was applied.
schema = Table(
    "pullgrant_schema",
    tables,
    Column("version", Integer, primary_key=True),
    Column("applied_at", Text, nullable=False),
)

# One row: who this ledger is.
meta = Table(
    "pullgrant_meta",
    tables,
    Column("one", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("fingerprint_key", LargeBinary, nullable=False),
)

# `position` is the order of opening. Times are text in UTC, of fixed width; `intent` is JSON.
operations = Table(
    "pullgrant_operations",
    tables,
    Column("position", BigInteger, primary_key=True),
    Column("id", Text, nullable=False),
    Column("reader_id", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("intent", Text, nullable=False),
    Column("closed", Text),
    Column("closed_at", Text),
)

# `seq` counts from 1 without gaps within an operation; nothing is ever changed or deleted here.
events = Table(
    "pullgrant_events",
    tables,
    Column("operation", Text, ForeignKey(operations.c.id), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
)
