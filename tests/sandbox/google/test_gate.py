"""The gate of gcr.io and Artifact Registry: who may do what, and each reason for a no."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.country import Gate, Visitor
from sandbox.google.talk import GCR, Talk, good

READER = "roles/artifactregistry.reader"
READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
BUCKET = "/storage/v1/b/artifacts.legacy.appspot.com/iam"


@pytest.fixture
def gate(talk: Talk) -> Gate:
    """The gate."""
    return talk.google.gates()[0]


def file_of(key: dict[str, Any]) -> str:
    """Return a key's file."""
    return base64.b64decode(key["privateKeyData"]).decode()


def enter(talk: Talk, gate: Gate, project: str = "demo") -> tuple[dict[str, Any], Visitor]:
    """Return a new account, signed in with a key."""
    account = talk.account(project=project)
    visitor = gate.sign_in("gcr.io", "_json_key", file_of(talk.key(account)))
    assert visitor is not None
    return account, visitor


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("gcr.io", True),
        ("us.gcr.io", True),
        ("asia.gcr.io", True),
        ("europe-west1-docker.pkg.dev", True),
        ("us-docker.pkg.dev", True),
        ("af.gcr.io", False),
        ("us.gcr.io.evil.example", False),
        ("evilgcr.io", False),
        ("x.us.gcr.io", False),
        ("evil.example/x-docker.pkg.dev", False),
        ("-docker.pkg.dev", False),
        ("a.b-docker.pkg.dev", False),
        ("us-docker.pkg.dev\n", False),
    ],
)
def test_hosts(gate: Gate, host: str, served: bool) -> None:
    """The gate would answer for a host that is not Google's, or not for one that is."""
    assert gate.serves(host) is served


def test_images(gate: Gate) -> None:
    """An image would be missing at one of the hosts that serve it."""
    gcr = gate.images("gcr.io")
    assert {name for name in gcr if name.startswith("demo/")} == {"demo/app", "demo/other"}
    assert {name for name in gcr if name.startswith("legacy/")} == {"legacy/app", "legacy/other"}
    assert not any(name.startswith("empty/") for name in gcr)
    assert gate.images("us-docker.pkg.dev")["demo/private/secret"] == ("v1",)
    assert gate.images("us-docker.pkg.dev")["demo/gcr.io/app"] == ("v1",)
    assert "legacy/app" not in gate.images("eu.gcr.io")
    assert gate.images("quay.io") == {}


def test_narrow_reader(talk: Talk, gate: Gate) -> None:
    """A reader of one repository could push, or reach another repository."""
    account, visitor = enter(talk, gate)
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()
    talk.bind(READER, f"serviceAccount:{account['email']}")
    assert gate.actions("gcr.io", visitor, "demo/app") == {"pull"}
    assert gate.actions("us-docker.pkg.dev", visitor, "demo/gcr.io/app") == {"pull"}
    assert gate.actions("us-docker.pkg.dev", visitor, "demo/private/secret") == frozenset()
    assert gate.actions("us.gcr.io", visitor, "demo/app") == frozenset()
    assert gate.actions("gcr.io", visitor, "locked/app") == frozenset()


