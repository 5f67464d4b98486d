"""Ledgers for tests: SQLite in a folder of the test, and a PostgreSQL server of this test run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

import pullgrant
from servers import free_port

pytest.register_assert_rewrite("pullgrant.testing.ledger_contract")

ACTOR = Path(__file__).with_name("actor.py")
PASSWORD = "canary/p@ss:w?rd#%"
PASSWORD_IN_URL = "canary%2Fp%40ss%3Aw%3Frd%23%25"


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: its socket folder, its port on 127.0.0.1, and a way to get an empty schema."""

    folder: Path
    port: int
    new_url: Callable[[], str]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    program = found[-1] if found else Path(shutil.which("initdb") or "")
    assert program.name == "initdb", "PostgreSQL's initdb is not installed"
    return program.parent


def _as_owner(*argv: str | Path, folder: Path) -> None:
    """Run one of PostgreSQL's programs, as the user postgres when we are root: the server refuses root."""
    switch = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*switch, *map(str, argv)], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server with trust on its socket and a password on 127.0.0.1; it sorts text by language, not by byte."""
    import psycopg

    programs, folder, port = _programs(), Path(tempfile.mkdtemp(prefix="pg-")), free_port()
    (folder / "password").write_text(PASSWORD)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        shutil.chown(folder / "password", "postgres")
    data = folder / "data"
    _as_owner(
        programs / "initdb", "-D", data, "-U", "tester", "--auth-local=trust", "--auth-host=scram-sha-256",
        f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US",
        "--no-sync", folder=folder,
    )  # fmt: skip
    settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    options = f"{settings} -c max_connections=90 -c shared_buffers=16MB"
    _as_owner(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start", folder=folder)
    numbers = count(1)

    def new_url() -> str:
        name = f"test{next(numbers)}"
        with psycopg.connect(host=str(folder), port=port, user="tester", dbname="postgres") as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://tester@/postgres?host={folder}&port={port}&options=-csearch_path%3D{name}"

    try:
        yield Server(folder, port, new_url)
    finally:
        _as_owner(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", folder=folder)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real("psql"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that is not there yet, once in either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: Server = request.getfixturevalue("postgres")
    return server.new_url()


@pytest.fixture
def actor() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts actor.py in a process of its own; what still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(Path(pullgrant.__file__).parents[1])}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(ACTOR), *argv],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=20)
