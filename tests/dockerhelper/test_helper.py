"""The docker credential helper: the protocol, the cache, and one fetch for many."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pullgrant import __version__
from pullgrant.dockerhelper import cache, program, slow, store
from pullgrant.errors import NotSignedIn, PermissionDenied, Unavailable
from pullgrant.flows.fetch import fetch
from pullgrant.model.reader import Reader
from pullgrant.testing.stage import Fuse, Stage

HOST = "registry.example"
SRC = Path(__file__).parents[2] / "src"
ABSENT = "credentials not found in native keychain\n"


class Shop:
    """Stages by host behind the catalog's questions; `calls` are the tokens that were made."""

    def __init__(self, stages: dict[str, Stage]) -> None:
        self.stages = stages
        self.ledger_down = False
        self.error: Any = None
        self.gate = threading.Event()
        self.gate.set()

    @property
    def made(self) -> int:
        return sum(stage.made for stage in self.stages.values())

    def opened(self) -> Any:
        return Opened(self)


class Opened:
    """A catalog of one call."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.clock = next(iter(shop.stages.values())).clock

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    @property
    def ledger(self) -> Any:
        if self._shop.ledger_down:
            raise Unavailable("the ledger is down")
        return self

    def readers(self) -> tuple[Reader, ...]:
        return tuple(reader(host) for host in self._shop.stages)

    def provider(self, wanted: Reader) -> Any:
        return self.ports(wanted, ()).provider

    def ports(self, wanted: Reader, slots: object) -> Any:
        self._shop.gate.wait(5)
        stage = self._shop.stages[wanted.host]
        fuse = Fuse(at=0, error=self._shop.error) if self._shop.error else Fuse()
        return stage.ports(wanted, fuse)


def reader(host: str = HOST) -> Reader:
    return Reader(provider="stage", account="acme", name=f"docker-reader-{host}", host=host)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(ttl=timedelta(hours=12))
    _bootstrap(made, reader())
    monkeypatch.setattr(cache, "now", lambda: made.clock.now().timestamp())
    return made


def _bootstrap(stage: Stage, wanted: Reader) -> None:
    from pullgrant.flows.apply import apply
    from pullgrant.planner import Wish
    from pullgrant.testing.stage import ONE

    apply(Wish(reader=wanted, slots=(ONE,)), stage.ports(wanted), wait=timedelta())


@pytest.fixture
def shop(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shop]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Shop({HOST: stage})
    monkeypatch.setattr(slow, "_catalog", found.opened)
    return found


def ask(action: str, payload: str = "", *more: str) -> tuple[str, int]:
    """Run the program in this process."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    before = sys.stdin, sys.stdout
    sys.stdin, sys.stdout = io.StringIO(payload), out
    try:
        code = program.run([action, *more])
        out.flush()
    finally:
        sys.stdin, sys.stdout = before
    buffer: Any = out.buffer
    return buffer.getvalue().decode(), code


def secret(payload: str = HOST) -> str:
    told, code = ask("get", payload)
    assert code == 0, told
    return str(json.loads(told)["Secret"])


def test_get_answers_in_the_protocols_form(shop: Shop) -> None:
    """docker would not understand the answer."""
    told, code = ask("get", f"{HOST}\n")
    assert (code, told.count("\n"), json.loads(told)) == (
        0, 1, {"ServerURL": HOST, "Username": "u", "Secret": "secret-of-key-2"},
    )  # fmt: skip


def test_a_kept_token_is_given_until_half_its_life(shop: Shop, stage: Stage) -> None:
    """Every pull would cost a call of the cloud, or a token be given that is about to die."""
    first = secret()
    stage.clock.time += timedelta(hours=5, minutes=59)
    assert (secret(), shop.made) == (first, 2)
    stage.clock.time += timedelta(minutes=2)
    assert (secret() != first, shop.made) == (True, 3)


@pytest.mark.parametrize("server", [HOST, f"https://{HOST}", f"https://{HOST}/v1/", HOST.upper(), f"{HOST}/"])
def test_the_same_host_in_other_words(shop: Shop, server: str) -> None:
    """podman and docker spell a registry differently; each would have a token of its own."""
    secret()
    assert (secret(server), shop.made) == ("secret-of-key-2", 2)


@pytest.mark.parametrize(
    "server", ["other.example", "registry.example.evil.example", "..", "../../etc/passwd", "a b", "x" * 300]
)
def test_a_foreign_host_is_absent(shop: Shop, server: str, tmp_path: Path) -> None:
    """docker would be refused where it could pull anonymously, or get a token meant for another host."""
    secret()
    assert (ask("get", server), shop.made) == ((ABSENT, 1), 2)
    assert sorted(path.name for path in tmp_path.rglob("*.example*")) == [f".{HOST}.lock", HOST]


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
    told: list[tuple[str, int]] = []
    callers = [threading.Thread(target=lambda: told.append(slow.answer("get", HOST))) for _ in range(12)]
    for caller in callers:
        caller.start()
    shop.gate.set()
    for caller in callers:
        caller.join(20)
    assert (len(told), {code for _, code in told}, len({text for text, _ in told}), shop.made) == (12, {0}, 1, 2)


