"""The journal, kept in SQLite or PostgreSQL. Nothing heavy is imported before `open_ledger` is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullgrant.ledger.sql import SqlLedger
    from pullgrant.ports import Clock


def open_ledger(url: str | None, clock: Clock) -> SqlLedger:
    """Open the ledger at `url`, making it or bringing its schema up to date where needed.

    None is the SQLite file `pullgrant/ledger.sqlite` in $XDG_STATE_HOME, else in ~/.local/state. `sqlite:///ledger.sqlite`
    is relative and `sqlite:////var/lib/ledger.sqlite` absolute, as SQLAlchemy writes them; a plain path is a SQLite file
    too; `postgresql://...` is a URI of libpq. Raises UsageError for anything else, for a file that is no ledger and for a
    schema newer than this release knows; Unavailable when the database does not answer or stays locked; MissingExtra
    without psycopg.
    """
    import os

    from pullgrant.ledger.location import SqliteFile, locate
    from pullgrant.ledger.sql import SqlLedger

    location = locate(url, os.environ)
    if isinstance(location, SqliteFile):
        from pullgrant.ledger.sqlite import SqliteStore

        return SqlLedger(SqliteStore(location), clock)
    from pullgrant.ledger.postgres import PostgresStore

    return SqlLedger(PostgresStore(location), clock)


__all__ = ["open_ledger"]
