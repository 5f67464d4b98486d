"""The smaller services of the fake: project settings, images, organisation policies, enabled APIs, short-lived tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pullgrant.sandbox.registry.images import build
from sandbox.google.talk import GCR, Talk, error, good

SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
NO_KEYS = "iam.managed.disableServiceAccountKeyCreation"
NO_KEYS_BEFORE = "iam.disableServiceAccountKeyCreation"


@pytest.mark.parametrize(("project", "state"), [("demo", "ENABLED"), ("legacy", "DISABLED")])
def test_redirection(talk: Talk, project: str, state: str) -> None:
    """A project would not say how its gcr.io hosts are served."""
    settings = good(talk.get("ar", f"/v1/projects/{project}/projectSettings"))
    assert settings["legacyRedirectionState"] == f"REDIRECTION_FROM_GCR_IO_{state}"


def test_disabled_api(talk: Talk) -> None:
    """A project without the API would answer, or refuse without the words that tell why."""
    found = error(talk.get("ar", "/v1/projects/disabled/projectSettings"))
    assert found["status"] == "PERMISSION_DENIED"
    assert {"reason": "SERVICE_DISABLED"}.items() <= found["details"][1].items()
    assert found["details"][1]["metadata"]["service"] == "artifactregistry.googleapis.com"


def test_repositories(talk: Talk) -> None:
    """A list would hold repositories of another location, or come without pages."""
    path = "/v1/projects/demo/locations/us/repositories"
    first = good(talk.get("ar", f"{path}?pageSize=2"))
    rest = good(talk.get("ar", f"{path}?pageToken={first['nextPageToken']}"))
    names = [each["name"].rpartition("/")[2] for each in (*first["repositories"], *rest["repositories"])]
    assert names == ["gcr.io", "us.gcr.io", "private"]
    assert good(talk.get("ar", "/v1/projects/legacy/locations/us/repositories")) == {}
    assert talk.get("ar", f"{path}?pageToken=x").status == 400


def test_images(talk: Talk) -> None:
    """The list of images would not name those that the registry serves."""
    images = good(talk.get("ar", f"{GCR}/dockerImages"))["dockerImages"]
    assert [(image["uri"].partition("@")[0], image["tags"]) for image in images] == [
        ("us-docker.pkg.dev/demo/gcr.io/app", ["v1"]),
        ("us-docker.pkg.dev/demo/gcr.io/other", ["v1"]),
    ]
    assert images[0]["uri"].endswith(build("demo/gcr.io/app", "v1").manifest.digest)
    assert good(talk.get("ar", "/v1/projects/empty/locations/us/repositories/gcr.io/dockerImages")) == {}


def test_absent_repository(talk: Talk) -> None:
    """An absent repository would be found, or told apart by somebody who may not know it."""
    absent, account = GCR.replace("gcr.io", "absent"), talk.account()
    token = talk.access_token(account)
    assert talk.get("ar", f"{absent}:getIamPolicy").status == 404
    answers = [talk.get("ar", f"{path}:getIamPolicy", token=token) for path in (absent, GCR)]
    words = [error(answer)["message"].replace("absent", "gcr.io") for answer in answers]
    assert [answer.status for answer in answers] == [403, 403]
    assert words[0] == words[1]


@pytest.mark.parametrize(
    ("project", "constraint", "rule"),
    [
        ("locked", NO_KEYS, {"enforce": True}),
        ("demo", NO_KEYS, {"enforce": False}),
        ("locked", NO_KEYS_BEFORE, {"enforce": False}),
        ("locked-legacy-constraint", NO_KEYS_BEFORE, {"enforce": True}),
        ("expiring", "iam.serviceAccountKeyExpiryHours", {"values": {"allowedValues": ["2160h"]}}),
        ("demo", "iam.serviceAccountKeyExpiryHours", {"allowAll": True}),
    ],
)
def test_org_policy(talk: Talk, project: str, constraint: str, rule: dict[str, Any]) -> None:
    """A preflight would be told the wrong policy."""
    policy = good(talk.get("org", f"/v2/projects/{project}/policies/{constraint}:getEffectivePolicy"))
    assert policy["spec"] == {"rules": [rule]}


def test_org_policy_refusals(talk: Talk) -> None:
    """An unknown constraint, a foreign project or a disabled API would be answered."""
    path = f"policies/{NO_KEYS}:getEffectivePolicy"
    assert talk.get("org", "/v2/projects/demo/policies/iam.x:getEffectivePolicy").status == 404
    assert [talk.get("org", f"/v2/projects/{name}/{path}").status for name in ("denied", "nowhere")] == [403, 403]
    talk.google.state.projects["demo"].services.discard("orgpolicy.googleapis.com")
    assert "has not been used" in error(talk.get("org", f"/v2/projects/demo/{path}"))["message"]


def test_org_policy_of_version_one(talk: Talk) -> None:
    """The older API would know managed constraints, or answer in the form of the newer."""

    def ask(constraint: str) -> Any:
        return talk.post("crm", "/v1/projects/locked-legacy-constraint:getEffectiveOrgPolicy", {"constraint": constraint})

    assert good(ask(f"constraints/{NO_KEYS_BEFORE}"))["booleanPolicy"] == {"enforced": True}
    assert good(ask("constraints/iam.disableServiceAccountCreation"))["booleanPolicy"] == {}
    assert [ask(each).status for each in (f"constraints/{NO_KEYS}", NO_KEYS_BEFORE)] == [400, 400]


def test_services(talk: Talk) -> None:
    """A disabled API would be said to be enabled."""
    apis = ("iam", "artifactregistry", "compute")
    names = "&".join(f"names=projects/disabled/services/{api}.googleapis.com" for api in apis)
    found = good(talk.get("usage", f"/v1/projects/disabled/services:batchGet?{names}"))["services"]
    assert [(each["config"]["name"], each["state"]) for each in found] == [
        ("iam.googleapis.com", "ENABLED"),
        ("artifactregistry.googleapis.com", "DISABLED"),
        ("compute.googleapis.com", "DISABLED"),
    ]


@pytest.mark.parametrize(
    "names",
    [
        "",
        "names=iam.googleapis.com",
        "names=projects/empty/services/iam.googleapis.com",
        "&".join(["names=projects/demo/services/a"] * 31),
    ],
)
def test_services_wrongly_asked(talk: Talk, names: str) -> None:
    """A batch that Google refuses would be answered."""
    assert talk.get("usage", f"/v1/projects/demo/services:batchGet?{names}").status == 400


def test_enable(talk: Talk) -> None:
    """The way on that a refusal names, enabling the API, would not lead on, or anybody could go it."""
    path = "/v1/projects/{}/services/artifactregistry.googleapis.com:enable"
    assert talk.post("usage", path.format("denied"), {}).status == 403
    assert good(talk.post("usage", path.format("disabled"), {}))["done"] is True
    assert talk.get("ar", "/v1/projects/disabled/projectSettings").status == 200


def test_short_lived_token(talk: Talk) -> None:
    """A token would not be the account's, or not end when it says."""
    account = talk.account()
    path = f"/v1/projects/-/serviceAccounts/{account['email']}:generateAccessToken"
    answer = good(talk.post("creds", path, {"scope": [SCOPE], "lifetime": "600s"}))
    left = datetime.fromisoformat(answer["expireTime"]) - talk.world.now()
    assert timedelta(seconds=590) < left <= timedelta(seconds=600)
    gate = talk.google.gates()[0]
    visitor = gate.sign_in("gcr.io", "oauth2accesstoken", answer["accessToken"])
    assert visitor is not None
    assert visitor.name == account["email"]
    talk.world.advance(timedelta(seconds=601))
    assert gate.sign_in("gcr.io", "oauth2accesstoken", answer["accessToken"]) is None


