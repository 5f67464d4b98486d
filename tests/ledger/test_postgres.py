"""What is particular to PostgreSQL: the password, the sessions, and how a server fails. All against a real one."""

from __future__ import annotations

import logging
import socket
import sys
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ledger.conftest import PASSWORD, PASSWORD_IN_URL, Server
from pullgrant.errors import MissingExtra, PullgrantError, Unavailable, UsageError
from pullgrant.ledger import open_ledger
from pullgrant.ledger.location import PostgresDatabase, locate
from pullgrant.ledger.postgres import PostgresStore
from pullgrant.ledger.sql import SqlLedger
from pullgrant.model.operation import Close, Issuing
from pullgrant.testing.ledger_samples import StillClock, intent

pytestmark = pytest.mark.real("psql")
NAME = "ledger-under-test"


@pytest.fixture
def address(postgres: Server) -> str:
    """An empty schema; the sessions of the ledger can be told by their name."""
    return f"{postgres.new_url()}&application_name={NAME}"


@pytest.fixture
def ask(postgres: Server) -> Callable[..., list[Any]]:
    """Return a function that asks the server something, past the ledger."""

    def ask(query: str, *values: object) -> list[Any]:
        with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="tester", dbname="postgres") as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    return ask


def over_tcp(postgres: Server, password: str = PASSWORD_IN_URL, user: str = "tester", database: str = "postgres") -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{postgres.port}/{database}"


def patient_for(address: str, milliseconds: int) -> SqlLedger:
    location = locate(address, {})
    assert isinstance(location, PostgresDatabase)
    return SqlLedger(PostgresStore(location, patience=timedelta(milliseconds=milliseconds)), StillClock())


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


def test_a_password_signs_in_and_is_not_shown(postgres: Server, caplog: pytest.LogCaptureFixture) -> None:
    """The password of the ledger would be in the log of every run."""
    with caplog.at_level(logging.DEBUG), open_ledger(over_tcp(postgres), StillClock()) as ledger:
        assert ledger.unfinished() == ()
        assert f"{ledger!r}" == f"SqlLedger('postgresql://127.0.0.1:{postgres.port}/postgres', id='{ledger.id}')"
    for secret in (PASSWORD, PASSWORD_IN_URL, "canary"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "canary-wrong"}, "password authentication failed"),
        ({"user": "nobody-here"}, "password authentication failed"),
        ({"database": "no-such-db"}, "does not exist"),
    ],
)
def test_a_wrong_setting_is_no_outage(postgres: Server, changes: dict[str, str], words: str) -> None:
    """A wrong password would be tried again and again, or be shown."""
    with pytest.raises(UsageError, match=words) as caught:
        open_ledger(over_tcp(postgres, **changes), StillClock())
    assert "canary" not in shown(caught.value)


def test_an_unreachable_server_is_unavailable() -> None:
    """An outage would look like a bug, and show the password."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"postgresql://u:canary-1@127.0.0.1:{nobody.getsockname()[1]}/ops?sslpassword=canary-2"
        with pytest.raises(Unavailable, match="Connection refused") as caught:
            open_ledger(address, StillClock())
    assert "canary" not in shown(caught.value)
    assert caught.value.exit_code == 6


def test_a_silent_server_is_given_up() -> None:
    """A run would hang for ever on a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(Unavailable, match="timeout expired"):
            patient_for(f"postgresql://u:canary@127.0.0.1:{silent.getsockname()[1]}/ops?connect_timeout=1", 10)


def test_words_of_a_server_are_redacted(postgres: Server) -> None:
    """A server or driver that repeats a password would put it into our message."""
    location = locate(f"{over_tcp(postgres)}?sslpassword=canary-2", {})
    assert isinstance(location, PostgresDatabase)
    store = PostgresStore(location)
    error = store.failure(psycopg.OperationalError(f"no luck with {PASSWORD} or canary-2"))
    assert (type(error), "no luck" in error.message, "canary" in str(error)) == (Unavailable, True, False)
    store.close()


@pytest.mark.parametrize("wrong", ["postgresql://u:canary%zz@h/db", "postgresql://u:canary@h/db?canary=1"])
def test_an_address_that_libpq_refuses(wrong: str) -> None:
    """libpq repeats a part of the address in its error."""
    with pytest.raises(UsageError, match="can not be read") as caught:
        open_ledger(wrong, StillClock())
    assert "canary" not in shown(caught.value)


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user would not learn which package is missing."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match="psycopg") as caught:
        open_ledger("postgresql://h/db", StillClock())
    assert "pullgrant[postgresql]" in caught.value.hint


def test_a_read_only_server(address: str) -> None:
    """A standby server would look like a bug."""
    open_ledger(address, StillClock()).dispose()
    read_only = address.replace("options=", "options=-cdefault_transaction_read_only%3Don%20")
    with open_ledger(read_only, StillClock()) as ledger:
        with pytest.raises(UsageError, match="read-only"):
            ledger.open(intent())


