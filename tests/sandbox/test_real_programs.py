"""Real skopeo and a real docker-registry against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pullgrant.sandbox.run import Sandbox
from sandbox.toy import Toy
from servers import by_sandbox, docker_registry

pytestmark = pytest.mark.real

READER, PUSHER = "reader:reader-password", "pusher:pusher-password"
_SECONDS = 20


def skopeo(toybox: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    """Run skopeo as a program that knows nothing but the sandbox's variables."""
    environment = {**os.environ, **toybox.environment(), "REGISTRY_AUTH_FILE": str(toybox.folder / "none.json")}
    command = ["skopeo", "--insecure-policy", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False)


def at(toybox: Sandbox, way: str, host: str) -> tuple[str, tuple[str, str]]:
    """Return a registry's address by one of the two ways, and the TLS flags of source and destination."""
    if way == "proxy":
        return f"docker://{host}/demo/app", ("--src-tls-verify=true", "--dest-tls-verify=true")
    here = toybox.url.removeprefix("http://")
    return f"docker://{here}/{host}/demo/app", ("--src-tls-verify=false", "--dest-tls-verify=false")


@pytest.mark.parametrize("way", ["proxy", "loopback"])
@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test", "basic.test"])
def test_skopeo_pulls_and_pushes(toybox: Sandbox, tmp_path: Path, way: str, host: str) -> None:
    """The sandbox's registry would not be one for a real client: a pull or push fails, or a refusal does not come."""
    image, (from_flag, to_flag) = at(toybox, way, host)
    pulled = skopeo(toybox, "copy", from_flag, "--src-creds", READER, f"{image}:v1", f"dir:{tmp_path}")
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert json.loads((tmp_path / "manifest.json").read_text())["schemaVersion"] == 2

    refused = skopeo(toybox, "copy", to_flag, "--dest-creds", READER, f"dir:{tmp_path}", f"{image}:mine")
    assert refused.returncode != 0
    assert any(words in refused.stderr for words in ("denied", "unauthorized", "authentication required", "403 (Forbidden)"))

    pushed = skopeo(toybox, "copy", to_flag, "--dest-creds", PUSHER, f"dir:{tmp_path}", f"{image}:new")
    assert (pushed.returncode, pushed.stderr) == (0, "")
    tls = from_flag.replace("--src-", "--")
    seen = skopeo(toybox, "inspect", tls, "--creds", READER, "--format", "{{.RepoTags}}", f"{image}:new")
    assert seen.stdout == "[new v1 v2]\n"


@pytest.mark.parametrize("login", ["reader:wrong", "nobody:nobody-password", ""])
def test_skopeo_is_refused(toybox: Sandbox, tmp_path: Path, login: str) -> None:
    """A wrong secret, a principal without a grant, or nobody could pull."""
    creds = ["--src-creds", login] if login else ["--src-no-creds"]
    for host in ("jwt.test", "gcr.io", "opaque.test", "basic.test"):
        done = skopeo(toybox, "copy", *creds, f"docker://{host}/demo/app:v1", f"dir:{tmp_path}")
        assert (done.returncode != 0, (tmp_path / "manifest.json").exists()) == (True, False)


def test_skopeo_reaches_nothing_foreign(toybox: Sandbox) -> None:
    """A real program inside the sandbox could leave this machine."""
    done = skopeo(toybox, "inspect", "docker://registry.example/app:v1")
    assert (done.returncode != 0, "the sandbox does not know registry.example" in done.stderr) == (True, True)


@pytest.fixture
def real_registry(toybox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    auth = by_sandbox(toybox.url + request.param, toybox.token_certificate)
    with docker_registry(tmp_path, auth) as address:
        yield address


@pytest.mark.parametrize(
    "real_registry", ["/sandbox/token/gcr.io/demo", "/sandbox/token?host=gcr.io&prefix=demo/"], indirect=True
)
def test_real_registry_trusts_the_token_service(toybox: Sandbox, toy: Toy, tmp_path: Path, real_registry: str) -> None:
    """The registry that people really run would refuse the sandbox's tokens, or grant more than they say."""
    source = ("copy", "--src-creds", READER, "docker://gcr.io/demo/app:v1", "--dest-tls-verify=false")
    image = f"docker://{real_registry}/app"
    assert skopeo(toybox, *source, "--dest-creds", READER, f"{image}:v1").returncode != 0
    pushed = skopeo(toybox, *source, "--dest-creds", PUSHER, f"{image}:v1")
    assert (pushed.returncode, pushed.stderr) == (0, "")
    look = ("inspect", "--tls-verify=false", "--format", "{{.RepoTags}}")
    assert skopeo(toybox, *look, "--creds", READER, f"{image}:v1").stdout == "[v1]\n"
    for login in ("reader:wrong", "nobody:nobody-password"):
        assert skopeo(toybox, *look, "--creds", login, f"{image}:v1").returncode != 0
    toybox.world.advance(toybox.world.now() - toybox.world.now().replace(year=2020))
    assert skopeo(toybox, *look, "--creds", READER, f"{image}:v1").stdout == "[v1]\n"
    toy.by_host["gcr.io"].gone.add("reader")
    assert skopeo(toybox, *look, "--creds", READER, f"{image}:v1").returncode != 0


def test_token_service_for_unknown_hosts_is_404(direct: httpx.Client) -> None:
    """A misspelt host would give tokens that grant nothing, and the reason would be far away."""
    assert direct.get("/sandbox/token/unknown.test/demo").status_code == 404
    assert direct.get("/sandbox/token").status_code == 404
