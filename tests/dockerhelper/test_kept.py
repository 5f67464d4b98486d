"""What the docker credential helper keeps: where, how long, for whom, and what an outage leaves of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from dockerhelper.shop import HOST, Shop, ask, at_once, secret
from pullgrant.dockerhelper import cache
from pullgrant.errors import NotSignedIn, PermissionDenied, Unavailable
from pullgrant.testing.stage import Stage

SRC = Path(__file__).parents[2] / "src"


def test_a_kept_token_is_given_until_half_its_life(shop: Shop, stage: Stage) -> None:
    """Every pull would cost a call of the cloud, or a token be given that is about to die."""
    first = secret()
    stage.clock.time += timedelta(hours=5, minutes=59)
    assert (secret(), shop.made) == (first, 2)
    stage.clock.time += timedelta(minutes=2)
    assert (secret() != first, shop.made) == (True, 3)


@pytest.mark.parametrize(
    ("error", "given"), [(Unavailable("503"), True), (NotSignedIn("expired"), True), (PermissionDenied("no"), False)]
)
def test_a_living_token_is_given_when_the_cloud_is_down(shop: Shop, stage: Stage, capsys, error, given) -> None:
    """An outage of the cloud would stop pulls hours before it must; a refusal must not be hidden."""
    first = secret()
    stage.clock.time += timedelta(hours=7)
    shop.error = lambda: error
    told, code = ask("get", HOST)
    if given:
        assert (code, json.loads(told)["Secret"], "still lives" in capsys.readouterr().err) == (0, first, True)
    else:
        assert (code, told) == (1, "no\n")
    stage.clock.time += timedelta(hours=4, minutes=59, seconds=30)
    told, code = ask("get", HOST)
    assert (code, "secret" in told) == (1, False), "a token that is dead, or dies within a minute, is never given"


def test_a_cloud_that_is_down_is_not_asked_by_every_caller(
    shop: Shop, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of twenty images would wait half a minute for a cloud that does not answer, one after another."""
    first = secret()
    stage.clock.time += timedelta(hours=7)
    tried: list[int] = []
    shop.error = lambda: tried.append(1) or Unavailable("503")
    told = at_once(12)
    assert ({json.loads(text)["Secret"] for text, _ in told}, len(tried)) == ({first}, 1)
    assert (secret(), len(tried), capsys.readouterr().err.count("still lives")) == (first, 1, 1)
    stage.clock.time += timedelta(seconds=301)
    assert (secret(), len(tried)) == (first, 2)
    shop.error = None
    stage.clock.time += timedelta(seconds=301)
    assert secret() != first


def test_a_living_token_is_given_when_the_ledger_is_down(shop: Shop, stage: Stage) -> None:
    """A database that restarts would stop all pulls."""
    first = secret()
    stage.clock.time += timedelta(hours=7)
    shop.ledger_down = True
    assert secret() == first
    stage.clock.time += timedelta(hours=6)
    assert ask("get", HOST) == ("the ledger is down\n", 1)


def test_many_callers_make_one_fetch(shop: Shop) -> None:
    """A compose file with twenty images would ask the cloud twenty times at once."""
    shop.gate.clear()
    told = at_once(12, then=shop.gate.set)
    assert (len(told), {code for _, code in told}, len({text for text, _ in told}), shop.made) == (12, {0}, 1, 2)


def test_the_cache_is_private(shop: Shop, tmp_path: Path) -> None:
    """Another user of the machine could read the token, or plant one of his own."""
    before = os.umask(0)
    try:
        secret()
    finally:
        os.umask(before)
    file = next(path for path in tmp_path.rglob(HOST))
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.chmod(0o644)
    assert cache.load(HOST) is None
    file.chmod(0o600)
    planted = tmp_path / "planted"
    planted.write_bytes(file.read_bytes())
    planted.chmod(0o600)
    file.unlink()
    file.symlink_to(planted)
    assert cache.load(HOST) is None


