"""The fake akka command line says no where the real one does."""

from __future__ import annotations

import importlib.resources
import json
import subprocess
import sys

import pytest

from pullgrant.sandbox.platforms import Platforms
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault

PROGRAM = str(importlib.resources.files("pullgrant.sandbox.platforms").joinpath("akka_program.py"))
LOGIN = ("--docker-server", "https://x.example", "--docker-username", "u", "--docker-password", "p")
ADD = ("docker", "add-credentials", *LOGIN)


@pytest.fixture
def akka(tmp_path):
    """Run the fake on a state of its own; returns status, output and words."""

    def run(*words: str, **env: str) -> tuple[int, str, str]:
        environment = {"FAKE_AKKA_STATE": str(tmp_path / "state.json"), "AKKA_TOKEN": "sandbox", **env}
        done = subprocess.run(
            [sys.executable, "-IS", PROGRAM, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*ADD, "--bogus"), "unknown flag: --bogus"),
        ((*ADD, "-z"), "unknown shorthand flag: 'z' in -z"),
        ((*ADD, "--secret-name"), "flag needs an argument: --secret-name"),
        ((*ADD, "more"), "accepts 0 arg(s), received 1"),
        (("docker", "add-credentials", "--docker-server", "x"), 'required flag(s) "docker-password" not set'),
        (("docker", "add-credentials", "--docker-password", "x"), 'required flag(s) "docker-server" not set'),
        (("docker", "list-credentials", "--timeout", "60"), "missing unit in duration"),
        (("docker", "list-credentials", "-o", "yaml"), "unknown output format yaml"),
        (("docker", "list-credentials", "--project", "nope"), "project [nope] not found"),
        (("docker", "list-credentials", "--region", "nope"), "region [nope] not found"),
        (("docker", "remove-credentials"), "accepts 1 arg(s), received 0"),
        (("docker", "remove-credentials", "nope"), "[nope] not found"),
        (("docker", "delete-credentials", "nope"), 'unknown command "delete-credentials" for "akka docker"'),
        (("secrets", "delete", "nope"), "secret [nope] not found"),
        (("secrets", "get", "nope"), "secret [nope] not found"),
        (("bogus",), 'unknown command "bogus" for "akka"'),
    ],
)
def test_it_says_no(akka, words, said):
    """A sink that calls the program wrongly would pass its tests."""
    status, printed, refused = akka(*words)
    assert (status, printed) == (1, "")
    assert said in refused


@pytest.mark.parametrize("flag", ["--secret-name", "--secret-only", "--config-only", "--force-global"])
def test_the_uuid_era_knows_no_secrets(akka, flag):
    """A sink that mixes the eras would pass its tests."""
    assert flag in akka("docker", "add-credentials", "--help")[1]
    assert flag not in akka("docker", "add-credentials", "--help", FAKE_AKKA_ERA="uuid")[1]
    assert f"unknown flag: {flag}" in akka(*ADD, flag, "x", FAKE_AKKA_ERA="uuid")[2]


@pytest.mark.parametrize("words", [("auth", "current-login"), ("docker", "list-credentials"), ("secrets", "list"), ADD])
def test_nothing_works_without_a_login(akka, words):
    """A sink that never signs in would pass its tests."""
    status, _, refused = akka(*words, AKKA_TOKEN="wrong")
    assert status == 1
    assert "not logged in" in refused
    assert akka(*words)[0] == 0


def test_a_secret_is_written_over_and_outlives_its_entry(akka):
    """The fake would be kinder than Akka: names that never clash, removals that clean up."""
    akka(*ADD)
    akka(*ADD[:2], "--docker-server", "https://y.example", "--docker-password", "q")
    rows = json.loads(akka("docker", "list-credentials", "-o", "json")[1])
    assert rows == [
        {"name": "docker-credentials", "status": "OK", "server": "https://y.example", "email": "", "username": ""}
    ]
    assert akka("docker", "remove-credentials", "docker-credentials")[0] == 0
    assert akka("docker", "list-credentials")[1] == "NAME  STATUS  SERVER  EMAIL  USERNAME\n"
    assert akka("secrets", "list")[1].split() == ["NAME", "TYPE", "KEYS", "docker-credentials", "docker", "credentials"]