def test_project_reader(talk: Talk, gate: Gate) -> None:
    """A reader of a project could not reach all of its repositories, or could push."""
    account, visitor = enter(talk, gate)
    talk.bind(READER, f"serviceAccount:{account['email']}", "/v3/projects/demo", "crm")
    reached = [
        gate.actions("gcr.io", visitor, "demo/app"),
        gate.actions("us-docker.pkg.dev", visitor, "demo/private/secret"),
    ]
    assert reached == [{"pull"}, {"pull"}]
    assert gate.actions("gcr.io", visitor, "empty/app") == frozenset()


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("roles/viewer", {"pull"}),
        ("roles/artifactregistry.writer", {"pull", "push"}),
        ("roles/artifactregistry.repoAdmin", {"pull", "push", "delete"}),
        ("roles/artifactregistry.admin", {"pull", "push", "delete"}),
        ("roles/editor", {"pull", "push", "delete"}),
        ("roles/owner", {"pull", "push", "delete"}),
        ("roles/storage.objectViewer", set()),
        ("roles/storage.admin", set()),
        ("roles/browser", set()),
        ("roles/iam.serviceAccountTokenCreator", set()),
    ],
)
def test_roles(talk: Talk, gate: Gate, role: str, allowed: set[str]) -> None:
    """A wrong role would pass for a reader's."""
    account, visitor = enter(talk, gate)
    talk.bind(role, f"serviceAccount:{account['email']}", "/v3/projects/demo", "crm")
    assert gate.actions("gcr.io", visitor, "demo/app") == allowed


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("roles/storage.objectViewer", {"pull"}),
        ("roles/storage.objectAdmin", {"pull", "push", "delete"}),
        ("roles/storage.admin", {"pull", "push", "delete"}),
        ("roles/storage.legacyBucketReader", set()),
        ("roles/artifactregistry.reader", set()),
    ],
)
def test_bucket_roles(talk: Talk, gate: Gate, role: str, allowed: set[str]) -> None:
    """A role on a bucket would open more or less than the old registry opens for it."""
    account, visitor = enter(talk, gate, "legacy")
    policy = good(talk.get("storage", BUCKET))
    binding = {"role": role, "members": [f"serviceAccount:{account['email']}"]}
    good(talk.send("PUT", "storage", BUCKET, policy | {"bindings": [*policy["bindings"], binding]}))
    assert gate.actions("gcr.io", visitor, "legacy/app") == allowed
    assert gate.actions("eu.gcr.io", visitor, "legacy/app") == frozenset()


def test_owners_of_a_project_own_its_buckets(talk: Talk, gate: Gate) -> None:
    """The operator, an owner, could not pull what its own bucket holds."""
    visitor = gate.sign_in("gcr.io", "oauth2accesstoken", talk.token)
    assert gate.actions("gcr.io", visitor, "legacy/app") == {"pull", "push", "delete"}
    assert gate.actions("gcr.io", visitor, "denied/app") == frozenset()


def test_anonymous(gate: Gate) -> None:
    """Somebody without a credential could pull what is private, or could not pull what is public, or could push."""
    assert gate.actions("gcr.io", None, "demo/app") == frozenset()
    assert gate.actions("gcr.io", None, "public/app") == {"pull"}
    assert gate.actions("gcr.io", None, "legacy/app") == frozenset()


@pytest.mark.parametrize("username", ["_json_key", "_json_key_base64"])
def test_key_forms(talk: Talk, gate: Gate, username: str) -> None:
    """One of the two forms of a key would not sign in, or would be taken for the other."""
    file = file_of(talk.key(talk.account()))
    encoded = base64.b64encode(file.encode()).decode()
    good_one, bad_one = (file, encoded) if username == "_json_key" else (encoded, file)
    assert gate.sign_in("gcr.io", username, good_one) is not None
    assert gate.sign_in("gcr.io", username, bad_one) is None


def test_reformatted_key(talk: Talk, gate: Gate) -> None:
    """A key file whose line ends or spaces a tool has changed would be refused."""
    file = json.loads(file_of(talk.key(talk.account())))
    assert gate.sign_in("gcr.io", "_json_key", json.dumps(file)) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("private_key_id", "0" * 40),
        ("client_email", "absent@demo.iam.gserviceaccount.com"),
        ("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("type", "authorized_user"),
    ],
)
def test_forged_keys(talk: Talk, gate: Gate, field: str, value: str) -> None:
    """A key file with a wrong part would sign in."""
    file = json.loads(file_of(talk.key(talk.account())))
    assert gate.sign_in("gcr.io", "_json_key", json.dumps(file | {field: value})) is None


def test_private_half_of_another_key(talk: Talk, gate: Gate) -> None:
    """A key id would be enough, whatever private key stands beside it."""
    account = talk.account()
    first, second = (json.loads(file_of(talk.key(account))) for _ in range(2))
    assert gate.sign_in("gcr.io", "_json_key", json.dumps(first | {"private_key": second["private_key"]})) is None


