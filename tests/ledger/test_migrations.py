"""How a ledger comes to its schema, and what a schema of another release does."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from ledger.actor import ledger_with
from pullgrant.errors import PullgrantError, Unavailable, UsageError
from pullgrant.ledger import open_ledger
from pullgrant.ledger.location import SqliteFile
from pullgrant.ledger.migrations import STEPS, Step, ddl
from pullgrant.ledger.schema import tables
from pullgrant.ledger.sql import SqlLedger
from pullgrant.ledger.sqlite import SqliteStore
from pullgrant.model.operation import Close, Issuing, KeyIssued, Noted, Withdrawn
from pullgrant.model.reader import Key, Reader
from pullgrant.secret import Secret
from pullgrant.testing.ledger_samples import StillClock, intent

VERSION_1 = Path(__file__).with_name("version1.sql").read_text()
READER = Reader(provider="gcp", account="p", name="docker-reader", host="gcr.io")
COLUMN = Step(version=2, apply=ddl("ALTER TABLE pullgrant_operations ADD COLUMN remark TEXT DEFAULT 'none'"))
BROKEN = Step(version=3, apply=ddl("ALTER TABLE pullgrant_operations ADD COLUMN half TEXT", "DROP TABLE no_such_table"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger of version 1, made by hand."""
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    path.chmod(0o600)
    return path


def versions(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM pullgrant_schema ORDER BY version")]


def test_version_1_is_read(old: Path) -> None:
    """A release would not understand the ledgers of the first one."""
    issued = KeyIssued(key=Key(id="k1", created_at=datetime(2030, 1, 2, 12, 2, tzinfo=UTC)), fingerprint="00ff00ff00ff00ff")
    with open_ledger(str(old), StillClock()) as ledger:
        first, second = ledger.history("gcp:p/docker-reader")
        assert (ledger.id, ledger.readers(), ledger.unfinished()) == ("abcdef012345", (READER,), (second,))
        assert ledger.fingerprint(Secret("canary")) == Secret("canary").fingerprint(bytes(range(32)))
        assert first.opened_at == datetime(2030, 1, 2, 12, 0, 0, 345678, tzinfo=UTC)
        assert (first.closed, first.closed_at) == (Close.CURRENT, datetime(2030, 1, 2, 12, 5, tzinfo=UTC))
        assert first.events == (
            Noted(at=datetime(2030, 1, 2, 12, 1, tzinfo=UTC), event=Issuing()),
            Noted(at=datetime(2030, 1, 2, 12, 2, tzinfo=UTC), event=issued),
        )
        assert ledger.note(second, Withdrawn(key_id="k1")).of(Withdrawn) == (Withdrawn(key_id="k1"),)


def test_version_1_is_upgraded_once(old: Path) -> None:
    """An upgrade would lose what was written, or be done again at every start."""
    for _ in range(2):
        with ledger_with(str(old), (*STEPS, COLUMN)) as ledger:
            assert (ledger.id, len(ledger.history(READER.id))) == ("abcdef012345", 2)
            assert versions(old) == [1, 2]
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT remark FROM pullgrant_operations").fetchall() == [("none",), ("none",)]


def test_a_new_ledger_takes_all_steps(url: str) -> None:
    """A new ledger would differ from an upgraded one."""
    with ledger_with(url, (*STEPS, COLUMN)) as ledger:
        operation = ledger.open(intent())
    with ledger_with(url, (*STEPS, COLUMN)) as ledger:
        assert ledger.unfinished() == (operation,)


def test_a_failed_upgrade_changes_nothing(url: str) -> None:
    """A schema changed by half fits no release; steps that came before the failed one would count as done."""
    with open_ledger(url, StillClock()) as ledger:
        operation, name = ledger.open(intent()), ledger.id
    with pytest.raises(PullgrantError, match="no_such_table"):
        ledger_with(url, (*STEPS, COLUMN, BROKEN))
    with open_ledger(url, StillClock()) as ledger:
        assert (ledger.id, ledger.unfinished()) == (name, (operation,))
    mended = Step(version=3, apply=ddl("ALTER TABLE pullgrant_operations ADD COLUMN half TEXT"))
    with ledger_with(url, (*STEPS, COLUMN, mended)) as ledger:
        assert (ledger.id, ledger.unfinished()) == (name, (operation,))


def test_a_newer_schema_is_refused(url: str) -> None:
    """An old release would write what a newer one misreads."""
    ledger_with(url, (*STEPS, COLUMN)).dispose()
    with pytest.raises(UsageError, match="schema version 2, and this pullgrant knows no version above 1") as caught:
        open_ledger(url, StillClock())
    assert "Upgrade pullgrant" in caught.value.hint


def test_an_old_release_does_not_overtake_a_newer_one(tmp_path: Path) -> None:
    """A release that looked just before a newer one upgraded would go on as if it knew the schema."""
    path = tmp_path / "ledger.sqlite"

    class Late(SqliteStore):
        def before_upgrade(self) -> None:
            super().before_upgrade()
            ledger_with(str(path), (*STEPS, COLUMN)).dispose()

    with pytest.raises(UsageError, match="schema version 2"):
        SqlLedger(Late(SqliteFile(path=path)), StillClock())


def test_one_upgrades_at_a_time(url: str) -> None:
    """Two upgrades would apply the same step at the same time."""
    entered: list[Connection] = []
    inside, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        entered.append(connection)
        inside.set()
        assert go_on.wait(timeout=20)

    steps = (*STEPS, Step(version=2, apply=slow))
    open_ledger(url, StillClock()).dispose()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ledger_with, url, steps)
        assert inside.wait(timeout=20)
        try:
            with pytest.raises(Unavailable):
                ledger_with(url, steps, patience=timedelta(milliseconds=30))
        finally:
            go_on.set()
        first.result(timeout=20).dispose()
    ledger_with(url, steps).dispose()
    assert len(entered) == 1


def test_steps_count_from_one() -> None:
    """A step that is left out or doubled is never applied."""
    assert [step.version for step in STEPS] == list(range(1, len(STEPS) + 1))


def test_tables_are_what_the_steps_make(tmp_path: Path) -> None:
    """The code would ask for columns that no step makes."""
    path = tmp_path / "ledger.sqlite"
    open_ledger(str(path), StillClock()).dispose()
    store = SqliteStore(SqliteFile(path=path))
    with store.reading() as connection:
        found = {name: [column["name"] for column in inspect(connection).get_columns(name)] for name in tables.tables}
    store.close()
    assert found == {name: list(table.columns.keys()) for name, table in tables.tables.items()}
