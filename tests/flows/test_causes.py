"""What a walk at each kind of registry comes to; the registries enforce, and refuse in their vendors' words."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from probe.bench import Bench
from probe.registries import Azure, DockerHub, Ecr, Google, Harbor, Htpasswd, Opaque, Quay, Registry
from probe.served import Say, error, serve
from pullgrant.flows.causes import Cause, cause_of
from pullgrant.kit.http import Http
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer, Outcome

BEARER = (Registry, Opaque, Google, Azure, DockerHub, Quay)


@pytest.fixture
def bench() -> Iterator:
    http = Http(timeout=2.0)
    with ExitStack() as stack:
        stack.callback(http.close)

        def start(registry: Registry) -> Bench:
            site = stack.enter_context(serve(registry))
            registry.host = site.host
            return Bench(http=http, site=site, registry=registry, insecure=frozenset({site.host}))

        yield start


def cause(place: Bench, credential, **image: str) -> Cause | None:
    return cause_of(place.probe().walk(place.image(**image), credential), signed=credential is not None)


def theirs(place: Bench, secret: str = ""):
    if isinstance(place.registry, Ecr):
        return place.credential("AWS", secret or "aws-password")
    return place.credential(secret=secret)


@pytest.mark.parametrize("kind", [*BEARER, Harbor, Htpasswd, Ecr])
def test_a_pull_that_works_has_no_cause(bench, kind):
    """A healthy pull would be given a cause."""
    place = bench(kind())
    assert cause(place, theirs(place)) is None


@pytest.mark.parametrize("kind", [*BEARER, Htpasswd, Ecr])
def test_a_wrong_secret(bench, kind):
    """A dead credential would be taken for a missing permission, and renewing it not be advised."""
    place = bench(kind())
    assert cause(place, theirs(place, "wrong")) is Cause.DEAD_CREDENTIAL


@pytest.mark.parametrize("kind", [*BEARER, Harbor, Htpasswd, Ecr])
def test_no_credential(bench, kind):
    """That a credential is needed would be taken for a dead one."""
    assert cause(bench(kind()), None) is Cause.NO_CREDENTIAL


@pytest.mark.parametrize("kind", [Registry, Opaque, DockerHub, Harbor, Quay])
def test_a_repository_that_the_credential_may_not_pull(bench, kind):
    """A missing permission would be taken for a dead credential."""
    place = bench(kind())
    place.registry.rights["reader"] = set()
    assert cause(place, theirs(place)) is Cause.NO_PERMISSION


def test_a_token_call_that_is_refused(bench):
    """Artifact Registry's refusal at the token service would be taken for trouble."""
    place = bench(Google())
    place.registry.token = lambda seen: error(403, "DENIED", 'Permission "...downloadArtifacts" denied on resource "r"')
    assert cause(place, theirs(place)) is Cause.NO_PERMISSION


def test_a_dead_token_of_ecr_is_no_missing_permission(bench):
    """After twelve hours the user would be sent to IAM, where nothing is wrong."""
    place = bench(Ecr())
    place.registry.rights["AWS"] = set()
    assert cause(place, theirs(place)) is Cause.NO_PERMISSION
    dead = "Your authorization token has expired. Reauthenticate and try again."
    place.registry.denied = error(403, "DENIED", dead)
    assert cause(place, theirs(place)) is Cause.DEAD_CREDENTIAL


@pytest.mark.parametrize("kind", [*BEARER, Htpasswd, Ecr])
def test_a_tag_that_is_not_there(bench, kind):
    """A typing error in a tag would be taken for a missing permission."""
    place = bench(kind())
    assert cause(place, theirs(place), reference="nothing") is Cause.NO_IMAGE


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("where", ["/v2/", "/token", "manifest"])
def test_a_registry_that_is_down_or_limits(bench, status, where):
    """A passing trouble would make somebody replace a good credential."""
    place = bench(Registry())
    answer = place.registry
    place.site.answer = lambda seen: Say(status=status) if seen.path == where or where in seen.path else answer(seen)
    if where == "manifest":
        place.site.answer = lambda seen: Say(status=status) if "/manifests/" in seen.path else answer(seen)
    assert cause(place, theirs(place)) is Cause.REGISTRY


def test_a_host_that_is_no_registry(bench):
    """A web site in the image's name would be taken for a registry that is down."""
    place = bench(Registry())
    place.site.answer = lambda seen: Say(status=404, body=b"<html>", headers={"content-type": "text/html"})
    assert cause(place, theirs(place)) is Cause.WRONG_HOST


def test_a_token_that_the_registry_does_not_know(bench):
    """A registry at odds with its token service would look like a dead credential."""
    place = bench(Registry())
    place.registry.manifest = lambda *asked: place.registry.challenged(why="invalid_token")
    assert cause(place, theirs(place)) is Cause.REGISTRY


def test_a_token_service_that_may_not_be_asked(bench):
    """A registry that names a token service in this network would look like a dead credential."""
    place = bench(Registry(realm="https://127.0.0.1:1/token"))
    assert cause(place, theirs(place)) is Cause.REGISTRY


def test_nobody_listens(bench):
    """A refused connection would be taken for a wrong name."""
    place = bench(Registry())
    image = Image(host="127.0.0.1:1", repository="a")
    assert cause_of(place.probe().walk(image, None), signed=False) is Cause.REGISTRY


@dataclass(frozen=True)
class Stop:
    """A last stage, by hand."""

    stage: str
    outcome: Outcome
    status: int = 0


@pytest.mark.parametrize(
    "words",
    [
        "[Errno -2] Name or service not known",
        "[Errno 8] nodename nor servname provided, or not known",
        "[Errno 11001] getaddrinfo failed",
        "[Errno -5] No address associated with hostname",
    ],
)
def test_a_name_that_nobody_has(words):
    """A typing error in the host would be taken for a registry that is down."""
    step = Stop("reach", Outcome(answer=Answer.UNKNOWN, words=f"GET https://x/v2/: no connection (ConnectError: {words})"))
    assert cause_of([step], signed=False) is Cause.WRONG_HOST
