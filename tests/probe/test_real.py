"""The probe against the real registry program, with htpasswd and with token authentication."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from probe.distribution import ISSUER, SERVICE, TokenService, push_image, uploads_left
from probe.served import Site, serve
from pullgrant.kit.http import Http, Reply
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer
from pullgrant.probe import Probe
from pullgrant.probe.token import basic
from pullgrant.secret import Secret
from servers import docker_registry

pytestmark = pytest.mark.real
REPOSITORY = "team/app"
HTPASSWD = "reader:$2b$05$abcdefghijklmnopqrstuu8wfpWPKiFbOv2YUtr.E7lRfKvC0ot9a\n"  # bcrypt of reader-secret


class Watched(Http):
    """A client that remembers its calls. What Distribution 2.8 keeps on disk after a 204 to DELETE is its own affair."""

    def __init__(self) -> None:
        super().__init__(timeout=2.0)
        self.calls: list[tuple[str, int]] = []

    def ask(self, method: str, url: str, **more: Any) -> Reply:
        reply = super().ask(method, url, **more)
        self.calls.append((method, reply.status))
        return reply

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True)
class Real:
    """A running registry with one image."""

    http: Http
    host: str
    folder: Path
    digest: str
    service: Site | None = None

    def probe(self, push_question: Any = "token") -> Probe:
        hosts = {self.host, self.service.host} if self.service else {self.host}
        return Probe(self.http, push_question=push_question, insecure_hosts=frozenset(hosts))

    def image(self, repository: str = REPOSITORY, reference: str = "latest") -> Image:
        return Image(host=self.host, repository=repository, reference=reference)

    def credential(self, username: str, secret: str = "") -> Credential:
        return Credential(server=self.host, username=username, secret=Secret(secret or f"{username}-secret"))


@pytest.fixture
def by_password(http: Http, tmp_path: Path) -> Iterator[Real]:
    """Distribution with htpasswd."""
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "a registry", "path": str(tmp_path / "htpasswd")}}
    with docker_registry(tmp_path, auth) as host:
        reader = Credential(server=host, username="reader", secret=Secret("reader-secret"))
        digest = push_image(http, host, REPOSITORY, {"authorization": basic(reader).reveal()})
        yield Real(http=http, host=host, folder=tmp_path, digest=digest)


@pytest.fixture
def by_token(http: Http, tmp_path: Path) -> Iterator[Real]:
    """Distribution with a token service."""
    tokens = TokenService(
        users={"reader": "reader-secret", "pusher": "pusher-secret", "owner": "owner-secret"},
        rights={"reader": {"pull"}, "pusher": {"pull", "push"}, "owner": {"pull", "push", "delete"}},
    )
    (tmp_path / "bundle.pem").write_bytes(tokens.bundle())
    with serve(tokens) as service:
        auth = {
            "token": {
                "realm": f"http://{service.host}/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(tmp_path / "bundle.pem"),
            }
        }
        with docker_registry(tmp_path, auth) as host:
            entry = {"type": "repository", "name": REPOSITORY, "actions": ["pull", "push"]}
            digest = push_image(http, host, REPOSITORY, {"authorization": f"Bearer {tokens.sign('owner', [entry])}"})
            yield Real(http=http, host=host, folder=tmp_path, digest=digest, service=service)


def test_pull_with_a_password(by_password: Real) -> None:
    """A real registry with passwords would be misread."""
    probe = by_password.probe()
    assert probe.pull(by_password.image(), by_password.credential("reader")).answer == Answer.ALLOWED
    assert probe.pull(by_password.image(), None).answer == Answer.DENIED
    assert probe.pull(by_password.image(), by_password.credential("reader", "wrong")).answer == Answer.DENIED
    missing = probe.pull(by_password.image(reference="none"), by_password.credential("reader"))
    assert (missing.answer, missing.words) == (
        Answer.UNKNOWN,
        "no such image or tag: 404 MANIFEST_UNKNOWN: manifest unknown",
    )


def test_push_with_a_password(by_password: Real) -> None:
    """A registry that cannot restrict its users would pass, or what the question began would not be cancelled."""
    with Watched() as http:
        probe = Probe(http, insecure_hosts=frozenset({by_password.host}))
        outcome = probe.push(by_password.image(), by_password.credential("reader"))
    assert outcome.answer == Answer.ALLOWED
    assert http.calls == [("GET", 401), ("POST", 202), ("DELETE", 204)]


def test_pull_with_a_token(by_token: Real) -> None:
    """A real registry with tokens would be misread."""
    probe = by_token.probe()
    for reference in ("latest", by_token.digest):
        outcome = probe.pull(by_token.image(reference=reference), by_token.credential("reader"))
        assert (outcome.answer, outcome.words) == (Answer.ALLOWED, f"200 {by_token.digest}")
    assert probe.pull(by_token.image(), None).answer == Answer.DENIED
    assert probe.pull(by_token.image(), by_token.credential("reader", "wrong")).answer == Answer.DENIED
    assert probe.tags(by_token.host, REPOSITORY, by_token.credential("reader")) == ("latest",)


@pytest.mark.parametrize("question", ["token", "upload"])
def test_push_with_a_token(by_token: Real, question: str) -> None:
    """A real registry's refusal would not be understood, or its permission not be seen."""
    probe = by_token.probe(question)
    answers = {user: probe.push(by_token.image(), by_token.credential(user)).answer for user in ("reader", "pusher")}
    assert answers == {"reader": Answer.DENIED, "pusher": Answer.ALLOWED}


def test_a_question_by_token_begins_no_upload(by_token: Real) -> None:
    """The question would leave something in the registry."""
    before = uploads_left(by_token.folder)
    by_token.probe().push(by_token.image(), by_token.credential("pusher"))
    assert uploads_left(by_token.folder) == before


def test_a_token_that_the_registry_does_not_believe(by_token: Real) -> None:
    """A registry and a token service that fell out would prove a reader powerless."""
    assert by_token.service is not None
    stranger = TokenService(users={"reader": "reader-secret"}, rights={"reader": {"pull"}})
    by_token.service.answer = stranger
    outcome = by_token.probe().pull(by_token.image(), by_token.credential("reader"))
    assert (outcome.answer, "invalid_token" in outcome.words) == (Answer.UNKNOWN, True)
