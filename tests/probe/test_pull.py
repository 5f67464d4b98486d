"""The pull question, against registries that enforce."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from probe.bench import Bench
from probe.registries import (
    MANIFEST,
    REPOSITORY,
    Azure,
    DockerHub,
    Ecr,
    GitLab,
    Google,
    Harbor,
    Htpasswd,
    Opaque,
    Quay,
    Registry,
)
from probe.served import Say, Seen, error
from pullgrant.kit.http import Http
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer
from pullgrant.probe import Probe
from pullgrant.secret import Secret

Start = Callable[..., Bench]
PAGE = {"content-type": "text/html; charset=utf-8"}
QUOTA = "Quota has been exceeded on namespace"
UNSIGNED = "Unauthenticated request. Unauthenticated requests do not have permission"
ALL_TOKEN_KINDS = (Registry, Opaque, Google, Azure, Harbor, DockerHub, GitLab, Quay)


@pytest.mark.parametrize("kind", [*ALL_TOKEN_KINDS, Htpasswd])
def test_a_reader_may_pull(bench: Start, kind: type[Registry]) -> None:
    """A good credential would not be proven on this kind of registry."""
    place = bench(kind())
    assert place.pull(place.credential()) == (Answer.ALLOWED, f"200 {MANIFEST['docker-content-digest']}")


@pytest.mark.parametrize("kind", [*ALL_TOKEN_KINDS, Htpasswd, Ecr])
def test_nobody_may_not(bench: Start, kind: type[Registry]) -> None:
    """A private image would count as public, and no proof could ever be made."""
    assert bench(kind()).pull(None)[0] == Answer.DENIED


@pytest.mark.parametrize("kind", [*ALL_TOKEN_KINDS, Htpasswd, Ecr])
def test_a_wrong_secret_may_not(bench: Start, kind: type[Registry]) -> None:
    """A dead credential would count as alive, or its death could not be shown."""
    place = bench(kind())
    assert place.pull(place.credential(secret="gone"))[0] == Answer.DENIED


def test_an_identity_without_rights_gets_a_token_and_is_denied(bench: Start) -> None:
    """A token without rights would be taken for a right."""
    place = bench(Registry())
    place.registry.rights["reader"] = set()
    assert place.pull(place.credential()) == (
        Answer.DENIED,
        "401 UNAUTHORIZED: authentication required (insufficient_scope)",
    )


def test_what_is_asked_and_sent(bench: Start) -> None:
    """The registry would be asked for more than a pull, or be sent the secret instead of the token."""
    place = bench(Registry())
    place.pull(place.credential())
    (asked,) = place.site.asked("GET", "/token")
    (head,) = place.site.asked("HEAD", f"/v2/{REPOSITORY}/manifests/latest")
    assert asked.query == {"service": [place.site.host], "scope": [f"repository:{REPOSITORY}:pull"]}
    assert asked.basic == ("reader", "reader-secret")
    assert head.authorization.startswith("Bearer ")
    assert head.headers["accept"].split(", ") == [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
    assert place.site.asked("GET", "/v2/")[0].authorization == ""


def test_nobody_sends_nothing(bench: Start) -> None:
    """The anonymous question would be asked with a credential."""
    place = bench(Registry())
    place.pull(place.credential())
    place.site.seen.clear()
    place.pull(None)
    assert [seen.basic for seen in place.site.asked("GET", "/token")] == [None]


def test_the_challenge_is_asked_once_per_host(bench: Start) -> None:
    """Each of many questions would cost one more call."""
    place = bench(Registry())
    probe = place.probe()
    for _ in range(3):
        probe.pull(place.image(), place.credential())
    assert len(place.site.asked("GET", "/v2/")) == 1


def test_a_failed_greeting_is_not_kept(bench: Start) -> None:
    """One bad moment would spoil all later questions."""
    place = bench(Registry())
    registry, place.site.answer = place.registry, lambda seen: Say(status=503)
    probe = place.probe()
    first = probe.pull(place.image(), place.credential()).answer
    place.site.answer = registry
    assert (first, probe.pull(place.image(), place.credential()).answer) == (Answer.UNKNOWN, Answer.ALLOWED)


def test_threads_may_share_a_probe(bench: Start) -> None:
    """Questions at the same time would mix up their credentials."""
    place = bench(Registry())
    probe = place.probe()
    callers = [place.credential(), None, place.credential(secret="gone"), place.credential("pusher")] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda caller: probe.pull(place.image(), caller).answer, callers))
    assert answers == [Answer.ALLOWED, Answer.DENIED, Answer.DENIED, Answer.ALLOWED] * 4


@pytest.mark.parametrize("username", ["00000000-0000-0000-0000-000000000000", "<token>"])
def test_a_refresh_token_is_posted(bench: Start, username: str) -> None:
    """A refresh token would be sent as a password, and refused."""
    place = bench(Azure())
    answer, _ = place.pull(place.credential(username, "refresh-reader"))
    (asked,) = place.site.asked("POST", "/token")
    assert (answer, asked.authorization) == (Answer.ALLOWED, "")
    assert asked.form == {
        "grant_type": "refresh_token",
        "service": place.site.host,
        "client_id": "pullgrant",
        "scope": f"repository:{REPOSITORY}:pull",
        "refresh_token": "refresh-reader",
    }


def test_ecr_by_basic(bench: Start) -> None:
    """ECR knows no tokens: its password would not reach it."""
    place = bench(Ecr())
    assert place.pull(place.credential("AWS", "aws-password"))[0] == Answer.ALLOWED


@pytest.mark.parametrize(
    ("say", "answer", "words"),
    [
        (
            error(429, "TOO", "slow", retry_after="7"),
            Answer.UNKNOWN,
            "throttled, to be asked again after 7 s: 429 TOO: slow",
        ),
        (error(429, "TOO", "slow", retry_after="\u00b2"), Answer.UNKNOWN, "throttled: 429 TOO: slow"),
        (Say(status=500, body=b"oops"), Answer.UNKNOWN, "500 oops"),
        (Say(status=404, body=b"nothing here"), Answer.UNKNOWN, "404 nothing here"),
        (
            Say(status=400, body={"error": "invalid_scope", "error_description": "no"}),
            Answer.UNKNOWN,
            "400 INVALID_SCOPE: no",
        ),
        (Say(status=401, body={"details": "wrong"}), Answer.DENIED, "401 wrong"),
        (Say(status=403), Answer.DENIED, "403"),
        (Say(status=403, body=b"<html>", headers=PAGE), Answer.UNKNOWN, "403 a web page"),
        (error(403, "DENIED", QUOTA), Answer.UNKNOWN, f"403 DENIED: {QUOTA}"),
        (error(403, "DENIED", UNSIGNED), Answer.UNKNOWN, f"the credential took no part: 403 DENIED: {UNSIGNED}"),
        (Say(body=b'{"token": "abc'), Answer.UNKNOWN, "200 without a token"),
        (Say(body={"token": "a\nb"}), Answer.UNKNOWN, "200 without a token"),
        (Say(body={"token": "t\u00f6ken"}), Answer.UNKNOWN, "200 without a token"),
        (Say(body={"token": 7, "access_token": ""}), Answer.UNKNOWN, "200 without a token"),
        (Say(body=b"[" * 100_000), Answer.UNKNOWN, "200 without a token"),
        (Say(body=b"<html>sign in</html>"), Answer.UNKNOWN, "200 without a token"),
        (Say(status=418, body={"errors": [7, {"code": 1}, {"code": "x", "detail": "y"}]}), Answer.UNKNOWN, "418 ; X: y"),
    ],
)
def test_what_a_token_service_says(bench: Start, say: Say, answer: Answer, words: str) -> None:
    """A trouble of the token service would count as a denial, or a denial as trouble."""
    place = bench(Registry())
    place.registry.token = lambda seen: say
    assert place.pull(place.credential()) == (answer, f"token service: {words}")


def test_half_a_token_is_no_answer(bench: Start) -> None:
    """A token that was cut on its way would be used."""
    place = bench(Registry())
    place.registry.token = lambda seen: Say(body={"token": "x" * 64}, cut=True)
    answer, words = place.pull(place.credential())
    assert (answer, "no whole answer" in words) == (Answer.UNKNOWN, True)


def test_a_chunked_token(bench: Start) -> None:
    """A token service that does not tell the length of its answers could not be used."""
    place = bench(Registry())
    whole = place.registry.token
    place.registry.token = lambda seen: Say(body=whole(seen).body, chunked=True)
    assert place.pull(place.credential())[0] == Answer.ALLOWED


@pytest.mark.parametrize(
    ("say", "answer", "words"),
    [
        (error(403, "DENIED", "access is denied"), Answer.DENIED, "403 DENIED: access is denied"),
        (Say(status=403), Answer.DENIED, "403"),
        (error(404, "NAME_UNKNOWN", "not known"), Answer.UNKNOWN, "no such image or tag: 404 NAME_UNKNOWN: not known"),
        (error(429, "TOO", "x", retry_after="60"), Answer.UNKNOWN, "throttled, to be asked again after 60 s: 429"),
        (Say(status=503), Answer.UNKNOWN, "503"),
        (Say(status=405), Answer.UNKNOWN, "405"),
        (Say(status=204), Answer.UNKNOWN, "204"),
        (Say(status=403, headers=PAGE), Answer.UNKNOWN, "403 a web page"),
        (Say(status=200, headers=PAGE), Answer.UNKNOWN, "200 from no registry"),
    ],
)
def test_what_a_registry_says(bench: Start, say: Say, answer: Answer, words: str) -> None:
    """A trouble of the registry would count as a denial, or a denial as trouble."""
    place = bench(Registry())
    place.registry.manifest = lambda seen, name, reference: say
    got, spoken = place.pull(place.credential())
    assert (got, spoken[: len(words)]) == (answer, words)


def test_an_invalid_token_is_no_denial(bench: Start) -> None:
    """A clock that is wrong at the registry would prove that a reader may not pull."""
    place = bench(Registry())
    place.registry.manifest = lambda seen, name, reference: place.registry.challenged(why="invalid_token")
    assert place.pull(place.credential()) == (Answer.UNKNOWN, "401 UNAUTHORIZED: authentication required (invalid_token)")


def test_a_web_page_with_a_challenge_is_a_denial(bench: Start) -> None:
    """Registries behind servers that write their refusals in HTML could not deny."""
    place = bench(Registry())
    page = Say(status=401, body=b"<html>", headers={**PAGE, "www-authenticate": 'Basic realm="r"'})
    place.registry.token = lambda seen: page
    assert place.pull(place.credential()) == (Answer.DENIED, "token service: 401 a web page")


def test_a_secret_is_not_sent_where_a_token_was_asked_for(bench: Start) -> None:
    """A registry with a token service could ask for the credential itself, once a token is refused."""
    place = bench(Registry())
    place.registry.manifest = lambda *asked: error(401, "UNAUTHORIZED", "x", www_authenticate='Basic realm="r"')
    assert place.pull(place.credential()) == (Answer.DENIED, "401 UNAUTHORIZED: x")
    assert [seen.path for seen in place.site.seen if seen.basic] == ["/token"]


def test_a_greeting_that_lets_in_asks_for_nothing(bench: Start) -> None:
    """A credential would be sent to where none is asked for."""
    place = bench(Registry())
    challenge = {"www-authenticate": f'Bearer realm="http://{place.site.host}/token"'}
    place.site.answer = lambda seen: Say(headers={**MANIFEST, **challenge})
    assert place.pull(place.credential())[0] == Answer.ALLOWED
    assert [seen.path for seen in place.site.seen if seen.authorization] == []


def test_a_missing_tag_is_unknown(bench: Start) -> None:
    """A mistyped tag would count as a denial."""
    place = bench(Registry())
    assert place.pull(place.credential(), reference="nope") == (
        Answer.UNKNOWN,
        "no such image or tag: 404 MANIFEST_UNKNOWN: manifest unknown",
    )


def test_words_are_those_of_the_same_answer(bench: Start) -> None:
    """The words of another answer would stand beside a denial."""
    place = bench(Registry())
    place.registry.manifest = lambda seen, name, reference: Say(status=403 if seen.method == "HEAD" else 500, body=b"oops")
    assert place.pull(place.credential()) == (Answer.DENIED, "403")


def test_an_unreachable_registry(http: Http) -> None:
    """A network that is down would raise, or count as a denial."""
    image = Image(host="127.0.0.1:1", repository=REPOSITORY)
    outcome = Probe(http, insecure_hosts=frozenset({"127.0.0.1:1"})).pull(image, None)
    assert outcome.answer == Answer.UNKNOWN
    assert outcome.words.startswith("GET http://127.0.0.1:1/v2/: no connection (ConnectError")


@pytest.mark.parametrize(
    "say",
    [
        Say(status=404, body=b"no registry here"),
        Say(status=401),
        Say(status=401, headers={"www-authenticate": 'Negotiate abc=, Bearer service="no realm"'}),
        Say(status=403),
        Say(status=500),
    ],
)
def test_what_is_no_registry(bench: Start, say: Say) -> None:
    """Something that is no registry would deny."""
    place = bench(Registry())
    place.site.answer = lambda seen: say
    answer, words = place.pull(place.credential())
    assert (answer, "did not answer as a registry" in words) == (Answer.UNKNOWN, True)


def test_an_open_registry(bench: Start) -> None:
    """A registry without sign-in could not be asked."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say(headers=MANIFEST)
    assert place.pull(None)[0] == Answer.ALLOWED


