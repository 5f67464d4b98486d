"""What is particular to SQLite: the file, who may read it, and how it fails."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from pullgrant.errors import PullgrantError, Unavailable, UsageError
from pullgrant.ledger import open_ledger
from pullgrant.ledger.location import SqliteFile
from pullgrant.ledger.sql import SqlLedger
from pullgrant.ledger.sqlite import PRAGMAS, SqliteStore
from pullgrant.model.operation import Failed, Issuing, Withdrawn
from pullgrant.secret import Secret
from pullgrant.testing.ledger_samples import StillClock, intent

SHORT = timedelta(milliseconds=20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger of the test is to be."""
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let this process make files for everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.rglob("*"))}


def with_pragmas(path: Path, *pragmas: str) -> SqlLedger:
    return SqlLedger(SqliteStore(SqliteFile(path=path), patience=SHORT, pragmas=(*PRAGMAS, *pragmas)), StillClock())


def test_everything_is_private_from_birth(path: Path, open_umask: None) -> None:
    """Other users of the machine would read which keys exist and where they are used."""
    with open_ledger(str(path), StillClock()) as ledger, ledger.exclusive("gcp:p/a", wait=timedelta(0)):
        ledger.open(intent())
        found = modes(path.parent)
        (lock,) = (path.parent / "locks").iterdir()
    assert found == {
        ".": 0o700, "ledger.sqlite": 0o600, "ledger.sqlite-wal": 0o600, "ledger.sqlite-shm": 0o600, "locks": 0o700,
        f"locks/{lock.name}": 0o600,
    }  # fmt: skip
    assert "gcp" not in lock.name


def test_a_rollback_journal_is_private(path: Path, open_umask: None) -> None:
    """Where there is no write-ahead log, the journal would show what the file hides."""
    open_ledger(str(path), StillClock()).dispose()
    with with_pragmas(path, "journal_mode=PERSIST") as ledger:
        ledger.open(intent())
    assert modes(path.parent)["ledger.sqlite-journal"] == 0o600


def test_an_open_file_is_tightened(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A ledger copied with the modes of the umask would stay readable, or nobody would learn that it was."""
    with open_ledger(str(path), StillClock()) as ledger:
        name = ledger.id
    path.chmod(0o644)
    wal = path.with_name(f"{path.name}-wal")
    wal.touch(mode=0o666)
    wal.chmod(0o666)
    with caplog.at_level(logging.WARNING, "pullgrant.ledger"), open_ledger(str(path), StillClock()) as ledger:
        assert ledger.id == name
        assert {stat.S_IMODE(file.stat().st_mode) for file in (path, wal)} == {0o600}
    assert [record.args for record in caplog.records] == [(path, 0o644, 0o600), (wal, 0o666, 0o600)]


def test_the_default_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_umask: None) -> None:
    """The default ledger would be made in a folder that everybody may list."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "state" / "pullgrant").mkdir(parents=True)
    open_ledger(None, StillClock()).dispose()
    assert modes(tmp_path / "state" / "pullgrant") == {".": 0o700, "ledger.sqlite": 0o600}


def test_a_folder_of_the_user_keeps_its_mode(tmp_path: Path) -> None:
    """A folder that is shared on purpose would be closed to others."""
    tmp_path.chmod(0o755)
    open_ledger(str(tmp_path / "ledger.sqlite"), StillClock()).dispose()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_no_secret_reaches_the_disk(path: Path) -> None:
    """A backup of the ledger would hold a secret."""
    hidden = Secret("canary-0451")
    with open_ledger(str(path), StillClock()) as ledger:
        operation = ledger.note(ledger.open(intent()), Failed(step="marker-0452", words=ledger.fingerprint(hidden)))
        for wrong in (Failed(step="x", words=hidden), hidden, Withdrawn(key_id=hidden)):  # type: ignore[arg-type]
            with pytest.raises(PullgrantError):
                ledger.note(operation, wrong)  # type: ignore[arg-type]
        while_open = b"".join(file.read_bytes() for file in path.parent.glob("ledger*"))
    for content in (while_open, path.read_bytes()):
        assert (b"canary-0451" in content, b"marker-0452" in content) == (False, True)
    assert "canary-0451" not in repr(vars(ledger))


def test_a_note_is_synced(path: Path) -> None:
    """A note would be lost with the power."""
    open_ledger(str(path), StillClock()).dispose()
    store = SqliteStore(SqliteFile(path=path))
    with store.writing() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    store.close()
    assert found == ["wal", 3, 1]


def test_closing_leaves_one_file(path: Path) -> None:
    """A copy of the file alone would miss what is still in the log beside it."""
    with open_ledger(str(path), StillClock()) as ledger:
        ledger.open(intent())
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.sqlite"]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """A ledger behind a link would have another lock than the same ledger by its own name."""
    link, target = tmp_path / "link.sqlite", tmp_path / "real" / "ledger.sqlite"
    link.symlink_to(target)
    with open_ledger(str(link), StillClock()) as ledger, ledger.exclusive("r", wait=timedelta(0)):
        assert ((tmp_path / "real" / "locks").is_dir(), (tmp_path / "locks").exists()) == (True, False)
    assert link.is_symlink()


def test_a_locked_database_is_unavailable(path: Path) -> None:
    """A busy ledger would hang the run, or look like a bug."""
    with with_pragmas(path) as ledger, closing(sqlite3.connect(path, isolation_level=None)) as other:
        operation = ledger.open(intent())
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"locked by another process for 0\.02 s") as caught:
            ledger.note(operation, Issuing())
        assert caught.value.__cause__ is None  # SQLAlchemy's error would show what was to be written
        assert ledger.unfinished() == (operation,)
        other.execute("ROLLBACK")
        assert len(ledger.note(operation, Issuing()).events) == 1


def test_a_first_run_waits_for_another(path: Path) -> None:
    """Two first runs would meet at the write-ahead log, where SQLite answers "locked" without waiting."""
    path.parent.mkdir()
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        class Releasing(StillClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                other.execute("ROLLBACK" if other.in_transaction else "SELECT 1")

        with open_ledger(str(path), Releasing()) as ledger:
            assert ledger.unfinished() == ()
        assert not other.in_transaction


@pytest.mark.parametrize(
    ("pragma", "kind", "words"),
    [("query_only=ON", UsageError, "can not be written"), ("max_page_count=1", Unavailable, "SQLITE_FULL")],
)
def test_a_database_that_can_not_be_written(path: Path, pragma: str, kind: type[PullgrantError], words: str) -> None:
    """The user would not learn that a file is read-only or a disk full."""
    open_ledger(str(path), StillClock()).dispose()
    with with_pragmas(path, pragma) as ledger:
        with pytest.raises(kind, match=words) as caught:
            tuple(ledger.open(intent()) for _ in range(50))
        assert str(path) in caught.value.message
        assert caught.value.hint


def test_a_path_that_can_not_be(tmp_path: Path) -> None:
    """A mistyped path would end in a traceback."""
    (tmp_path / "file").write_text("text")
    for wrong in (tmp_path / "file" / "ledger.sqlite", tmp_path):
        with pytest.raises(UsageError, match=str(wrong)):
            open_ledger(str(wrong), StillClock())


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    """A file of somebody else would be written to."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"these are my notes, not a database " * 200)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="not a ledger"):
        open_ledger(str(path), StillClock())
    assert path.read_bytes() == before


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    """The tables of a ledger would be put into a browser's database."""
    path = tmp_path / "cookies.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE cookies (name)")
    with pytest.raises(UsageError, match="something else"):
        open_ledger(str(path), StillClock())
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("cookies",)]


