"""Every secret of every flow, with all debug logs open, is found in the sink and in the documented argument only."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from pullgrant.sandbox.world import Fault

LOUD = Path(__file__).parent / "loud.py"
FLOWS = {
    "key": [
        ("gcp.bootstrap", "--project", "demo", "--sink", "akka", "--sink", "docker-config", "--verbose"),
        ("gcp.bootstrap", "--project", "demo", "--rotate-now", "--json"),
        ("verify", "--json"),
        ("status", "--json"),
        ("rotate", "--now", "--verbose", "--log-format", "json"),
        ("recover", "--json"),
        ("revoke", "--reader", "docker-reader", "--yes"),
    ],
    "token": [
        (
            "gcp.bootstrap",
            "--project",
            "locked",
            "--credential",
            "access-token",
            "--sink",
            "akka",
            "--sink",
            "docker-config",
        ),
        ("rotate", "--now", "--verify", "--verbose"),
        ("verify",),
        ("revoke", "--reader", "docker-reader", "--yes"),
    ],
}


class Ears:
    """Runs commands loudly and keeps all that could be heard, and all secrets that were delivered meanwhile."""

    def __init__(self, house) -> None:
        self.house, self.heard, self.secrets = house, [], set()
        self.children = house.folder / "children"
        self.secrets |= _parts(Path(house.environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())

    def run(self, *argv: str) -> int:
        run = self.house.start(str(self.children), *argv, program=LOUD)
        out, err = run.communicate(timeout=60)
        self.heard.append((" ".join(argv), out + err))
        self.note()
        return run.returncode

    def note(self) -> None:
        """Remember what the slot holds now."""
        if self.house.docker_config.exists():
            for entry in json.loads(self.house.docker_config.read_text())["auths"].values():
                self.secrets |= _parts(base64.b64decode(entry["auth"]).decode().partition(":")[2])

    def leaks(self) -> list[str]:
        """Return where a secret was heard: in an output, in a file, or in an argument."""
        found = [place for place, text in self.heard if self.hears(text)]
        for file in self.house.folder.rglob("*"):
            if file.is_file() and file not in (self.house.docker_config, self.children):
                found += [file.name] if self.hears(file.read_bytes().decode("utf-8", "replace")) else []
        for line in self.children.read_text().splitlines():
            argv = json.loads(line)
            documented = "add-credentials" in argv
            shown = [one for before, one in zip(["", *argv], argv, strict=False) if before != "--docker-password"]
            found += [argv[0]] if self.hears(" ".join(shown if documented else argv)) else []
        return found

    def hears(self, text: str) -> bool:
        return any(secret in text for secret in self.secrets)


def _parts(secret: str) -> set[str]:
    """Return the pieces by which a secret would be known even when it was cut: a key's middle line, a token's middle."""
    if "private_key" in secret:
        return {json.loads(secret)["private_key"].splitlines()[5]}
    return {secret, secret[8:40]} if len(secret) > 48 else {secret}


@pytest.mark.parametrize("flow", FLOWS)
def test_nothing_is_heard(house, flow):
    """A secret would stand in a log, an error, the ledger, a file or a process list."""
    ears = Ears(house)
    for argv in FLOWS[flow]:
        assert ears.run(*argv) in (0, 4), ears.heard[-1]
    assert len(ears.secrets) >= 3
    assert ears.leaks() == []


@pytest.mark.parametrize("how", ["503", "half", "drop"])
@pytest.mark.parametrize("kind", ["iam.CreateServiceAccountKey", "registry.token", "registry.manifest", "platforms.write"])
def test_nothing_is_heard_when_things_fail(house, kind, how):
    """An error would carry the secret that its call was about."""
    ears = Ears(house)
    ears.run("gcp.bootstrap", "--project", "demo", "--sink", "akka", "--sink", "docker-config")
    house.world.fail_next(Fault(kind=kind, how=how))
    ears.run("gcp.bootstrap", "--project", "demo", "--rotate-now", "--verbose")
    ears.run("recover", "--verbose")
    assert ears.leaks() == []


@pytest.mark.parametrize("flag", ["--debug", "--echo", "--dry"])
def test_flags_of_invoke_are_refused(house, flag):
    """invoke's --debug opens every library's debug log, and its --dry would run the body in full."""
    before, after = (flag, "gcp.bootstrap", "--project", "demo"), ("gcp.bootstrap", "--project", "demo", flag)
    for argv in (before,) if flag == "--debug" else (before, after):  # after a verb, invoke's --debug opens nothing
        run = house.start(*argv)  # a process of its own: --debug acts on the root logger, which belongs to pytest here
        run.communicate(timeout=60)
        assert (run.returncode, house.keys()) == (2, [])


def test_the_ears_hear(house):
    """A leak test that is deaf would prove nothing."""
    ears = Ears(house)
    ears.run("gcp.bootstrap", "--project", "demo", "--sink", "docker-config")
    one, other = sorted(ears.secrets)
    ears.heard.append(("planted", f"log: {one}"))
    (house.folder / "planted.log").write_text(other)
    ears.children.write_text(json.dumps(["curl", one]) + "\n")
    assert ears.leaks() == ["planted", "planted.log", "curl"]
