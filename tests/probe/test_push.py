"""The push question, against registries that enforce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from probe.bench import Bench
from probe.registries import REPOSITORY, Azure, DockerHub, Ecr, GitLab, Google, Harbor, Htpasswd, Opaque, Quay, Registry, jwt
from probe.served import Say, error, serve
from pullgrant.model.proof import Answer

Start = Callable[..., Bench]
UPLOADS = f"/v2/{REPOSITORY}/blobs/uploads/"
UPLOAD_RIGHT = "artifactregistry.repositories.uploadArtifacts"
UNSIGNED = "Unauthenticated request. Unauthenticated requests do not have permission"
SHOWING = (Registry, Azure, Harbor, DockerHub, GitLab, Quay)


@pytest.mark.parametrize("kind", SHOWING)
def test_a_token_that_shows_pull_alone_denies_push(bench: Start, kind: type[Registry]) -> None:
    """A good reader would not be proven, or only by an upload."""
    place = bench(kind())
    actions = "pull, scanner-pull" if kind is Harbor else "pull"
    assert place.push(place.credential()) == (Answer.DENIED, f"the token grants {actions} on {REPOSITORY}")
    assert place.site.asked("POST", UPLOADS) == []


@pytest.mark.parametrize("kind", SHOWING)
@pytest.mark.parametrize("right", ["push", "*", "delete"])
def test_a_token_that_shows_more_is_too_wide(bench: Start, kind: type[Registry], right: str) -> None:
    """A credential that may write would be handed to a platform."""
    place = bench(kind())
    place.registry.grant = lambda user, name, asked: {"pull", right}
    answer, words = place.push(place.credential())
    assert (answer, right in words) == (Answer.ALLOWED, True)


@pytest.mark.parametrize("kind", [Registry, GitLab, Harbor])
def test_no_right_at_all_is_no_proof(bench: Start, kind: type[Registry]) -> None:
    """An identity that may do nothing would count as a proven reader."""
    place = bench(kind())
    place.registry.grant = lambda user, name, asked: set()
    assert place.push(place.credential()) == (Answer.UNKNOWN, f"the token grants no right at all on {REPOSITORY}")


@pytest.mark.parametrize("actions", [{"pull", "metadata_read"}, {"scanner-pull"}])
def test_rights_of_unknown_meaning_are_no_proof(bench: Start, actions: set[str]) -> None:
    """A right that nobody looked at would be given away, or a credential that cannot pull be proven."""
    place = bench(Registry())
    place.registry.grant = lambda user, name, asked: actions
    assert place.push(place.credential())[0] == Answer.UNKNOWN


@pytest.mark.parametrize(
    ("entries", "answer"),
    [
        ([{"type": "repository(plugin)", "name": REPOSITORY, "actions": ["pull"]}], Answer.DENIED),
        ([{"type": "repository", "name": "team/other", "actions": ["push"]}], Answer.UNKNOWN),
        ([{"type": "registry", "name": REPOSITORY, "actions": ["pull"]}], Answer.UNKNOWN),
        (
            [
                {"type": "repository", "name": REPOSITORY, "actions": ["pull"]},
                {"type": "repository", "name": REPOSITORY, "actions": ["push"]},
            ],
            Answer.ALLOWED,
        ),
        ([7, {"type": "repository", "name": REPOSITORY, "actions": "pull"}, {}], Answer.UNKNOWN),
        ([{"type": "repository", "name": REPOSITORY, "actions": ["pull", 7]}], Answer.DENIED),
    ],
)
def test_the_entry_of_this_repository_counts(bench: Start, entries: list[Any], answer: Answer) -> None:
    """The rights on another resource would be read as those on this one."""
    place = bench(Registry())
    place.registry.token = lambda seen: Say(body={"token": jwt({"access": entries})})
    assert place.push(place.credential())[0] == answer


def test_words_of_a_token_cannot_steer_a_terminal(bench: Start) -> None:
    """A token service could write into the user's terminal by the names of actions."""
    place = bench(Registry())
    place.registry.grant = lambda user, name, asked: {"pull", "\x1b[2J"}
    assert place.push(place.credential()) == (Answer.UNKNOWN, f"the token grants  [2J, pull on {REPOSITORY}")


def test_google_refuses_the_token(bench: Start) -> None:
    """The way in which Artifact Registry denies push would not be understood."""
    place = bench(Google())
    answer, words = place.push(place.credential())
    assert (answer, words) == (Answer.DENIED, f"token service: 403 DENIED: {place.registry.text}")
    assert place.site.asked("POST", UPLOADS) == []


