"""`private` against the real docker-registry, and real skopeo pulls with what it delivered."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from probe.distribution import ISSUER, SERVICE, TokenService
from probe.served import serve
from providers.shop import NO_WAIT, Words
from pullgrant import catalog
from pullgrant.catalog import Catalog
from pullgrant.errors import ProofFailed, Unavailable
from pullgrant.flows.apply import Applied, apply
from pullgrant.kit.clock import SystemClock
from pullgrant.kit.http import Http
from pullgrant.model.proof import Answer, Verdict
from pullgrant.planner import Wish
from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.registry.images import build
from servers import docker_registry

pytestmark = pytest.mark.real("docker-registry", "skopeo")
HTPASSWD = "reader:$2b$05$abcdefghijklmnopqrstuu8wfpWPKiFbOv2YUtr.E7lRfKvC0ot9a\n"  # bcrypt of reader-secret
REPOSITORY = "team/app"
_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Running:
    """A registry that runs with one image, `team/app:v1`."""

    address: str
    folder: Path
    ca_file: str = ""
    token_service: str = ""

    def bootstrap(self, **options: Any) -> Applied:
        """Do what `private.bootstrap` does, with a slot in a docker configuration of this test."""
        given = {"server": self.address, "username": "reader", "password": "env:READER", "ca_file": self.ca_file}
        if self.token_service:
            given["insecure_host"] = (self.token_service,)
        wanted = catalog.reader("private", {**given, **options})
        slot = catalog.slot(f"docker-config:{self.folder}/docker/config.json", server=wanted.host)
        ledger = f"sqlite:///{self.folder}/ledger.sqlite"
        with Catalog(clock=SystemClock(), report=Words(), ledger_url=ledger) as opened:
            return apply(Wish(reader=wanted, slots=(slot,)), opened.ports(wanted, (slot,)), wait=NO_WAIT)

    def skopeo_pulls(self) -> subprocess.CompletedProcess[str]:
        """Pull with the delivered credential and nothing else."""
        host = self.address.partition("://")[2]
        tls = ["--src-cert-dir", str(Path(self.ca_file).parent)] if self.ca_file else ["--src-tls-verify=false"]
        login = ["--src-authfile", str(self.folder / "docker/config.json")]
        command = ["skopeo", "--insecure-policy", "copy", *tls, *login]
        command += [f"docker://{host}/{REPOSITORY}:v1", f"dir:{self.folder}/pulled"]
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)


def push(address: str, authorization: str, ca_file: str = "") -> None:
    """Put the image into the registry."""
    http = Http(ca_file=ca_file)
    try:
        _push(http, address, authorization)
    finally:
        http.close()


def _push(http: Http, address: str, authorization: str) -> None:
    built, base = build(REPOSITORY, "v1"), f"{address}/v2/{REPOSITORY}"
    headers = {"authorization": authorization, "content-type": "application/octet-stream"}
    for digest, blob in built.blobs.items():
        begun = http.ask("POST", f"{base}/blobs/uploads/", headers=headers)
        done = http.ask("PUT", f"{begun.headers['location']}&digest={digest}", headers=headers, content=blob)
        assert done.status == 201
    headers["content-type"] = built.manifest.media_type
    assert http.ask("PUT", f"{base}/manifests/v1", headers=headers, content=built.manifest.body).status == 201


BASIC = "Basic cmVhZGVyOnJlYWRlci1zZWNyZXQ="  # reader:reader-secret


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER", "reader-secret")


@pytest.fixture
def by_password(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "a registry", "path": str(tmp_path / "htpasswd")}}
    with docker_registry(tmp_path, auth) as host:
        address = f"http://{host}"
        push(address, BASIC)
        yield Running(address=address, folder=tmp_path)


@pytest.fixture
def by_token(tmp_path: Path) -> Iterator[Running]:
    users = {"reader": "reader-secret", "pusher": "pusher-secret"}
    tokens = TokenService(users=users, rights={"reader": {"pull"}, "pusher": {"pull", "push"}})
    (tmp_path / "bundle.pem").write_bytes(tokens.bundle())
    with serve(tokens) as service:
        token = {"realm": f"http://{service.host}/token", "service": SERVICE, "issuer": ISSUER}
        auth = {"token": {**token, "rootcertbundle": str(tmp_path / "bundle.pem")}}
        with docker_registry(tmp_path, auth) as host:
            address = f"http://{host}"
            entry = {"type": "repository", "name": REPOSITORY, "actions": ["pull", "push"]}
            push(address, f"Bearer {tokens.sign('owner', [entry])}")
            yield Running(address=address, folder=tmp_path, token_service=service.host)


@pytest.fixture
def behind_tls(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "authority").mkdir()
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.leaf("localhost")
    (tmp_path / "leaf.pem").write_bytes(certificate)
    (tmp_path / "leaf.key").write_bytes(key)
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted/ca.crt").write_bytes(authority.file.read_bytes())
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "a registry", "path": str(tmp_path / "htpasswd")}}
    tls = {"certificate": str(tmp_path / "leaf.pem"), "key": str(tmp_path / "leaf.key")}
    with docker_registry(tmp_path, auth, name="localhost", tls=tls) as host:
        address = f"https://{host}"
        push(address, BASIC, str(authority.file))
        yield Running(address=address, folder=tmp_path, ca_file=str(tmp_path / "trusted/ca.crt"))


def test_htpasswd(by_password: Running) -> None:
    """A real registry whose every user may push would pass for one with readers."""
    with pytest.raises(ProofFailed, match="may push: 202 the registry began an upload to team/app"):
        by_password.bootstrap()
    assert by_password.skopeo_pulls().returncode != 0
    assert by_password.bootstrap(accept_stronger=True).receipts != ()
    assert (by_password.skopeo_pulls().returncode, (by_password.folder / "pulled/manifest.json").exists()) == (0, True)


def test_token_service(by_token: Running) -> None:
    """A real registry with roles would not be proven, or what was delivered not pull."""
    applied = by_token.bootstrap(image=f"{REPOSITORY}:v1")
    assert applied.proof is not None
    assert (applied.proof.verdict, applied.proof.push.answer) == (Verdict.PROVEN, Answer.DENIED)
    assert by_token.skopeo_pulls().returncode == 0


def test_token_service_and_a_pusher(by_token: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of a real registry who may push would be delivered."""
    monkeypatch.setenv("READER", "pusher-secret")
    with pytest.raises(ProofFailed, match="the token grants pull, push"):
        by_token.bootstrap(username="pusher", image=f"{REPOSITORY}:v1")


def test_a_token_service_that_was_not_named(by_token: Running) -> None:
    """The password would go in the clear to wherever a registry points."""
    with pytest.raises(ProofFailed, match="is not named as an insecure host"):
        by_token.bootstrap(image=f"{REPOSITORY}:v1", insecure_host=())


def test_own_authority(behind_tls: Running) -> None:
    """A registry behind an authority of its own could not be used, or any certificate would be taken."""
    assert behind_tls.bootstrap(accept_stronger=True).receipts != ()
    assert behind_tls.skopeo_pulls().returncode == 0
    with pytest.raises(Unavailable, match="no connection"):
        behind_tls.bootstrap(accept_stronger=True, ca_file="")
