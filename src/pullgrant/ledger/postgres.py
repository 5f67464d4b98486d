"""The PostgreSQL database: reached by libpq's own URI, so that no other code parses the password."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from pullgrant.errors import MissingExtra, PullgrantError, Unavailable, UsageError
from pullgrant.kit.redact import redact
from pullgrant.ledger.location import PostgresDatabase
from pullgrant.secret import Secret

if TYPE_CHECKING:
    import psycopg

_LOG = logging.getLogger("pullgrant.ledger")
PATIENCE = timedelta(seconds=15)
_UPGRADE_LOCK = int.from_bytes(b"pullgrnt", "big")
_TIMEOUTS = "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)"
# The session that holds a lock may be idle for minutes, and must end soon after its client's machine has vanished.
_KEEP_SESSION = text(
    "SELECT set_config(name, wanted.setting, false) FROM pg_settings JOIN (VALUES ('idle_session_timeout', '0'),"
    " ('tcp_keepalives_idle', '60'), ('tcp_keepalives_interval', '20'), ('tcp_keepalives_count', '3'))"
    " AS wanted (name, setting) USING (name)"
)
# A failed connection has no SQLSTATE (libpq), so its text tells a setting from an outage: postgres src/backend/libpq/auth.c,
# src/backend/utils/init/postinit.c, src/interfaces/libpq/fe-auth.c.
_SETTING = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry"
    r'|(?:role|database) "[^"]*" does not exist|permission denied for database'
)


class PostgresStore:
    """A ledger in a database of a server. `patience` is the limit for a connection, a lock and half that of a statement."""

    def __init__(self, location: PostgresDatabase, *, patience: timedelta = PATIENCE) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtra(
                "a PostgreSQL ledger needs psycopg", hint='Run: pip install "pullgrant[postgresql]"'
            ) from None
        self._psycopg, self._location, self._patience = psycopg, location, patience
        self._given = self._parameters()
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            max_overflow=-1,
            pool_pre_ping=True,
            use_native_hstore=False,
        )

    @property
    def name(self) -> str:
        """The host and the database."""
        return self._location.name

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction."""
        return self._engine.begin()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction; rows that are read for an update are locked by the statements."""
        return self._engine.begin()

    def before_upgrade(self) -> None:
        """Do nothing: PostgreSQL does all of an upgrade inside its transaction."""

    def begin_upgrade(self, connection: Connection) -> None:
        """Wait for others that upgrade; the lock ends with the transaction."""
        connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))

    def try_lock(self, name: str) -> Callable[[], None] | None:
        """Take an advisory lock of a session of its own, which the server ends with our process."""
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                if not connection.scalar(select(func.pg_try_advisory_lock(key))):
                    connection.close()
                    return None
                connection.execute(_KEEP_SESSION)
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        except SQLAlchemyError as error:
            raise self.failure(error) from None
        return lambda: self._unlock(connection, key)

    def failure(self, error: Exception) -> PullgrantError:
        """Return our error, by SQLSTATE (PostgreSQL manual, appendix "PostgreSQL Error Codes")."""
        cause = getattr(error, "orig", None) or error
        state = str(getattr(cause, "sqlstate", None) or "")
        words = redact(str(cause), *self._secrets())
        where = f"the ledger {self.name}"
        if state.startswith(("28", "3D", "42501")) or (not state and _SETTING.search(words)):
            return UsageError(f"{where} refused: {words}", hint="Check the user, the password and the database's grants.")
        if state == "25006":
            return UsageError(f"{where} is read-only: {words}", hint="Give the address of the primary server.")
        if state.startswith(("08", "40", "53", "55", "57", "58")) or not state:
            return Unavailable(f"{where} does not answer: {words}", hint="Try again when the server is back.")
        return PullgrantError(f"{where} failed with {state}: {words}")

    def close(self) -> None:
        """Close all connections but those of locks that are still held."""
        self._engine.dispose()

    def _parameters(self) -> dict[str, Any]:
        try:
            return dict(self._psycopg.conninfo.conninfo_to_dict(self._location.address.reveal()))
        except self._psycopg.ProgrammingError:  # its text repeats pieces of the URI
            raise UsageError(
                f"the address of the ledger {self.name} can not be read",
                hint="Give postgresql://USER:PASSWORD@HOST:PORT/DATABASE with special characters percent-encoded.",
            ) from None

    def _secrets(self) -> tuple[Secret, ...]:
        return tuple(Secret(str(self._given[name])) for name in ("password", "sslpassword") if name in self._given)

    def _connect(self) -> psycopg.Connection[Any]:
        seconds = max(2, round(self._patience.total_seconds()))
        wanted = {
            "application_name": "pullgrant",
            "connect_timeout": seconds,
            "keepalives_idle": 30,
            "tcp_user_timeout": 2000 * seconds,
        }
        missing: dict[str, Any] = {name: value for name, value in wanted.items() if name not in self._given}
        # No prepared statements: a pooler such as PgBouncer may give the next transaction another session.
        connection = self._psycopg.connect(
            self._location.address.reveal(), autocommit=True, prepare_threshold=None, **missing
        )
        milliseconds = round(self._patience.total_seconds() * 1000)
        connection.execute(_TIMEOUTS, (f"{2 * milliseconds}ms", f"{milliseconds}ms"))
        connection.autocommit = False
        return connection

    def _unlock(self, connection: Connection, key: int) -> None:
        """Give the lock back. A lost session is reported and not raised: the work under the lock is done."""
        try:
            held = connection.scalar(select(func.pg_advisory_unlock(key)))
        except SQLAlchemyError:
            connection.invalidate()
            held = False
        if not held:
            _LOG.warning("%s: the session that held a reader's lock was lost while it was held", self.name)
        connection.close()