@pytest.mark.parametrize(
    ("status", "code", "text", "answer"),
    [
        (401, "DENIED", "access forbidden", Answer.DENIED),
        (403, "", f"Permission '{UPLOAD_RIGHT}' denied on resource (or it may not exist).", Answer.DENIED),
        (401, "DENIED", f'{UNSIGNED} "{UPLOAD_RIGHT}" on resource "', Answer.UNKNOWN),
        (401, "UNAUTHORIZED", "authentication required", Answer.UNKNOWN),
        (403, "UNAUTHORIZED", "account disabled", Answer.UNKNOWN),
        (403, "DENIED", "Pushing to protected repository path forbidden", Answer.UNKNOWN),
        (403, "DENIED", "Quota has been exceeded on namespace", Answer.UNKNOWN),
        (404, "DENIED", "registry not enabled", Answer.UNKNOWN),
        (429, "DENIED", "slow down", Answer.UNKNOWN),
        (500, "DENIED", "oops", Answer.UNKNOWN),
    ],
)
def test_what_a_token_service_says(bench: Start, status: int, code: str, text: str, answer: Answer) -> None:
    """A trouble of the token service would prove that push is denied, or a denial would not be believed."""
    place = bench(Google(status=status, code=code, text=text))
    assert place.push(place.credential())[0] == answer


@pytest.mark.parametrize("question", ["token", "upload"])
@pytest.mark.parametrize("kind", [Opaque, Google])
def test_an_opaque_token_of_a_pusher_is_asked_by_upload(bench: Start, kind: type[Registry], question: str) -> None:
    """A credential that may push would pass because its token shows nothing."""
    place = bench(kind())
    answer, words = place.push(place.credential("pusher"), question)
    assert (answer, words) == (Answer.ALLOWED, f"202 the registry began an upload to {REPOSITORY}")
    assert place.registry.uploads == set()


@pytest.mark.parametrize("question", ["token", "upload"])
def test_an_opaque_token_of_a_reader_is_refused_at_the_upload(bench: Start, question: str) -> None:
    """Distribution's refusal, 401 with insufficient_scope, would not count."""
    place = bench(Opaque())
    assert place.push(place.credential(), question) == (
        Answer.DENIED,
        "401 UNAUTHORIZED: authentication required (insufficient_scope)",
    )


def test_a_jwt_without_access_is_opaque(bench: Start) -> None:
    """A token that says nothing of rights would be read as one without rights."""
    place = bench(Registry())
    whole = place.registry.give

    def give(access: dict[str, set[str]]) -> Say:
        whole(access)
        token = jwt({"sub": "reader"})
        place.registry.tokens[token] = access
        return Say(body={"token": token})

    place.registry.give = give
    assert place.push(place.credential())[0] == Answer.DENIED
    assert len(place.site.asked("POST", UPLOADS)) == 1


def test_the_upload_is_asked_without_body_or_query(bench: Start) -> None:
    """The question itself would put content into the registry."""
    place = bench(Opaque())
    place.push(place.credential("pusher"), "upload")
    (asked,) = place.site.asked("POST", UPLOADS)
    assert (asked.body, asked.raw_query, asked.headers["content-length"]) == (b"", "", "0")
    assert place.site.asked("GET", "/token")[0].query["scope"] == [f"repository:{REPOSITORY}:pull,push"]
    assert {seen.method for seen in place.site.seen} == {"GET", "POST", "DELETE"}


def test_an_upload_at_an_absolute_address_is_cancelled(bench: Start) -> None:
    """Unfinished uploads would pile up at registries that answer with a full address."""
    place = bench(Opaque())
    relative = place.registry.location
    place.registry.location = lambda name, upload: f"http://{place.site.host}{relative(name, upload)}"
    assert place.push(place.credential("pusher"), "upload")[0] == Answer.ALLOWED
    assert place.registry.uploads == set()


@pytest.mark.parametrize("location", ["http://{}/x", "//{}/x", "http://[", "http://a b/"])
def test_an_upload_elsewhere_is_left_alone(bench: Start, location: str) -> None:
    """The token would be sent wherever a registry points to."""
    place = bench(Opaque())
    with serve(lambda seen: Say(status=204)) as other:
        place.registry.location = lambda name, upload: location.format(other.host)
        assert place.push(place.credential("pusher"), "upload")[0] == Answer.ALLOWED
    assert (other.seen, [seen for seen in place.site.seen if seen.method == "DELETE"]) == ([], [])


def test_a_cancel_that_fails_changes_nothing(bench: Start) -> None:
    """A registry that does not let uploads be cancelled would hide that push is allowed."""
    place = bench(Opaque())
    place.site.answer = lambda seen: Say(status=500) if seen.method == "DELETE" else place.registry(seen)
    assert place.push(place.credential("pusher"), "upload")[0] == Answer.ALLOWED
    assert len([seen for seen in place.site.seen if seen.method == "DELETE"]) == 1