def test_secret_only_and_config_only(akka):
    """The fake would register what the real one leaves unregistered, or the other way round."""
    akka(*ADD, "--secret-only")
    assert json.loads(akka("docker", "list-credentials", "-o", "json")[1]) == []
    akka("docker", "add-credentials", "--config-only")
    assert [row["status"] for row in json.loads(akka("docker", "list-credentials", "-o", "json")[1])] == ["OK"]


def test_the_uuid_era_adds_a_new_entry_each_time(akka):
    """A sink that expects an upsert would pass its tests."""
    for _ in range(2):
        akka(*ADD, FAKE_AKKA_ERA="uuid")
    header, first, second = akka("docker", "list-credentials", FAKE_AKKA_ERA="uuid")[1].splitlines()
    assert header.split() == ["ID", "SERVER", "USERNAME", "EMAIL"]
    assert first.split()[0] != second.split()[0]
    named = json.loads(akka("docker", "list-credentials", "-o", "json", FAKE_AKKA_ERA="uuid")[1])
    assert [row["name"].rpartition("/")[2] for row in named] == [first.split()[0], second.split()[0]]
    assert akka("docker", "delete-credentials", first.split()[0], FAKE_AKKA_ERA="uuid")[0] == 0
    assert len(akka("docker", "list-credentials", FAKE_AKKA_ERA="uuid")[1].splitlines()) == 2


def test_passwords_are_never_printed(akka):
    """A sink that reads a password back would pass its tests."""
    akka(*ADD[:-1], "hush-hush")
    shown = [
        akka(*words)[1]
        for words in (("docker", "list-credentials"), ("secrets", "list"), ("secrets", "get", "docker-credentials"))
    ]
    assert [text for text in shown if "hush-hush" in text] == []
    assert shown[2] == "NAME: docker-credentials\nKEYS:\n   credentials\n"


@pytest.mark.parametrize(
    "words", [(), ("docker",), ("secrets",), ("docker", "list-credentials"), ("auth", "current-login"), ("version",)]
)
def test_everything_has_help(akka, words):
    """A sink that reads the help could not be tested."""
    status, printed, refused = akka(*words, "--help", AKKA_TOKEN="")
    assert (status, refused) == (0, "")
    assert "Usage:" in printed
    assert "--disable-prompt" in printed


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("503", "code = Unavailable desc = Service Unavailable: HTTP status code 503"),
        ("429", "code = Unavailable desc = Too Many Requests: HTTP status code 429"),
        ("500", "code = Unknown desc = Internal Server Error: HTTP status code 500"),
        ("drop", "code = Unavailable desc = error reading from server"),
        ("half", "code = Unavailable desc = error reading from server"),
    ],
)
@pytest.mark.parametrize("kind", ["platforms.read", "platforms.write"])
def test_a_platform_that_is_down(kind, how, said):
    """A sink that is shown a traceback would learn nothing of what the real program prints."""
    with Sandbox(factories={"platforms": Platforms}) as box:
        box.world.fail_next(Fault(kind=kind, how=how))
        where = {"PULLGRANT_SANDBOX_URL": box.url, "AKKA_TOKEN": "sandbox"}
        done = subprocess.run(
            [sys.executable, "-IS", PROGRAM, *ADD], env=where, capture_output=True, text=True, timeout=20, check=False
        )
    assert (done.returncode, done.stdout, done.stderr.startswith("Error: rpc error: ")) == (1, "", True)
    assert said in done.stderr


def test_help_needs_no_platform():
    """A sink that asks the program about itself would fail when the platform is down."""
    where = {"PULLGRANT_SANDBOX_URL": "http://127.0.0.1:1", "AKKA_TOKEN": "sandbox"}
    for words, code in ((["docker", "--help"], 0), (["version"], 0), (["secrets", "list"], 1)):
        done = subprocess.run(
            [sys.executable, "-IS", PROGRAM, *words], env=where, capture_output=True, text=True, timeout=20, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)
