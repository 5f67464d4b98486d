"""The docker credential helper's protocol: what each call is answered with."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dockerhelper.shop import HOST, Shop, ask, bootstrap, reader, secret
from pullgrant import __version__
from pullgrant.dockerhelper import cache, slow
from pullgrant.errors import NotFound
from pullgrant.flows.fetch import fetch
from pullgrant.testing.stage import Stage

SRC = Path(__file__).parents[2] / "src"
ABSENT = "credentials not found in native keychain\n"


def test_get_answers_in_the_protocols_form(shop: Shop) -> None:
    """docker would not understand the answer."""
    told, code = ask("get", f"{HOST}\n")
    assert (code, told.count("\n"), json.loads(told)) == (
        0, 1, {"ServerURL": HOST, "Username": "u", "Secret": "secret-of-key-2"},
    )  # fmt: skip


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


def test_a_bug_is_one_line(shop: Shop) -> None:
    """A traceback, with who knows what in it, would stand in the middle of the user's docker command."""
    shop.error = lambda: ValueError("canary")
    assert ask("get", HOST) == ("a bug of pullgrant: ValueError\n", 1)


def test_an_interrupted_call_is_silent() -> None:
    """Ctrl-C at `docker pull` would print a traceback of ours."""
    code = (
        "from pullgrant.dockerhelper import program\ndef run(_): raise KeyboardInterrupt\nprogram.run = run; program.main()"
    )
    argv = [sys.executable, "-S", "-c", code]
    run = subprocess.run(argv, env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=False, timeout=30)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "")


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
    bootstrap(keys, reader("keys.example"))
    shop.stages["keys.example"] = keys
    assert json.loads(ask("list")[0]) == {HOST: f"docker-reader-{HOST}"}
    secret()
    assert json.loads(ask("list")[0]) == {HOST: "u"}


def test_a_reader_with_a_key_is_not_served(shop: Shop) -> None:
    """Each pull on each machine would make a long-lived key that nobody takes back."""
    keys = Stage(clock=shop.stages[HOST].clock)
    bootstrap(keys, reader("keys.example"))
    shop.stages["keys.example"] = keys
    told, code = ask("get", "keys.example")
    assert (code, "long-lived key" in told, keys.made) == (1, True, 1)


def test_a_reader_that_is_not_made_yet_is_not_served(stage: Stage) -> None:
    """A token would be asked for an identity that does not exist."""
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