def test_htpasswd_lets_everybody_push(bench: Start) -> None:
    """A registry that cannot restrict its users would pass as one that does."""
    place = bench(Htpasswd())
    assert [place.push(place.credential(), question)[0] for question in ("token", "upload")] == [Answer.ALLOWED] * 2
    assert place.registry.uploads == set()


@pytest.mark.parametrize("question", ["token", "upload"])
def test_ecr_names_the_missing_right(bench: Start, question: str) -> None:
    """ECR's refusal would not be understood."""
    place = bench(Ecr())
    answer, words = place.push(place.credential("AWS", "aws-password"), question)
    assert (answer, "ecr:InitiateLayerUpload" in words) == (Answer.DENIED, True)


def test_ecr_lets_a_pusher_push(bench: Start) -> None:
    """A caller's wide rights, which an ECR password inherits, would not be seen."""
    place = bench(Ecr(rights={"AWS": {"pull", "push"}}))
    assert place.push(place.credential("AWS", "aws-password"), "upload")[0] == Answer.ALLOWED


@pytest.mark.parametrize(
    ("say", "answer"),
    [
        (error(403, "DENIED", "requested access to the resource is denied"), Answer.DENIED),
        (error(403, "UNAUTHORIZED", "insufficient rights"), Answer.DENIED),
        (error(403, "denied", "permission_denied: write_package"), Answer.DENIED),
        (
            Say(status=403, body=b"User: x is not authorized to perform: ecr:InitiateLayerUpload on resource: y"),
            Answer.DENIED,
        ),
        (error(401, "UNAUTHORIZED", "no", www_authenticate='Basic realm="r"'), Answer.UNKNOWN),
        (error(401, "DENIED", "no", www_authenticate='Basic realm="r",error="invalid_token"'), Answer.UNKNOWN),
        (error(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."), Answer.UNKNOWN),
        (error(403, "DENIED", "Your Authorization Token has expired."), Answer.UNKNOWN),
        (error(403, "DENIED", "Quota has been exceeded on namespace"), Answer.UNKNOWN),
        (error(403, "DENIED", "Pushing to protected repository path forbidden"), Answer.UNKNOWN),
        (error(403, "DENIED", "The system is in read only mode."), Answer.UNKNOWN),
        (error(403, "DENIED", UNSIGNED), Answer.UNKNOWN),
        (Say(status=403, body=b"<html>DENIED</html>", headers={"content-type": "text/html"}), Answer.UNKNOWN),
        (Say(status=403), Answer.UNKNOWN),
        (error(405, "UNSUPPORTED", "The operation is unsupported."), Answer.UNKNOWN),
        (error(404, "NAME_UNKNOWN", "repository name not known to registry"), Answer.UNKNOWN),
        (error(429, "TOOMANYREQUESTS", "slow down"), Answer.UNKNOWN),
        (error(500, "DENIED", "oops"), Answer.UNKNOWN),
        (Say(status=307, headers={"location": "/elsewhere"}), Answer.UNKNOWN),
        (Say(status=202, body={"token": "x" * 64}, cut=True), Answer.UNKNOWN),
        (Say(status=200), Answer.UNKNOWN),
        (Say(status=201), Answer.ALLOWED),
        (Say(status=202), Answer.ALLOWED),
    ],
)
def test_what_a_registry_says_to_an_upload(bench: Start, say: Say, answer: Answer) -> None:
    """A trouble of the registry would prove that push is denied, or a denial would not be believed."""
    place = bench(Htpasswd())
    place.registry.upload = lambda seen, name, upload: say
    assert place.push(place.credential(), "upload")[0] == answer


def test_a_dead_credential_is_no_proof(bench: Start) -> None:
    """A credential that opens nothing would count as one that cannot push."""
    for kind in (Registry, Google, Htpasswd, Ecr):
        place = bench(kind())
        assert place.push(place.credential(secret="gone"))[0] == Answer.UNKNOWN


def test_a_registry_that_did_not_ask_for_the_credential_is_no_proof(bench: Start) -> None:
    """A mirror that takes no uploads from anybody would prove that the credential cannot push."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say() if seen.path == "/v2/" else error(403, "DENIED", "no")
    assert place.push(place.credential()) == (Answer.UNKNOWN, "the credential took no part: 403 DENIED: no")


def test_none_asks_nothing(bench: Start) -> None:
    """A question whose answer means nothing would be asked, and believed."""
    place = bench(Registry())
    answer, words = place.push(place.credential("pusher"), "none")
    assert (answer, words) == (
        Answer.NOT_ASKED,
        "this type of registry cannot tell who may push without being pushed to",
    )
    assert place.site.seen == []


def test_an_unreachable_registry(bench: Start) -> None:
    """A network that is down would raise, or prove that push is denied."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say(status=502)
    assert [place.push(place.credential(), question)[0] for question in ("token", "upload")] == [Answer.UNKNOWN] * 2
