"""Which ledger an address means, and that no address is repeated with its password."""

from __future__ import annotations

from pathlib import Path

import pytest

from pullgrant.errors import UsageError
from pullgrant.ledger.location import PostgresDatabase, SqliteFile, locate
from pullgrant.secret import Secret


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test a home and a folder to stand in, `home` and `here` in its own folder."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "home/.local/state/pullgrant/ledger.sqlite"),
        ({"XDG_STATE_HOME": ""}, "home/.local/state/pullgrant/ledger.sqlite"),
        ({"XDG_STATE_HOME": "relative"}, "home/.local/state/pullgrant/ledger.sqlite"),
        ({"XDG_STATE_HOME": "/var/state"}, "/var/state/pullgrant/ledger.sqlite"),
    ],
)
def test_the_default_is_the_state_folder(environ: dict[str, str], path: str, tmp_path: Path) -> None:
    """The ledger would be looked for in another place than where it was left."""
    assert locate(None, environ) == SqliteFile(path=tmp_path / path, own_folder=True)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("ledger.sqlite", "here/ledger.sqlite"),
        ("/var/lib/ledger.sqlite", "/var/lib/ledger.sqlite"),
        ("~/ledger.sqlite", "home/ledger.sqlite"),
        ("./odd:name", "here/odd:name"),
        ("sqlite:///ledger.sqlite", "here/ledger.sqlite"),
        ("sqlite:////var/lib/100%25 #1.sqlite", "/var/lib/100%25 #1.sqlite"),
        ("SQLite:///~/ledger.sqlite", "home/ledger.sqlite"),
    ],
)
def test_paths_are_sqlite_files(url: str, path: str, tmp_path: Path) -> None:
    """A second ledger would be made beside the one that was meant."""
    assert locate(url, {}) == SqliteFile(path=tmp_path / path)


@pytest.mark.parametrize(
    ("url", "address", "name"),
    [
        ("postgresql://u:canary@db.example/ops", "postgresql://u:canary@db.example/ops", "postgresql://db.example/ops"),
        ("postgres://u@db.example:6432/ops", "postgresql://u@db.example:6432/ops", "postgresql://db.example:6432/ops"),
        ("postgresql+psycopg://[::1]:5432/ops", "postgresql://[::1]:5432/ops", "postgresql://[::1]:5432/ops"),
        ("postgresql://u:canary@a:1,b:2/ops", "postgresql://u:canary@a:1,b:2/ops", "postgresql://a:1,b:2/ops"),
        (
            "postgresql:///ops?host=/run/postgresql&password=canary",
            "postgresql:///ops?host=/run/postgresql&password=canary",
            "postgresql:///run/postgresql/ops",
        ),
        ("postgresql://u:canary%40x%2F@h/ops", "postgresql://u:canary%40x%2F@h/ops", "postgresql://h/ops"),
    ],
)
def test_postgresql_is_named_without_its_password(url: str, address: str, name: str) -> None:
    """A password would be shown in messages, or the wrong server asked."""
    found = locate(url, {})
    assert found == PostgresDatabase(address=Secret(address), name=name)
    assert "canary" not in f"{found} {found!r}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:can@ary@db.example/ops",
        "postgresql://u:can/ary@db.example/ops",
        "postgresql://u:12/ary@db.example/ops",
        "postgresql://u:can?ary@db.example/ops",
        "postgresql://u:can#ary@db.example/ops",
        "postgresql://u:canary@db.example/ops#ary",
        "postgresql://u:ary",
        "postgresql://u:c[an]ary@db.example/ops",
        "postgresql:u:canary@db.example/ops",
        "mysql://u:canary@db.example/ops",
        "postgresql+psycopg2://u:canary@db.example/ops",
        "sqlite://canary",
        "sqlite:canary",
        "https://u:canary@db.example/ops",
    ],
)
def test_other_addresses_are_refused_without_being_repeated(url: str) -> None:
    """A mistyped address would show its password, or open something unexpected."""
    with pytest.raises(UsageError) as caught:
        locate(url, {})
    assert caught.value.hint
    assert "ary" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["", "sqlite:///", "sqlite:///:memory:", ":memory:", "folder/", "ledger.sqlite?mode=ro", "a\0b"]
)
def test_what_is_no_file_is_refused(url: str) -> None:
    """A ledger in memory forgets the keys that it made."""
    with pytest.raises(UsageError, match="ledger file"):
        locate(url, {})