def test_an_open_greeting_before_a_private_repository(bench: Start) -> None:
    """Registries that greet everybody could not be asked for what is private."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say() if seen.path == "/v2/" else place.registry(seen)
    assert [place.pull(caller)[0] for caller in (place.credential(), None)] == [Answer.ALLOWED, Answer.DENIED]


def test_a_refusal_that_did_not_see_the_credential(bench: Start) -> None:
    """A registry that never asked for the credential would prove it powerless."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say() if seen.path == "/v2/" else error(403, "DENIED", "no")
    assert place.pull(place.credential()) == (Answer.UNKNOWN, "the credential took no part: 403 DENIED: no")


@dataclass
class Renaming(Registry):
    """A registry that knows its repositories under longer names, and says so in its challenge only."""

    asks: str = "repository:mirror/team/app:pull,push"

    def refusal(self, seen: Seen, name: str, needed: str) -> Say | None:
        if "pull" in (self.actions(seen, f"mirror/{name}") or set()):
            return None
        return self.challenged(scope=self.asks)


def test_another_scope_is_asked_once(bench: Start) -> None:
    """A registry with longer names could not be asked, or more than a pull would be asked for."""
    place = bench(Renaming())
    place.registry.repositories.add("mirror/team/app")
    assert place.pull(place.credential())[0] == Answer.ALLOWED
    assert [seen.query["scope"] for seen in place.site.asked("GET", "/token")] == [
        [f"repository:{REPOSITORY}:pull"],
        ["repository:mirror/team/app:pull"],
    ]


