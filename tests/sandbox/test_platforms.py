"""The fake platforms' documents and their pulls."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from pullgrant.errors import UsageError
from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.platforms import Platforms
from pullgrant.sandbox.platforms.keepers import registered
from pullgrant.sandbox.run import Sandbox
from sandbox.toy import Toy


@pytest.fixture
def toybox() -> Iterator[Sandbox]:
    with Sandbox(factories={"toy": Toy, "platforms": Platforms}) as sandbox:
        yield sandbox


def akka(toybox: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the fake akka with the sandbox's variables but without its address, as pullgrant runs other programs."""
    environment = {**os.environ, **toybox.environment()}
    del environment["PULLGRANT_SANDBOX_URL"]
    return subprocess.run(["akka", *words], env=environment, capture_output=True, text=True, timeout=20, check=False)


def add(toybox: Sandbox, password: str, *more: str) -> None:
    login = ("--docker-server", "gcr.io", "--docker-username", "reader", "--docker-password", password)
    done = akka(toybox, "docker", "add-credentials", *login, *more)
    assert (done.returncode, done.stderr) == (0, "")


def test_akka_keeps_a_credential_that_pulls(toybox: Sandbox, control: Control) -> None:
    """The fake akka would not reach the sandbox, or its platform would not pull with what was registered."""
    refused = control.platform_pull("akka", "gcr.io/demo/app:v1")
    assert refused == {"pulled": False, "words": "Permission 'pull' denied on demo/app"}
    add(toybox, "reader-password")
    assert "gcr.io" in akka(toybox, "docker", "list-credentials").stdout
    assert control.platform_pull("akka", "gcr.io/demo/app:v1") == {"pulled": True, "words": ""}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("gcr.io/demo/other:v1", "Permission 'pull' denied on demo/other"),
        ("gcr.io/demo/app:v9", "manifest unknown: demo/app:v9"),
        ("gcr.io/demo/app", "manifest unknown: demo/app:latest"),
        ("unknown.test/demo/app:v1", "the sandbox knows no registry unknown.test"),
        ("jwt.test/demo/app:v1", "Permission 'pull' denied on demo/app"),
    ],
)
def test_a_platform_pulls_only_what_its_credential_may(toybox: Sandbox, control: Control, image: str, words: str) -> None:
    """A platform would pull what the registry refuses, or use one registry's credential at another."""
    add(toybox, "reader-password")
    assert control.platform_pull("akka", image) == {"pulled": False, "words": words}


def test_a_dead_credential_pulls_nothing(toybox: Sandbox, control: Control) -> None:
    """A platform with a wrong or revoked secret would look healthy."""
    add(toybox, "wrong")
    assert control.platform_pull("akka", "gcr.io/demo/app:v1")["words"] == "unauthorized: authentication failed"


def test_a_secret_that_is_no_registry_credential_is_not_used(toybox: Sandbox, control: Control) -> None:
    """A half-made registration, its secret there and its configuration not, would look whole."""
    add(toybox, "reader-password", "--secret-only")
    assert control.platform_pull("akka", "gcr.io/demo/app:v1")["pulled"] is False
    add(toybox, "reader-password", "--config-only")
    assert control.platform_pull("akka", "gcr.io/demo/app:v1")["pulled"] is True


def test_public_images_need_no_credential(control: Control) -> None:
    """A platform would be refused what everybody may have."""
    assert control.platform_pull("akka", "gcr.io/demo/open:v1") == {"pulled": True, "words": ""}


def test_senseless_pull_is_refused(control: Control) -> None:
    """A request without an image would answer something."""
    with pytest.raises(UsageError, match="say platform and image"):
        control.ask("POST", "/sandbox/platform-pull", {"platform": "akka"})


def test_no_writer_undoes_another(direct: httpx.Client) -> None:
    """Two programs at once would lose one of their changes."""
    old = direct.get("/platforms/akka")
    assert (old.json(), old.headers["etag"]) == ({}, '"0"')
    put = [direct.put("/platforms/akka", json={"n": n}, headers={"if-match": old.headers["etag"]}) for n in (1, 2)]
    assert [answer.status_code for answer in put] == [200, 412]
    assert direct.get("/platforms/akka").json() == {"n": 1}
    assert direct.put("/platforms/akka", json={"n": 3}, headers={"if-match": put[1].headers["etag"]}).status_code == 200
    assert [direct.put("/platforms/akka", content=body).status_code for body in (b"[]", b"{")] == [400, 400]
    assert direct.put("/platforms/other", json={}).status_code == 200


def test_many_akkas_at_once_lose_nothing(toybox: Sandbox, control: Control) -> None:
    """Deliveries to several slots at once would overwrite one another."""
    names = [f"secret-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: add(toybox, "reader-password", "--secret-name", name), names))
    assert sorted(control.platform("akka")["projects"]["sample"]["registries"]) == names


def test_reset_empties_the_platforms(toybox: Sandbox, control: Control, direct: httpx.Client) -> None:
    """A test would find the credentials of an earlier one, or a late writer would bring them back."""
    add(toybox, "reader-password")
    old = direct.get("/platforms/akka").headers["etag"]
    control.reset()
    assert control.platform("akka") == {}
    assert direct.put("/platforms/akka", json={"old": 1}, headers={"if-match": old}).status_code == 412


def test_platforms_meet_faults_and_are_logged(toybox: Sandbox, control: Control) -> None:
    """A sink's write could not be made to fail, or would not show in the log."""
    control.fail("platforms.write", 503)
    login = ("--docker-server", "gcr.io", "--docker-username", "u", "--docker-password", "p")
    assert akka(toybox, "docker", "add-credentials", *login).returncode != 0
    assert [(call.kind, call.status) for call in control.calls()] == [("platforms.read", 200), ("platforms.write", 503)]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": [{"server": "https://gcr.io/v1/", "username": "u", "password": "p"}]}, [("u", "p")]),
        ({"auths": {"gcr.io": {"auth": base64.b64encode(b"u:p:q").decode()}}}, [("u", "p:q")]),
        ({"auths": {"gcr.io": {"auth": "!"}}}, []),
        ({"server": "gcr.io.evil.example", "username": "u", "password": "p"}, []),
        ({"server": "gcr.io", "username": "u"}, []),
        ("gcr.io", []),
    ],
)
def test_credentials_are_found_in_any_shape(document: Any, found: list[tuple[str, str]]) -> None:
    """A platform's own way to keep credentials would not be understood, or another host's would be used."""
    assert list(registered(document, "gcr.io")) == found