def test_the_cache_is_private(shop: Shop, tmp_path: Path) -> None:
    """Another user of the machine could read the token, or plant one of his own."""
    os.umask(0)
    secret()
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


@pytest.mark.parametrize("content", [b"", b"garbage", b"1 2\n{}", b"x y AWS\n{}", b"9e99 9e99 AWS\n", b"\xff\xfe 1 2\n{}"])
def test_a_damaged_cache_is_fetched_anew(shop: Shop, tmp_path: Path, content: bytes) -> None:
    """Half a file would be given to docker as an answer."""
    secret()
    next(path for path in tmp_path.rglob(HOST)).write_bytes(content)
    assert (secret(), shop.made) == ("secret-of-key-3", 3)


def test_erase_forgets_and_may_be_repeated(shop: Shop) -> None:
    """`docker logout` would fail, or leave the token."""
    secret()
    for _ in range(2):
        assert ask("erase", HOST) == ("", 0)
    assert (cache.load(HOST), secret()) == (None, "secret-of-key-3")
    assert ask("erase", "\n") == ("no credentials server URL\n", 1)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("{}", "no credentials server URL\n"),
        ('{"ServerURL": "x"}', "no credentials username\n"),
        ("[]", "no credentials server URL\n"),
        ("nonsense", "the payload of store is not JSON\n"),
        ('{"ServerURL": "x", "Username": "u", "Secret": "canary"}', slow.NO_STORE),
    ],
)
def test_store_is_refused_in_words(shop: Shop, payload: str, words: str) -> None:
    """`docker login` would believe that its password was stored, or print it."""
    assert ask("store", payload) == (words, 1)


def test_list_names_the_hosts_that_are_served(shop: Shop) -> None:
    """docker would not find a registry that it could pull from, or a secret would be listed."""
    keys = Stage(clock=shop.stages[HOST].clock)
    _bootstrap(keys, reader("keys.example"))
    shop.stages["keys.example"] = keys
    assert json.loads(ask("list")[0]) == {HOST: f"docker-reader-{HOST}"}
    secret()
    assert json.loads(ask("list")[0]) == {HOST: "u"}


def test_a_reader_with_a_key_is_not_served(shop: Shop) -> None:
    """Each pull on each machine would make a long-lived key that nobody takes back."""
    keys = Stage(clock=shop.stages[HOST].clock)
    _bootstrap(keys, reader("keys.example"))
    shop.stages["keys.example"] = keys
    told, code = ask("get", "keys.example")
    assert (code, "long-lived key" in told, keys.made) == (1, True, 1)


def test_a_reader_that_is_not_made_yet_is_not_served(stage: Stage) -> None:
    """A token would be asked for an identity that does not exist."""
    from pullgrant.errors import NotFound

    with pytest.raises(NotFound):
        fetch(reader("new.example"), Stage(clock=stage.clock, ttl=timedelta(hours=1)).ports(reader("new.example")))


@pytest.mark.parametrize(
    ("argv", "words", "code"),
    [
        (["version"], f"docker-credential-pullgrant (pullgrant) {__version__}\n", 0),
        (["--version"], f"docker-credential-pullgrant (pullgrant) {__version__}\n", 0),
        (["-v"], f"docker-credential-pullgrant (pullgrant) {__version__}\n", 0),
        (["nonsense"], "docker-credential-pullgrant: unknown action: nonsense\n", 1),
        (["get", "more"], "Usage: docker-credential-pullgrant <store|get|erase|list|version>\n", 1),
    ],
)
def test_words_of_the_protocol(argv: list[str], words: str, code: int) -> None:
    """A client that compares these texts would take one for another."""
    assert ask(argv[0], "", *argv[1:]) == (words, code)
    assert ask("get", " \n") == ("no credentials server URL\n", 1)


class Ring:
    """A keyring of one user."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise RuntimeError("locked")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.locked:
            raise RuntimeError("locked")
        self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


def test_the_keyring_keeps_tokens_when_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who wants no token on the disk would have one there, or every pull would fetch another."""
    ring = Ring()
    monkeypatch.setenv("PULLGRANT_HELPER_CACHE", "keyring")
    monkeypatch.setattr(store, "_keyring", lambda: ring)
    first = secret()
    assert (secret(), shop.made, len(ring.kept), list(tmp_path.rglob(HOST))) == (first, 2, 1, [])
    ring.locked = True
    assert (secret() != first, shop.made) == (True, 3), "a locked keyring keeps nothing, and stops nobody"
    ring.locked = False
    assert (ask("erase", HOST), ring.kept) == (("", 0), {})
    monkeypatch.setenv("PULLGRANT_HELPER_CACHE", "cloud")
    assert ask("get", HOST)[1] == 1


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