def test_nowhere_to_keep_a_token(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container or a build agent without a home that can be written to could not pull."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert (secret(), secret(), ask("erase", "other.example")[1]) == ("secret-of-key-2", "secret-of-key-3", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert ask("erase", "x" * 300) == ("", 0)


@pytest.mark.parametrize("content", [b"", b"garbage", b"1 2\n{}", b"x y AWS\n{}", b"9e99 9e99 AWS\n", b"\xff\xfe 1 2\n{}"])
def test_a_damaged_cache_is_fetched_anew(shop: Shop, tmp_path: Path, content: bytes) -> None:
    """Half a file would be given to docker as an answer."""
    secret()
    next(path for path in tmp_path.rglob(HOST)).write_bytes(content)
    assert (secret(), shop.made) == ("secret-of-key-3", 3)


class Ring(KeyringBackend):  # type: ignore[misc]
    """A keyring of one user."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.kept[service, username]

    def _check(self) -> None:
        if self.locked:
            raise KeyringLocked("locked")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    """The real package keyring over a back end of the test's own."""
    made, before = Ring(), keyring.get_keyring()
    keyring.set_keyring(made)
    monkeypatch.setenv("PULLGRANT_HELPER_CACHE", "keyring")
    yield made
    keyring.set_keyring(before)


def test_the_keyring_keeps_tokens_when_asked(shop: Shop, ring: Ring, monkeypatch: Any, tmp_path: Path) -> None:
    """A user who wants no token on the disk would have one there, or every pull would fetch another."""
    first = secret()
    assert (secret(), shop.made, len(ring.kept), list(tmp_path.rglob(HOST))) == (first, 2, 1, [])
    ring.locked = True
    assert (secret() != first, shop.made) == (True, 3), "a locked keyring keeps nothing, and stops nobody"
    ring.locked = False
    assert (ask("erase", HOST), ask("erase", HOST), ring.kept) == (("", 0), ("", 0), {})
    monkeypatch.setenv("PULLGRANT_HELPER_CACHE", "cloud")
    assert ask("get", HOST)[1] == 1


def test_a_token_in_the_keyring_needs_no_ledger(shop: Shop, stage: Stage, ring: Ring, capsys: Any) -> None:
    """Each pull would open the ledger, or go on past half of a token's life."""
    first = secret()
    shop.ledger_down = True
    assert (secret(), capsys.readouterr().err) == (first, "")
    shop.ledger_down = False
    stage.clock.time += timedelta(hours=7)
    assert secret() != first


def test_without_the_package_keyring(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user would not learn what to install."""
    monkeypatch.setenv("PULLGRANT_HELPER_CACHE", "keyring")
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert ask("get", HOST) == ("PULLGRANT_HELPER_CACHE=keyring needs the package keyring\n", 1)


def test_tokens_of_one_ledger_are_not_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of a rehearsal would be sent to the real registry; a database's password would stand in a folder's name."""
    names = set()
    for url in ("", "/a/ledger.sqlite", "sqlite:///b", "postgresql://me:one@db/x"):
        monkeypatch.setenv("PULLGRANT_LEDGER", url)
        names.add(cache.folder())
    assert len(names) == 4
    monkeypatch.setenv("PULLGRANT_LEDGER", "postgresql://me:two@db/x")
    assert cache.folder() in names


def test_a_kept_answer_needs_no_package(shop: Shop) -> None:
    """The tenth of a second that sqlalchemy or invoke takes would be paid at every pull."""
    secret()
    kept = cache.load(HOST)
    assert kept is not None
    heavy = (
        "sqlalchemy",
        "invoke",
        "httpx",
        "json",
        "re",
        "pathlib",
        "dataclasses",
        "pullgrant.catalog",
        "pullgrant.errors",
    )
    code = "import sys; from pullgrant.dockerhelper import program; program.run(['get'])"
    code += f"; print([one for one in {heavy} if one in sys.modules])"
    ahead = str(shop.stages[HOST].clock.now().timestamp() - time.time())
    environment = {"PYTHONPATH": str(SRC), "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"], "PULLGRANT_CLOCK_AHEAD": ahead}
    argv = [sys.executable, "-S", "-c", code]
    run = subprocess.run(argv, input=HOST, env=environment, capture_output=True, text=True, check=True, timeout=30)
    assert (json.loads(run.stdout.splitlines()[0])["Secret"], run.stdout.splitlines()[1]) == ("secret-of-key-2", "[]")
