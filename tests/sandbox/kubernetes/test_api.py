"""The fake API server says yes and no as a real one does, over HTTP."""

from __future__ import annotations

import base64
import ssl

import httpx
import pytest

from pullgrant.sandbox.kubernetes import HOST, Kubernetes
from pullgrant.sandbox.run import Sandbox

DOCKER = "kubernetes.io/dockerconfigjson"
SECRETS = "/api/v1/namespaces/apps/secrets"
APPLY = {"content-type": "application/apply-patch+yaml"}
MERGE = {"content-type": "application/merge-patch+json"}


def data(text="{}"):
    return {".dockerconfigjson": base64.b64encode(text.encode()).decode()}


def secret(name="pull", **more):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": DOCKER, "data": data(), **more}


@pytest.fixture(scope="module")
def box():
    with Sandbox(factories={"kubernetes": Kubernetes}) as sandbox:
        yield sandbox


@pytest.fixture
def api(box):
    """A client of the operator, on the first day."""
    box.countries["kubernetes"].reset()
    trust = ssl.create_default_context(cafile=str(box.ca_file))
    signed_in = {"authorization": "Bearer sandbox-operator"}
    with httpx.Client(
        base_url=f"https://{HOST}", proxy=box.url, verify=trust, trust_env=False, timeout=5, headers=signed_in
    ) as client:
        yield client


def apply(api, manager, name="pull", *, force="false", **more):
    params = {"fieldManager": manager, "force": force}
    return api.patch(f"{SECRETS}/{name}", params=params, headers=APPLY, json=secret(name, **more))


def test_create_and_read_back(api):
    """What was stored would not be what is read."""
    made = api.post(SECRETS, json=secret())
    found = api.get(f"{SECRETS}/pull").json()
    assert (made.status_code, found["data"], found["metadata"]["namespace"]) == (201, data(), "apps")
    assert found["metadata"]["uid"]
    assert [one["metadata"]["name"] for one in api.get(SECRETS).json()["items"]] == ["pull"]


@pytest.mark.parametrize(
    ("status", "reason", "words", "path", "body"),
    [
        (409, "AlreadyExists", 'secrets "there" already exists', SECRETS, secret("there")),
        (404, "NotFound", 'namespaces "none" not found', "/api/v1/namespaces/none/secrets", secret()),
        (422, "Invalid", "data[.dockerconfigjson]: Required value", SECRETS, secret(data={})),
        (422, "Invalid", 'Invalid value: "<secret contents redacted>"', SECRETS, secret(data=data("{"))),
        (422, "Invalid", "RFC 1123", SECRETS, secret("Upper")),
        (422, "Invalid", "valid config key", SECRETS, secret(type="Opaque", data={"a/b": ""})),
        (422, "Invalid", "Too long", SECRETS, secret(type="Opaque", data={"a": base64.b64encode(b"x" * 1048577).decode()})),
        (400, "BadRequest", "illegal base64", SECRETS, secret(data={".dockerconfigjson": "%"})),
        (400, "BadRequest", "'Kind' is missing", SECRETS, {"metadata": {"name": "x"}}),
        (400, "BadRequest", "unrecognized", SECRETS, []),
    ],
)
def test_what_is_not_made(api, status, reason, words, path, body):
    """A sink would pass here with what a real server refuses."""
    api.post(SECRETS, json=secret("there"))
    answer = api.post(path, json=body)
    assert (answer.status_code, answer.json()["kind"], answer.json()["reason"]) == (status, "Status", reason)
    assert words in answer.json()["message"]


def test_who_may(api):
    """A token that is none, or a viewer's, would write."""
    stranger = api.get(SECRETS, headers={"authorization": "Bearer wrong"})
    assert (stranger.status_code, stranger.json()["reason"]) == (401, "Unauthorized")
    viewer = {"authorization": "Bearer sandbox-viewer"}
    refused = api.post(SECRETS, json=secret(), headers=viewer)
    assert refused.json()["message"] == (
        'secrets is forbidden: User "viewer@example.com" cannot create resource "secrets" in API group "" in the namespace "apps"'
    )
    assert api.get(SECRETS, headers=viewer).status_code == 200


