"""What an image comes to, and the command that makes a reader for it."""

import pytest

from pullgrant.model.image import parse_image
from pullgrant.model.proof import Answer, Outcome
from pullgrant.resolve.suggest import bootstrap_for
from pullgrant.resolve.verdict import State, resolved

ALLOWED, DENIED = Outcome(answer=Answer.ALLOWED), Outcome(answer=Answer.DENIED, words="403")
UNKNOWN = Outcome(answer=Answer.UNKNOWN, words="no connection")
EVERY = ("azure", "dockerhub", "ecr", "gcp", "ghcr", "gitlab", "private", "quay")


@pytest.mark.parametrize(
    ("text", "readers", "anonymous", "state"),
    [
        ("gcr.io/demo/app", ["gcp:x"], DENIED, State.COVERED),
        ("gcr.io/demo/app", ["gcp:x"], None, State.COVERED),
        ("gcr.io/demo/app", ["gcp:x"], ALLOWED, State.PUBLIC),
        ("gcr.io/demo/app", [], DENIED, State.UNCOVERED),
        ("gcr.io/demo/app", [], UNKNOWN, State.UNKNOWN),
        ("gcr.io/demo/app", [], None, State.UNKNOWN),
        ("acr.us-east-1.akka.io/o/p/app:1", [], None, State.BUILT_IN),
    ],
)
def test_states(text, readers, anonymous, state):
    """A private image without reader would be called fine, or a public one be said to need a credential."""
    assert resolved(parse_image(text), [], readers, anonymous).state is state


def test_docker_hubs_shared_allowance_is_said():
    """A user of a platform would rely on an allowance that its neighbours use up."""
    found = resolved(parse_image("nginx"), [], [], ALLOWED)
    assert (found.state, ["share" in remark for remark in found.remarks]) == (State.PUBLIC, [True])
    assert resolved(parse_image("gcr.io/a/b"), [], [], ALLOWED).remarks == ()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("eu.gcr.io/demo/app", "gcp.bootstrap --project demo --registry eu.gcr.io"),
        ("gcr.io/example.com/demo/app", "gcp.bootstrap --project example.com:demo --registry gcr.io"),
        (
            "us-docker.pkg.dev/demo/repo/app",
            "gcp.bootstrap --project demo --registry us-docker.pkg.dev/demo/repo",
        ),
        ("acme.azurecr.io/app", "azure.bootstrap --registry acme.azurecr.io"),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app",
            "ecr.bootstrap --region eu-west-1 --registry-id 123456789012 --repository team/app",
        ),
        ("acme/app", "dockerhub.bootstrap --organization acme --repository app"),
        ("nginx", "dockerhub.bootstrap --organization ORGANIZATION --repository REPOSITORY"),
        ("ghcr.io/acme/app", "ghcr.bootstrap --owner acme --token env:NAME"),
        ("registry.gitlab.com/acme/web/app", "gitlab.bootstrap --project acme/web"),
        ("quay.io/acme/app", "quay.bootstrap --organization acme --repository app"),
        (
            "reg.example:5000/a/b:v1",
            "private.bootstrap --server https://reg.example:5000 --username USER --password env:NAME --image a/b:v1",
        ),
        (
            "gcr.io.evil.example/demo/app",
            "private.bootstrap --server https://gcr.io.evil.example --username USER --password env:NAME --image demo/app:latest",
        ),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example/app",
            "private.bootstrap --server https://123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example "
            "--username USER --password env:NAME --image app:latest",
        ),
    ],
)
def test_the_command_for_an_image(text, command):
    """The command shown would fail, or send a credential to a look-alike."""
    assert bootstrap_for(parse_image(text), EVERY) == f"pullgrant {command}"


def test_a_provider_that_is_not_there_is_not_named():
    """A command would be shown that does not exist."""
    assert bootstrap_for(parse_image("quay.io/a/b"), ("gcp", "private")).startswith("pullgrant private.bootstrap")