def test_a_vanished_file_is_not_made_anew(path: Path) -> None:
    """A run would go on with an empty ledger, made with the modes of the umask."""
    with open_ledger(str(path), StillClock()) as ledger:
        ledger.dispose()
        path.unlink()
        with pytest.raises(UsageError, match="SQLITE_CANTOPEN"):
            ledger.unfinished()
    assert not path.exists()


def test_a_disposed_ledger_opens_again(path: Path) -> None:
    """A caller that tidies up early would lose its ledger."""
    ledger = open_ledger(str(path), StillClock())
    operation = ledger.open(intent())
    ledger.dispose()
    assert ledger.unfinished() == (operation,)
    ledger.dispose()


def test_a_file_system_without_locks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is a mere file would stay behind a killed run and block all later ones."""
    import errno
    import fcntl

    def missing(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    with open_ledger(str(path), StillClock()) as ledger:
        monkeypatch.setattr(fcntl, "flock", missing)
        with pytest.warns(UserWarning, match="flock"), pytest.raises(UsageError, match="no file locks"):
            ledger.exclusive("r", wait=timedelta(0)).__enter__()
    assert [file for file in (path.parent / "locks").iterdir() if file.stat().st_size] == []


def test_ten_thousand_events(path: Path) -> None:
    """A ledger of some years would be read or written wrongly."""
    with with_pragmas(path, "synchronous=OFF") as ledger:
        for number in range(20):
            operation = ledger.open(intent(f"reader-{number % 4}"))
            for step in range(500):
                operation = ledger.note(operation, Withdrawn(key_id=f"{number}-{step}"))
        found = [ledger.history(f"gcp:p/reader-{number}") for number in range(4)]
        assert sum(found, ()) == tuple(sorted(ledger.unfinished(), key=lambda one: one.intent.reader.id))
        names = [event.key_id for operation in ledger.unfinished() for event in operation.of(Withdrawn)]
    assert names == [f"{number}-{step}" for number in range(20) for step in range(500)]


def test_opening_again_asks_little(path: Path) -> None:
    """Every command would pay for an upgrade that was done long ago."""
    open_ledger(str(path), StillClock()).dispose()
    asked: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement.split()[0])

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        open_ledger(str(path), StillClock()).dispose()
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    assert asked == ["BEGIN", "PRAGMA", "SELECT", "SELECT"]


def test_the_package_is_light() -> None:
    """Every command would pay for SQL, those that need no ledger too."""
    code = "import sys, pullgrant.ledger; print(sorted({'sqlalchemy', 'msgspec', 'filelock', 'psycopg'} & set(sys.modules)))"
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