@pytest.mark.parametrize(("token", "allowed"), [("sandbox-operator", True), ("sandbox-viewer", False)])
def test_reviews(api, token, allowed):
    """A preflight would be told another answer than the write gets."""
    asked = {"spec": {"resourceAttributes": {"verb": "patch", "resource": "secrets", "namespace": "apps"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = api.post(path, json=asked, headers={"authorization": f"Bearer {token}"})
    assert answer.json()["status"] == {"allowed": allowed}


def test_old_versions_are_refused(api):
    """A change that was made in between would be lost unseen."""
    old = api.post(SECRETS, json=secret()).json()["metadata"]["resourceVersion"]
    assert apply(api, "one", metadata={"name": "pull", "resourceVersion": old}, force="true").status_code == 200
    late = apply(api, "one", metadata={"name": "pull", "resourceVersion": old}, force="true")
    assert (late.status_code, late.json()["reason"]) == (409, "Conflict")
    assert "the object has been modified" in late.json()["message"]
    put = api.put(f"{SECRETS}/pull", json=secret(metadata={"name": "pull", "resourceVersion": old}))
    patch = api.patch(f"{SECRETS}/pull", headers=MERGE, json={"metadata": {"resourceVersion": old}})
    body = {"preconditions": {"resourceVersion": old}}
    gone = api.request("DELETE", f"{SECRETS}/pull", json=body)
    assert [one.status_code for one in (put, patch, gone)] == [409, 409, 409]


def test_a_type_and_immutable_data_stay(api):
    """A sink would change what a cluster never lets it change."""
    api.post(SECRETS, json=secret())
    assert "type: Invalid value" in apply(api, "one", type="Opaque", force="true").json()["message"]
    api.patch(f"{SECRETS}/pull", headers=MERGE, json={"immutable": True})
    refused = api.patch(f"{SECRETS}/pull", headers=MERGE, json={"data": data('{"auths": {}}'), "immutable": False})
    assert refused.status_code == 422
    assert "immutable: Forbidden" in refused.json()["message"]
    assert "data: Forbidden" in refused.json()["message"]


def test_two_managers_of_one_field(api):
    """Server-side apply would let everybody write everything, or `force` have no meaning."""
    assert apply(api, "one").status_code == 200
    assert apply(api, "two").status_code == 200  # the same value is shared
    other = data('{"auths": {}}')
    refused = apply(api, "two", data=other)
    assert (refused.status_code, refused.json()["details"]["causes"][0]["field"]) == (409, ".data..dockerconfigjson")
    assert 'conflict with "one"' in refused.json()["message"]
    assert apply(api, "two", data=other, force="true").json()["data"] == other
    owners = {one["manager"]: one["fieldsV1"] for one in api.get(f"{SECRETS}/pull").json()["metadata"]["managedFields"]}
    assert owners["two"]["f:data"] == {"f:.dockerconfigjson": {}}
    assert "f:data" not in owners["one"]


def test_what_is_no_longer_applied_goes(api):
    """A field that its only manager gave up would stay."""
    apply(api, "one", metadata={"name": "pull", "labels": {"team": "web", "stage": "test"}})
    apply(api, "two", metadata={"name": "pull", "labels": {"stage": "test"}})
    after = apply(api, "one").json()["metadata"]
    assert after["labels"] == {"stage": "test"}


def test_an_apply_needs_a_manager(api):
    """An apply without a name would own fields for nobody."""
    answer = api.patch(f"{SECRETS}/pull", headers=APPLY, json=secret())
    assert (answer.status_code, "fieldManager: Required" in answer.json()["message"]) == (400, True)


def test_a_dry_run_stores_nothing(api):
    """A client that only asks would change the cluster."""
    assert api.post(SECRETS, params={"dryRun": "All"}, json=secret()).status_code == 201
    assert api.get(f"{SECRETS}/pull").status_code == 404


def test_lists_by_label(api):
    """A selector would choose namespaces that do not carry the label."""
    for selector, names in (("team=web", ["apps", "shop"]), ("team==web,stage=production", ["shop"]), ("team=none", [])):
        found = api.get("/api/v1/namespaces", params={"labelSelector": selector}).json()["items"]
        assert [one["metadata"]["name"] for one in found] == names


def test_a_namespace_takes_its_objects_along(api):
    """A secret would outlive its namespace."""
    api.post(SECRETS, json=secret())
    assert api.delete("/api/v1/namespaces/apps").json()["status"] == "Success"
    assert api.get(f"{SECRETS}/pull").json()["message"] == 'secrets "pull" not found'


@pytest.mark.parametrize("kind", ["application/json-patch+json", "application/vnd.kubernetes.protobuf"])
def test_bodies_that_are_not_understood(api, kind):
    """A client's other way to write would be taken for JSON."""
    api.post(SECRETS, json=secret())
    answer = api.patch(f"{SECRETS}/pull", headers={"content-type": kind}, json=[])
    assert answer.status_code == 415


def test_service_accounts_merge_by_name(api):
    """kubectl's patch would replace the names that others put there."""
    path = "/api/v1/namespaces/apps/serviceaccounts/default"
    for name in ("one", "two"):
        strategic = {"content-type": "application/strategic-merge-patch+json"}
        api.patch(path, headers=strategic, json={"imagePullSecrets": [{"name": name}]})
    assert api.get(path).json()["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