@pytest.mark.parametrize("password", ["", "{}", "[]", "null", "not json", '"x"'])
def test_what_is_no_key(gate: Gate, password: str) -> None:
    """Rubbish would sign in."""
    assert gate.sign_in("gcr.io", "_json_key", password) is None
    assert gate.sign_in("gcr.io", "_json_key_base64", password) is None
    assert gate.sign_in("gcr.io", "oauth2accesstoken", password) is None


def test_other_user_names(talk: Talk, gate: Gate) -> None:
    """A key would sign in under any user name."""
    file = file_of(talk.key(talk.account()))
    assert [gate.sign_in("gcr.io", name, file) for name in ("", "_token", "docker-reader", "oauth2accesstoken")] == [
        None
    ] * 4


def test_disabled_key(talk: Talk, gate: Gate) -> None:
    """A disabled key would sign in, or an enabled one would not."""
    key = talk.key(talk.account())
    good(talk.post("iam", f"/v1/{key['name']}:disable", {}))
    assert gate.sign_in("gcr.io", "_json_key", file_of(key)) is None
    good(talk.post("iam", f"/v1/{key['name']}:enable", {}))
    assert gate.sign_in("gcr.io", "_json_key", file_of(key)) is not None


def test_deleted_key_and_its_token(talk: Talk, gate: Gate) -> None:
    """A deleted key would sign in, or take with it the tokens that Google lets live on."""
    account = talk.account()
    key, token = talk.key(account), talk.access_token(account)
    good(talk.send("DELETE", "iam", f"/v1/{key['name']}"))
    assert gate.sign_in("gcr.io", "_json_key", file_of(key)) is None
    assert gate.sign_in("gcr.io", "oauth2accesstoken", token) is not None


def test_disabled_account(talk: Talk, gate: Gate) -> None:
    """Keys and tokens of a disabled account would sign in, or not come back when it is enabled."""
    account = talk.account()
    file, token = file_of(talk.key(account)), talk.access_token(account)
    entries = (("_json_key", file), ("oauth2accesstoken", token))
    good(talk.post("iam", f"/v1/{account['name']}:disable", {}))
    assert [gate.sign_in("gcr.io", *entry) for entry in entries] == [None, None]
    good(talk.post("iam", f"/v1/{account['name']}:enable", {}))
    assert None not in [gate.sign_in("gcr.io", *entry) for entry in entries]


def test_token_ends(talk: Talk, gate: Gate) -> None:
    """An access token would live longer than its hour."""
    token = talk.access_token(talk.account())
    talk.world.advance(timedelta(minutes=59))
    assert gate.sign_in("gcr.io", "oauth2accesstoken", token) is not None
    talk.world.advance(timedelta(minutes=2))
    assert gate.sign_in("gcr.io", "oauth2accesstoken", token) is None


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("https://www.googleapis.com/auth/cloud-platform", {"pull", "push"}),
        ("https://www.googleapis.com/auth/cloud-platform.read-only", {"pull"}),
        (READ_ONLY, {"pull"}),
        ("https://www.googleapis.com/auth/userinfo.email", set()),
    ],
)
def test_scopes_narrow(talk: Talk, gate: Gate, scope: str, allowed: set[str]) -> None:
    """A token of a narrow scope would do all that its account may."""
    account = talk.account()
    talk.bind("roles/artifactregistry.writer", f"serviceAccount:{account['email']}")
    visitor = gate.sign_in("gcr.io", "oauth2accesstoken", talk.access_token(account, scopes=(scope,)))
    assert gate.actions("gcr.io", visitor, "demo/app") == allowed


