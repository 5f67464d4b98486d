"""Every route, request and answer of the fake against Google's discovery documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from pullgrant.sandbox.exchange import Request, Response
from sandbox.google.discovery import UNDESCRIBED, Discovery
from sandbox.google.talk import GCR, HOSTS, Talk, good

OPTIONS = {"options": {"requestedPolicyVersion": 3}}
BUCKET = "/storage/v1/b/artifacts.legacy.appspot.com"
STORAGE_VERSION = "optionsRequestedPolicyVersion=3"


def _accounts(talk: Talk) -> None:
    account = talk.account()
    name = f"/v1/{account['name']}"
    talk.get("iam", "/v1/projects/demo/serviceAccounts?pageSize=5")
    talk.get("iam", name)
    talk.send(
        "PATCH",
        "iam",
        name,
        {"serviceAccount": {"displayName": "x", "description": "y"}, "updateMask": "displayName,description"},
    )
    policy = good(talk.post("iam", f"{name}:getIamPolicy?options.requestedPolicyVersion=3"))
    user = {"role": "roles/iam.serviceAccountUser", "members": ["user:someone@example.com"]}
    talk.post("iam", f"{name}:setIamPolicy", {"policy": policy | {"bindings": [user]}, "updateMask": "bindings,etag"})
    talk.post("iam", f"{name}:testIamPermissions", {"permissions": ["iam.serviceAccounts.get"]})
    talk.post("iam", f"{name}:disable", {})
    talk.get("iam", name)
    talk.post("iam", f"{name}:enable", {})
    talk.send("DELETE", "iam", name)
    talk.post("iam", f"/v1/projects/demo/serviceAccounts/{account['uniqueId']}:undelete", {})


def _keys(talk: Talk) -> None:
    account = talk.account()
    key = f"/v1/{talk.key(account)['name']}"
    talk.get("iam", f"/v1/{account['name']}/keys?keyTypes=USER_MANAGED&keyTypes=SYSTEM_MANAGED")
    talk.get("iam", f"{key}?publicKeyType=TYPE_RAW_PUBLIC_KEY")
    talk.post("iam", f"{key}:disable", {})
    talk.get("iam", key)
    talk.post("iam", f"{key}:enable", {})
    talk.send("DELETE", "iam", key)


def _projects(talk: Talk) -> None:
    for version in ("v1", "v3"):
        path = f"/{version}/projects/demo"
        talk.get("crm", path)
        policy = good(talk.post("crm", f"{path}:getIamPolicy", OPTIONS))
        talk.post("crm", f"{path}:setIamPolicy", {"policy": policy, "updateMask": "bindings,etag"})
        talk.post("crm", f"{path}:testIamPermissions", {"permissions": ["resourcemanager.projects.get"]})
    for project in ("locked-legacy-constraint", "expiring"):
        for constraint in ("iam.disableServiceAccountKeyCreation", "iam.serviceAccountKeyExpiryHours"):
            talk.post("crm", f"/v1/projects/{project}:getEffectiveOrgPolicy", {"constraint": f"constraints/{constraint}"})


def _repositories(talk: Talk) -> None:
    talk.get("ar", "/v1/projects/demo/projectSettings")
    talk.get("ar", "/v1/projects/demo/locations/us/repositories?pageSize=1")
    talk.get("ar", GCR)
    policy = good(talk.get("ar", f"{GCR}:getIamPolicy?options.requestedPolicyVersion=3"))
    talk.post("ar", f"{GCR}:setIamPolicy", {"policy": policy})
    talk.post("ar", f"{GCR}:testIamPermissions", {"permissions": ["artifactregistry.repositories.downloadArtifacts"]})
    talk.get("ar", f"{GCR}/dockerImages?pageSize=1")


def _buckets(talk: Talk) -> None:
    talk.get("storage", BUCKET)
    policy = good(talk.get("storage", f"{BUCKET}/iam?{STORAGE_VERSION}"))
    talk.send("PUT", "storage", f"{BUCKET}/iam", policy)
    talk.get("storage", f"{BUCKET}/iam/testPermissions?permissions=storage.buckets.get&permissions=storage.objects.get")


def _others(talk: Talk) -> None:
    for constraint in ("iam.managed.disableServiceAccountKeyCreation", "iam.serviceAccountKeyExpiryHours"):
        for project in ("demo", "expiring"):
            talk.get("org", f"/v2/projects/{project}/policies/{constraint}:getEffectivePolicy")
    names = "&".join(f"names=projects/disabled/services/{HOSTS[api]}" for api in ("ar", "iam"))
    talk.get("usage", f"/v1/projects/disabled/services:batchGet?{names}")
    talk.get("usage", f"/v1/projects/demo/services/{HOSTS['ar']}")
    talk.post("usage", f"/v1/projects/disabled/services/{HOSTS['ar']}:enable", {})
    account = talk.account()
    body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "600s"}
    talk.post("creds", f"/v1/projects/-/serviceAccounts/{account['email']}:generateAccessToken", body)
    talk.get("creds", f"/v1/projects/-/serviceAccounts/{account['email']}/allowedLocations")


def _secrets(talk: Talk) -> None:
    secrets = "/v1/projects/demo/secrets"
    made = {"replication": {"automatic": {}}, "labels": {"managed-by": "someone"}}
    talk.post("secrets", f"{secrets}?secretId=pull", made)
    for _ in range(2):
        talk.post("secrets", f"{secrets}/pull:addVersion", {"payload": {"data": "eA=="}})
    talk.get("secrets", f"{secrets}/pull")
    talk.get("secrets", f"{secrets}/pull/versions?pageSize=1&filter=state:ENABLED")
    talk.get("secrets", f"{secrets}/pull/versions/latest")
    talk.get("secrets", f"{secrets}/pull/versions/1:access")
    talk.post("secrets", f"{secrets}/pull/versions/1:disable", {})
    talk.send("DELETE", "secrets", f"{secrets}/pull")


WALKS: tuple[Callable[[Talk], None], ...] = (_accounts, _keys, _projects, _repositories, _buckets, _others, _secrets)

REFUSALS: tuple[tuple[str, str, str, Any], ...] = (
    ("GET", "iam", "/v1/projects/demo/serviceAccounts/absent@demo.iam.gserviceaccount.com", None),
    ("GET", "iam", "/v1/projects/denied/serviceAccounts", None),
    ("POST", "iam", "/v1/projects/demo/serviceAccounts", {"accountId": "x"}),
    ("POST", "iam", "/v1/projects/demo/serviceAccounts/absent@demo.iam.gserviceaccount.com/keys", {}),
    ("GET", "ar", "/v1/projects/disabled/projectSettings", None),
    ("GET", "ar", "/v1/projects/demo/locations/us/repositories/absent", None),
    ("GET", "ar", "/v1/projects/nowhere/locations/us/repositories/gcr.io:getIamPolicy", None),
    ("POST", "ar", f"{GCR}:setIamPolicy", {"policy": {"etag": "AAAA"}}),
    ("POST", "crm", "/v3/projects/nowhere:getIamPolicy", OPTIONS),
    ("POST", "crm", "/v1/projects/nowhere:getIamPolicy", OPTIONS),
    ("GET", "storage", "/storage/v1/b/absent/iam", None),
    ("PUT", "storage", f"{BUCKET}/iam", {"etag": "AAAA", "bindings": []}),
    ("GET", "org", "/v2/projects/demo/policies/absent:getEffectivePolicy", None),
    ("GET", "usage", "/v1/projects/nowhere/services/iam.googleapis.com", None),
    ("GET", "secrets", "/v1/projects/nowhere/secrets/pull", None),
    ("GET", "secrets", "/v1/projects/demo/secrets/absent/versions/latest", None),
    ("POST", "secrets", "/v1/projects/demo/secrets?secretId=pull", {}),
    (
        "POST",
        "creds",
        "/v1/projects/-/serviceAccounts/absent@x.iam.gserviceaccount.com:generateAccessToken",
        {"scope": ["https://x"]},
    ),
)


@pytest.fixture(scope="module")
def discovery() -> Discovery:
    """The documents, read once."""
    return Discovery()


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__.strip("_"))
def test_requests_and_answers(talk: Talk, discovery: Discovery, walk: Callable[[Talk], None]) -> None:
    """The fake would answer what Google does not, or take what Google refuses."""
    walk(talk)
    assert [response.status for _, _, response in talk.google.recorded] == [200] * len(talk.google.recorded)
    wrong = [
        each
        for _, request, response in talk.google.recorded
        for each in (*discovery.request(request), *discovery.answer(request, response))
    ]
    assert wrong == []


def test_every_route_is_walked(talk: Talk) -> None:
    """A route of the fake would be served without ever having been compared with Google's own description."""
    for walk in WALKS:
        walk(talk)
        talk.google.reset()
    walked = {kind for kind, _, _ in talk.google.recorded}
    assert {route.kind for route in talk.routes} - walked == UNDESCRIBED