def test_missing_grants(postgres: Server, address: str, ask: Callable[..., list[Any]]) -> None:
    """A user without rights would look like a bug."""
    ask(f"CREATE ROLE poor LOGIN PASSWORD '{PASSWORD}'")
    with pytest.raises(UsageError, match="permission denied"):
        open_ledger(over_tcp(postgres, user="poor"), StillClock())


def test_a_row_that_stays_locked_is_unavailable(address: str) -> None:
    """A run would hang behind a session that somebody left open."""
    with patient_for(address, 30) as ledger, psycopg.connect(address) as other:
        operation = ledger.open(intent())
        other.execute("SELECT 1 FROM pullgrant_operations WHERE id = %s FOR UPDATE", (operation.id,))
        with pytest.raises(Unavailable, match="lock timeout"):
            ledger.note(operation, Issuing())
        other.rollback()
        assert len(ledger.note(operation, Issuing()).events) == 1


def test_a_restarted_server_is_reached_again(address: str, ask: Callable[..., list[Any]]) -> None:
    """A run that waits for minutes would fail at its next note because a session was closed meanwhile."""
    with open_ledger(address, StillClock()) as ledger:
        operation = ledger.open(intent())
        ended = ask("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", NAME)
        assert ended == [(True,)]
        assert len(ledger.note(operation, Issuing()).events) == 1


def test_nothing_stays_open_between_calls(address: str, ask: Callable[..., list[Any]]) -> None:
    """A transaction would be open while a cloud is asked, or sessions left behind."""
    sessions = "SELECT state FROM pg_stat_activity WHERE application_name = %s"
    with open_ledger(address, StillClock()) as ledger, ledger.exclusive("gcp:p/a", wait=timedelta(0)):
        ledger.close(ledger.note(ledger.open(intent()), Issuing()), Close.CURRENT)
        ledger.readers()
        assert ask(sessions, NAME) == [("idle",), ("idle",)]
    deadline = time.monotonic() + 10
    while ask(sessions, NAME) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ask(sessions, NAME) == []


def test_a_lost_lock_is_told(address: str, ask: Callable[..., list[Any]], caplog: pytest.LogCaptureFixture) -> None:
    """Nobody would learn that two runs may have worked on one reader; or a finished run would fail for it."""
    with open_ledger(address, StillClock()) as ledger:
        with caplog.at_level(logging.WARNING, "pullgrant.ledger"), ledger.exclusive("gcp:p/a", wait=timedelta(0)):
            held = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
            assert ask(held) == [(True,)]
        assert ["was lost" in record.getMessage() for record in caplog.records] == [True]
        with ledger.exclusive("gcp:p/a", wait=timedelta(0)):
            assert len(ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")) == 1


def test_a_lock_that_fails_half_way_is_given_back(postgres: Server) -> None:
    """A session in the pool would keep the lock of a run that has failed, until the process ends."""
    schema = postgres.new_url().rpartition("%3D")[2]
    with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="tester", dbname="postgres") as connection:
        connection.execute(f"CREATE TABLE {schema}.pg_settings (nothing int)")
    shadowed = f"{over_tcp(postgres)}?options=-csearch_path%3D{schema},pg_catalog"
    with open_ledger(shadowed, StillClock()) as ledger, open_ledger(shadowed, StillClock()) as other:
        with pytest.raises(PullgrantError, match="42703"), ledger.exclusive("gcp:p/a", wait=timedelta(0)):
            pytest.fail("the lock was given")
        with pytest.raises(PullgrantError, match="42703"), other.exclusive("gcp:p/a", wait=timedelta(0)):
            pytest.fail("the lock was given")


def test_an_idle_limit_spares_the_lock(address: str, ask: Callable[..., list[Any]]) -> None:
    """A server that ends idle sessions would end the lock of a run that waits for its cloud."""
    impatient = address.replace("options=", "options=-cidle_session_timeout%3D500%20")
    with open_ledger(impatient, StillClock()) as ledger, ledger.exclusive("gcp:p/a", wait=timedelta(0)):
        time.sleep(0.8)
        assert len(ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")) == 1
        assert ledger.unfinished() == ()


def test_two_ledgers_of_a_server_are_strangers(postgres: Server) -> None:
    """Two teams that share a database would wait for each other, or see each other's keys."""
    first, second = (open_ledger(postgres.new_url(), StillClock()) for _ in range(2))
    with first, second, first.exclusive("gcp:p/a", wait=timedelta(0)), second.exclusive("gcp:p/a", wait=timedelta(0)):
        operation = first.open(intent())
        assert (first.id == second.id, second.unfinished()) == (False, ())
        with pytest.raises(PullgrantError, match=operation.id):
            second.note(operation, Issuing())