def test_a_denial_after_another_scope_is_a_denial(bench: Start) -> None:
    """A registry that always asks for another scope would be asked for ever."""
    place = bench(Renaming())
    assert place.pull(place.credential())[0] == Answer.DENIED
    assert len(place.site.asked("GET", "/token")) == 2


def test_a_scope_of_another_kind_is_not_asked(bench: Start) -> None:
    """A registry could make us ask for its whole catalogue, or for nothing but a push."""
    place = bench(Renaming(asks="registry:catalog:pull repository:team/other:push"))
    assert place.pull(place.credential())[0] == Answer.DENIED
    assert len(place.site.asked("GET", "/token")) == 1


def test_names_with_a_port_and_digests(bench: Start) -> None:
    """A repository whose name holds a host and port, or a digest as reference, would be asked for wrongly."""
    digest = MANIFEST["docker-content-digest"]
    place = bench(Registry(repositories={"up.example:5000/app"}, tags=(digest,)))
    answer, _ = place.pull(place.credential(), repository="up.example:5000/app", reference=digest)
    paths = [seen.path for seen in place.site.seen if seen.method == "HEAD"]
    assert (answer, paths) == (Answer.ALLOWED, [f"/v2/up.example:5000/app/manifests/{digest}"])


def test_a_credential_goes_to_its_own_registry_only(bench: Start) -> None:
    """A credential of one registry would be shown to another."""
    place = bench(Registry())
    other = Credential(server="us.gcr.io", username="reader", secret=Secret("reader-secret"))
    assert place.pull(other) == (Answer.UNKNOWN, f"the credential is for us.gcr.io: not sent to {place.site.host}")
    assert place.site.seen == []