@pytest.mark.parametrize(("verb", "api", "path", "body"), REFUSALS)
def test_refusals(talk: Talk, discovery: Discovery, verb: str, api: str, path: str, body: Any) -> None:
    """A refusal would not have the shape in which Google refuses."""
    response = talk.send(verb, api, path, body)
    assert response.status >= 400
    _, request, _ = talk.google.recorded[-1]
    assert discovery.answer(request, response) == []


def test_unauthenticated(talk: Talk, discovery: Discovery) -> None:
    """A call without or with a wrong token would be answered, or refused in another shape."""
    for token in ("", "nonsense", "a.b.c"):
        response = talk.get("iam", "/v1/projects/demo/serviceAccounts", token=token)
        assert response.status == 401
        assert discovery.answer(talk.google.recorded[-1][1], response) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"accountId": 5}, "int instead of string"),
        ({"account_id": "reader"}, "unknown field account_id"),
        ({"serviceAccount": {"email": "x"}}, "read-only"),
        ({"serviceAccount": {"etag": "not base64!"}}, "not of format byte"),
    ],
)
def test_the_judge_of_requests_sees(discovery: Discovery, body: Any, words: str) -> None:
    """The checker would let a wrong request pass."""
    import json

    request = Request(
        method="POST", host=HOSTS["iam"], path="/v1/projects/p/serviceAccounts", body=json.dumps(body).encode()
    )
    assert [words in each for each in discovery.request(request)] == [True]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/projects/p/serviceAccounts/a@b/keys", {"keyTypes": ["MANAGED"]}),
        ("/v1/projects/p/serviceAccounts/a@b/keys", {"types": ["USER_MANAGED"]}),
        ("/v1/projects/p/serviceAccounts", {"pageSize": ["1", "2"]}),
        ("/v1/projects/p/accounts", {}),
    ],
)
def test_the_judge_of_queries_sees(discovery: Discovery, path: str, query: dict[str, list[str]]) -> None:
    """The checker would let a wrong path or query pass."""
    request = Request(method="GET", host=HOSTS["iam"], path=path, query=query)
    assert len(discovery.request(request)) == 1


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, {"keyType": "OURS"}),
        (200, {"validAfterTime": "yesterday"}),
        (200, {"disabled": "true"}),
        (200, {"secret": "x"}),
        (403, {"error": {"code": 404, "message": "x", "status": "NOT_FOUND"}}),
        (403, {"error": {"code": 403, "message": "x", "status": "FORBIDDEN"}}),
        (403, {"error": {"code": 403, "message": "", "status": "PERMISSION_DENIED"}}),
        (403, {"message": "x"}),
        (403, {"error": {"code": 403, "message": "x", "status": "PERMISSION_DENIED", "details": [{"reason": "x"}]}}),
    ],
)
def test_the_judge_of_answers_sees(discovery: Discovery, status: int, answer: Any) -> None:
    """The checker would let a wrong answer pass."""
    request = Request(method="GET", host=HOSTS["iam"], path="/v1/projects/p/serviceAccounts/a@b/keys/k")
    assert len(discovery.answer(request, Response(status=status, json=answer))) == 1


def test_hosts_are_matched_whole(talk: Talk) -> None:
    """A route would answer under a look-alike of Google's host."""
    assert [
        route.kind for route in talk.routes for host in HOSTS.values() if re.fullmatch(route.host, f"{host}.evil.example")
    ] == []