@pytest.mark.parametrize(
    "body",
    [{}, {"scope": []}, {"scope": ["pull"]}, {"scope": SCOPE}]
    + [{"scope": [SCOPE], "lifetime": each} for each in ("3601s", "0s", "1h", "600", "")],
)
def test_short_lived_token_wrongly_asked(talk: Talk, body: dict[str, Any]) -> None:
    """A token without scope, or one that lives longer than an hour, would be given out."""
    account = talk.account()
    answer = talk.post("creds", f"/v1/projects/-/serviceAccounts/{account['email']}:generateAccessToken", body)
    assert answer.status == 400


def test_short_lived_token_refused(talk: Talk) -> None:
    """A token would be given to somebody who may not have it, or of an account that is not there."""
    reader, other = talk.account(), talk.account("other-reader")
    good(talk.post("iam", f"/v1/{other['name']}:disable", {}))
    body = {"scope": [SCOPE]}

    def ask(email: str, token: str | None = None, project: str = "-") -> int:
        return talk.post(
            "creds", f"/v1/projects/{project}/serviceAccounts/{email}:generateAccessToken", body, token=token
        ).status

    assert ask(reader["email"], talk.access_token(reader)) == 403
    assert ask("absent@demo.iam.gserviceaccount.com") == 404
    assert ask(other["email"]) == 404
    assert ask(reader["email"], project="demo") == 400
    assert ask(talk.account(project="disabled")["email"]) == 403


@pytest.mark.parametrize(
    ("version", "words"),
    [("v1", "The caller does not have permission"), ("v3", "Permission 'resourcemanager.projects.get' denied")],
)
def test_absent_project(talk: Talk, version: str, words: str) -> None:
    """An absent project would be told apart from a foreign one."""
    found = [error(talk.get("crm", f"/{version}/projects/{name}")) for name in ("nowhere", "denied")]
    assert [each["message"].startswith(words) for each in found] == [True, True]
    assert [each["code"] for each in found] == [403, 403]


def test_project_number(talk: Talk) -> None:
    """A project would not be known by its number."""
    number = good(talk.get("crm", "/v1/projects/demo"))["projectNumber"]
    assert good(talk.get("crm", f"/v3/projects/{number}"))["projectId"] == "demo"


def test_buckets(talk: Talk) -> None:
    """A project that is served by Artifact Registry would have buckets."""
    paths = [f"/storage/v1/b/artifacts.{name}.appspot.com" for name in ("legacy", "demo")]
    assert [talk.get("storage", path).status for path in paths] == [200, 404]
    assert [talk.get("storage", f"{path}/iam/testPermissions?permissions=storage.buckets.get").status for path in paths] == [
        200,
        404,
    ]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"accountid": "docker-reader"}'])
def test_broken_bodies(talk: Talk, body: bytes) -> None:
    """A body that is no message would be taken."""
    assert talk.post("iam", "/v1/projects/demo/serviceAccounts", body).status == 400


def test_callers_are_named_for_the_log(talk: Talk) -> None:
    """The call log would not say who called."""
    answers = [talk.get("iam", f"/v1/projects/{name}/serviceAccounts") for name in ("demo", "denied")]
    assert [answer.headers["x-sandbox-principal"].partition("@")[0] for answer in answers] == ["operator", "operator"]