def test_conditions(talk: Talk, gate: Gate) -> None:
    """A condition that has ended, or that the fake does not understand, would grant."""
    account, visitor = enter(talk, gate)
    until = f"{talk.world.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"

    def bind(expression: str) -> None:
        policy = good(talk.get("ar", f"{GCR}:getIamPolicy?options.requestedPolicyVersion=3"))
        condition = {"title": "t", "expression": expression}
        bound = {"role": READER, "members": [f"serviceAccount:{account['email']}"], "condition": condition}
        good(talk.post("ar", f"{GCR}:setIamPolicy", {"policy": policy | {"version": 3, "bindings": [bound]}}))

    bind("true || false")
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()
    bind(f'request.time < timestamp("{until}")')
    assert gate.actions("gcr.io", visitor, "demo/app") == {"pull"}
    talk.world.advance(timedelta(hours=2))
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()


def test_deleted_account_is_no_member(talk: Talk, gate: Gate) -> None:
    """A visitor who signed in before its account was deleted would still be granted."""
    account, visitor = enter(talk, gate)
    talk.bind(READER, f"serviceAccount:{account['email']}")
    good(talk.send("DELETE", "iam", f"/v1/{account['name']}"))
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()


@pytest.mark.parametrize(
    ("host", "repository", "action", "permission", "resource"),
    [
        ("gcr.io", "demo/app", "push", "uploadArtifacts", "projects/demo/locations/us/repositories/gcr.io"),
        ("eu.gcr.io", "demo/app", "pull", "downloadArtifacts", "projects/demo/locations/europe/repositories/eu.gcr.io"),
        (
            "us-docker.pkg.dev",
            "demo/private/x",
            "pull",
            "downloadArtifacts",
            "projects/demo/locations/us/repositories/private",
        ),
        ("gcr.io", "nowhere/app", "pull", "downloadArtifacts", "projects/nowhere/locations/us/repositories/gcr.io"),
    ],
)
def test_refusals(talk: Talk, gate: Gate, host: str, repository: str, action: str, permission: str, resource: str) -> None:
    """A refusal would not be in the words by which clients know it."""
    _, visitor = enter(talk, gate)
    words = f'Permission "artifactregistry.repositories.{permission}" denied on resource "{resource}" (or it may not exist)'
    answer = gate.refusal(host, visitor, repository, action)
    assert (answer.status, answer.json) == (403, {"errors": [{"code": "DENIED", "message": words}]})


@pytest.mark.parametrize(
    ("repository", "action", "words"),
    [
        (
            "legacy/app",
            "push",
            "Token exchange failed for project 'legacy'. Caller does not have permission 'storage.buckets.get'.",
        ),
        (
            "legacy/app",
            "pull",
            "Token exchange failed for project 'legacy'. Caller does not have permission 'storage.objects.get'.",
        ),
        ("legacy/absent", "pull", "Token exchange failed for project 'legacy'."),
        ("disabled/app", "pull", "Artifact Registry API has not been used in project"),
    ],
)
def test_other_refusals(talk: Talk, gate: Gate, repository: str, action: str, words: str) -> None:
    """The old registry, or a project without the API, would refuse in the words of Artifact Registry."""
    _, visitor = enter(talk, gate)
    answer = gate.refusal("gcr.io", visitor, repository, action)
    assert (answer.status, answer.json["errors"][0]["code"]) == (403, "DENIED")
    assert answer.json["errors"][0]["message"].startswith(words)


def test_anonymous_refusals(gate: Gate) -> None:
    """A refusal of somebody without a credential would read like that of a reader."""
    answers = [gate.refusal("gcr.io", None, name, "pull") for name in ("demo/app", "legacy/app")]
    words = [answer.json["errors"][0]["message"] for answer in answers]
    absent = gate.refusal("eu.gcr.io", None, "legacy/app", "pull")
    assert absent.json["errors"][0]["message"] == words[1]
    assert words[0].startswith("Unauthenticated request. Unauthenticated requests do not have permission")
    assert "you may have invalid credentials" in words[1]


def test_disabled_api(talk: Talk, gate: Gate) -> None:
    """A project whose Artifact Registry API is off would serve images."""
    state = talk.google.state
    state.projects["demo"].services.discard("artifactregistry.googleapis.com")
    visitor = gate.sign_in("gcr.io", "oauth2accesstoken", talk.token)
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()