@pytest.mark.parametrize("shown", [str, json.dumps, lambda text: base64.b64encode(f"reader:{text}".encode()).decode()])
def test_a_secret_that_is_repeated_is_not_shown(bench: Start, shown: Callable[[str], str]) -> None:
    """A registry that repeats the secret in its refusal would bring it into the journal."""
    secret = 'p"ss\nword-of-the-reader'
    place = bench(Registry())
    place.registry.token = lambda seen: Say(status=401, body=f"wrong: {shown(secret)}".encode())
    outcome = place.probe().pull(place.image(), place.credential(secret=secret))
    assert (outcome.answer, outcome.words.replace('"', "")) == (Answer.DENIED, "token service: 401 wrong: ***")


def test_a_token_that_is_repeated_is_not_shown(bench: Start) -> None:
    """A registry that repeats the token in its refusal would bring it into the journal."""
    place = bench(Opaque())
    place.registry.manifest = lambda seen, name, reference: Say(status=403, body=f"no: {seen.authorization[7:]}".encode())
    assert place.pull(place.credential()) == (Answer.DENIED, "403 no: ***")


def test_words_cannot_steer_a_terminal(bench: Start) -> None:
    """A registry could clear the user's screen or forge lines of our output."""
    place = bench(Registry())
    place.registry.token = lambda seen: Say(status=401, body=b"a\x1b[2Jb\r\nc")
    assert place.pull(place.credential()) == (Answer.DENIED, "token service: 401 a [2Jb c")


def test_no_cookie_signs_in_the_next_caller(bench: Start) -> None:
    """The anonymous question would be asked with the session of the credential before it."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say(
        status=(said := place.registry(seen)).status,
        body=said.body,
        headers={**said.headers, "set-cookie": "sid=reader; Path=/"},
    )
    place.pull(place.credential())
    place.pull(None)
    assert [seen.headers.get("cookie") for seen in place.site.seen if "cookie" in seen.headers] == []
