"""The other registries from the command line, and real skopeo with what each of them delivered."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

SECONDS = 30
DENIED = {"pull": "allowed", "push": "denied", "anonymous": "denied"}
# command line -> what the proof says of another repository, and the image that is then pulled
COMMANDS: dict[str, tuple[str, str]] = {
    "dockerhub.bootstrap --organization acme --repository app": ("denied", "docker.io/acme/app:v1"),
    "dockerhub.bootstrap --username owner": ("not asked", "docker.io/owner/own:v1"),
    "gitlab.bootstrap --project acme/app": ("denied", "registry.gitlab.com/acme/app:v1"),
    "gitlab.bootstrap --group acme": ("not asked", "registry.gitlab.com/acme/other:v1"),
    "harbor.bootstrap --project acme": ("denied", "harbor.example/acme/app:v1"),
    "quay.bootstrap --organization acme --repository app": ("denied", "quay.io/acme/app:v1"),
    "private.bootstrap --server https://registry.example --username reader --password env:READER_PASSWORD": (
        "not asked",
        "registry.example/acme/app:v1",
    ),
    "ghcr.bootstrap --owner acme": ("not asked", "ghcr.io/acme/app:v1"),
}


def skopeo(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["skopeo", "--insecure-policy", *words]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.real("skopeo")
@pytest.mark.parametrize("command", COMMANDS)
def test_proven_delivered_and_pulled(house: Any, command: str, tmp_path: Path) -> None:
    """A command of the documentation would not work without more options, or what it delivered not pull, or push."""
    outside, image = COMMANDS[command]
    done = house.run(*command.split(), "--sink", "docker-config", "--json")
    assert (done.code, done.err if done.code else "") == (0, "")
    proof = done.json["proof"]
    assert {name: proof[name] for name in (*DENIED, "outside")} == {**DENIED, "outside": outside}
    login = ("--src-authfile", str(house.docker_config))
    pulled = skopeo("copy", *login, f"docker://{image}", f"dir:{tmp_path}/image")
    assert (pulled.returncode, pulled.stderr) == (0, "")
    target = f"docker://{image.rpartition(':')[0]}:mine"
    pushed = skopeo("copy", "--dest-authfile", str(house.docker_config), f"dir:{tmp_path}/image", target)
    assert pushed.returncode != 0
    again = house.run(*command.split(), "--sink", "docker-config", "--json")
    assert (again.code, again.json["changed"]) == (0, False)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_platform_pulls_until_it_is_revoked(house: Any, command: str) -> None:
    """A platform would not pull with what was registered, or still do after a revocation."""
    image = COMMANDS[command][1]
    assert house.run(*command.split()).code == 0
    pull = ("sandbox.platform-pull", "--platform", "akka", "--image", image, "--json")
    assert house.run(*pull).json["pulled"] is True
    provider = command.partition(".")[0]
    assert house.run(f"{provider}.rotate", "--reader", "docker-reader").code == 0
    assert house.run(*pull).json["pulled"] is True
    assert house.run(f"{provider}.verify", "--reader", "docker-reader").code == 0
    assert house.run(f"{provider}.revoke", "--reader", "docker-reader", "--yes").code == 0
    assert house.run(*pull).code == 4


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("ghcr.bootstrap --owner acme --token env:STRONG", 4, "admin:org, repo, write:packages"),
        ("private.bootstrap --server htpasswd.example --username reader --password env:READER_PASSWORD", 4, "may push"),
        ("private.bootstrap --server registry.example --username pusher --password env:PUSHER_PASSWORD", 4, "may push"),
        ("private.bootstrap --server registry.example --username reader --password hunter2", 2, "not a reference"),
        ("dockerhub.bootstrap --organization acme", 2, "--repository"),
        ("gitlab.bootstrap", 2, "--project"),
        ("dockerhub.limits --username owner", 2, "--password"),
    ],
)
def test_refused(house: Any, command: str, code: int, told: str) -> None:
    """A refusal would come with another exit code, or without the word that helps."""
    done = house.run(*command.split())
    assert (done.code, told in done.err, "hunter2" in done.err) == (code, True, False)


def test_limits(house: Any) -> None:
    """The allowance would be spent by asking, or not be told."""
    first, second = house.run("dockerhub.limits", "--json").json, house.run("dockerhub.limits", "--json").json
    assert (first, first["remaining"]) == (second, 100)
    known = house.run("dockerhub.limits", "--username", "owner", "--password", "env:DOCKERHUB_PASSWORD")
    assert known.out == "owner: 200 of 200 pulls left in 6h\n"
