"""Service accounts and keys of the fake: what it does, and every way in which it says no."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.google.talk import Talk, error, good

ACCOUNTS = "/v1/projects/demo/serviceAccounts"


def keys_of(talk: Talk, account: dict[str, Any], query: str = "") -> list[str]:
    """Return the types of an account's keys."""
    return [key["keyType"] for key in good(talk.get("iam", f"/v1/{account['name']}/keys{query}")).get("keys", [])]


def test_create(talk: Talk) -> None:
    """A new account would not look like one of Google's."""
    wanted = {"accountId": "docker-reader", "serviceAccount": {"displayName": "x", "description": "y"}}
    account = good(talk.post("iam", ACCOUNTS, wanted))
    email = "docker-reader@demo.iam.gserviceaccount.com"
    assert account["email"] == email
    assert account["name"] == f"projects/demo/serviceAccounts/{email}"
    assert (account["displayName"], account["description"]) == ("x", "y")
    assert len(account["uniqueId"]) == 21
    assert good(talk.get("iam", f"/v1/{account['name']}")) == account
    assert good(talk.get("iam", f"/v1/projects/-/serviceAccounts/{account['uniqueId']}")) == account


@pytest.mark.parametrize("name", ["short", "a" * 31, "Docker-reader", "1docker", "docker-", "docker_reader", ""])
def test_bad_names(talk: Talk, name: str) -> None:
    """An account id that Google refuses would be taken."""
    assert error(talk.post("iam", ACCOUNTS, {"accountId": name}))["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(("name", "most"), [("displayName", 100), ("description", 256)])
def test_texts_are_limited(talk: Talk, name: str, most: int) -> None:
    """A mark that is too long for Google would fit into the fake."""
    fits = {"accountId": "docker-reader", "serviceAccount": {name: "x" * most}}
    over = {"accountId": "other-reader", "serviceAccount": {name: "é" * (most // 2 + 1)}}
    assert [talk.post("iam", ACCOUNTS, body).status for body in (fits, over)] == [200, 400]


def test_exists_already(talk: Talk) -> None:
    """A second account of one name would be made."""
    talk.account()
    found = error(talk.post("iam", ACCOUNTS, {"accountId": "docker-reader"}))
    assert (found["code"], found["status"]) == (409, "ALREADY_EXISTS")


def test_hundred_accounts(talk: Talk) -> None:
    """A project would hold more accounts than Google allows, or a list would come without pages."""
    statuses = [talk.post("iam", ACCOUNTS, {"accountId": f"reader-{number:03}"}).status for number in range(101)]
    assert statuses == [200] * 100 + [429]
    first = good(talk.get("iam", ACCOUNTS))
    rest = good(talk.get("iam", f"{ACCOUNTS}?pageSize=100&pageToken={first['nextPageToken']}"))
    assert (len(first["accounts"]), len(rest["accounts"]), "nextPageToken" in rest) == (20, 80, False)


def test_absent(talk: Talk) -> None:
    """An absent account would be found, or told apart by a caller who gave no project."""
    email = "absent@demo.iam.gserviceaccount.com"
    paths = (f"/v1/projects/demo/serviceAccounts/{email}", f"/v1/projects/-/serviceAccounts/{email}")
    assert [talk.get("iam", path).status for path in paths] == [404, 403]
    assert [talk.post("iam", f"{path}/keys", {}).status for path in paths] == [404, 403]
    assert [talk.send("DELETE", "iam", path).status for path in paths] == [404, 403]


def test_account_of_another_project(talk: Talk) -> None:
    """An account would be found under a project that is not its own."""
    account = talk.account(project="empty")
    assert talk.get("iam", f"{ACCOUNTS}/{account['email']}").status == 404


@pytest.mark.parametrize("project", ["denied", "nowhere"])
def test_no_rights(talk: Talk, project: str) -> None:
    """The operator could work in a project that is not there or not its own, or tell the two apart."""
    found = error(talk.post("iam", f"/v1/projects/{project}/serviceAccounts", {"accountId": "docker-reader"}))
    assert found["message"] == "Permission 'iam.serviceAccounts.create' denied on resource (or it may not exist)."
    assert found["status"] == "PERMISSION_DENIED"


def test_a_reader_cannot_manage(talk: Talk) -> None:
    """A reader's own credential could look at accounts or make keys."""
    account = talk.account()
    talk.bind("roles/artifactregistry.reader", f"serviceAccount:{account['email']}", "/v3/projects/demo", "crm")
    token = talk.access_token(account)
    answers = [
        talk.get("iam", f"/v1/{account['name']}", token=token),
        talk.get("iam", ACCOUNTS, token=token),
        talk.post("iam", f"/v1/{account['name']}/keys", {}, token=token),
        talk.send("DELETE", "iam", f"/v1/{account['name']}", token=token),
    ]
    assert [error(answer)["status"] for answer in answers] == ["PERMISSION_DENIED"] * 4


def test_patch(talk: Talk) -> None:
    """A field outside the mask would change, or one that cannot change would be taken."""
    account = talk.account()
    path, wanted = f"/v1/{account['name']}", {"displayName": "new", "description": "new"}
    changed = good(talk.send("PATCH", "iam", path, {"serviceAccount": wanted, "updateMask": "display_name"}))
    assert (changed["displayName"], changed.get("description")) == ("new", None)
    assert changed["etag"] != account["etag"]
    for mask in ("", "email"):
        assert talk.send("PATCH", "iam", path, {"serviceAccount": wanted, "updateMask": mask}).status == 400


def test_delete_and_undelete(talk: Talk) -> None:
    """A deleted account would keep its place in policies under its old name, or not come back with its roles."""
    account = talk.account()
    member = f"serviceAccount:{account['email']}"
    talk.bind("roles/artifactregistry.reader", member)
    good(talk.send("DELETE", "iam", f"/v1/{account['name']}"))
    assert talk.get("iam", f"/v1/{account['name']}").status == 404
    policy = talk.google.state.projects["demo"].repositories["us", "gcr.io"].policy
    assert f"deleted:{member}?uid={account['uniqueId']}" in policy.members
    assert member not in policy.members
    back = good(talk.post("iam", f"{ACCOUNTS}/{account['uniqueId']}:undelete", {}))["restoredAccount"]
    assert back["uniqueId"] == account["uniqueId"]
    assert member in policy.members


def test_the_same_name_again_is_another_account(talk: Talk) -> None:
    """A new account would inherit the bindings, keys or tokens of a deleted one of the same name."""
    account = talk.account()
    talk.bind("roles/artifactregistry.reader", f"serviceAccount:{account['email']}")
    token, old = talk.access_token(account), base64.b64decode(talk.key(account)["privateKeyData"]).decode()
    good(talk.send("DELETE", "iam", f"/v1/{account['name']}"))
    again = talk.account()
    assert again["uniqueId"] != account["uniqueId"]
    assert talk.post("iam", f"{ACCOUNTS}/{account['uniqueId']}:undelete", {}).status == 400
    gate = talk.google.gates()[0]
    assert gate.sign_in("gcr.io", "_json_key", old) is None
    assert gate.sign_in("gcr.io", "oauth2accesstoken", token) is None
    visitor = gate.sign_in("gcr.io", "_json_key", base64.b64decode(talk.key(again)["privateKeyData"]).decode())
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()


def test_key(talk: Talk) -> None:
    """A new key's file would not be one that Google's libraries read."""
    account = talk.account()
    key = talk.key(account)
    file = json.loads(base64.b64decode(key["privateKeyData"]))
    assert key["name"] == f"{account['name']}/keys/{file['private_key_id']}"
    assert file["type"] == "service_account"
    assert file["client_email"] == account["email"]
    assert file["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert key["validBeforeTime"] == "9999-12-31T23:59:59Z"
    again = good(talk.get("iam", f"/v1/{key['name']}"))
    assert "privateKeyData" not in again
    assert again["validAfterTime"] == key["validAfterTime"]


def test_key_types(talk: Talk) -> None:
    """A list without key types would hide the keys that Google manages, or a filter would not filter."""
    account = talk.account()
    talk.key(account)
    assert sorted(keys_of(talk, account)) == ["SYSTEM_MANAGED", "USER_MANAGED"]
    assert keys_of(talk, account, "?keyTypes=USER_MANAGED") == ["USER_MANAGED"]
    assert talk.get("iam", f"/v1/{account['name']}/keys?keyTypes=OURS").status == 400


def test_a_system_key_stays(talk: Talk) -> None:
    """A key that Google manages could be deleted."""
    account = talk.account()
    key = good(talk.get("iam", f"/v1/{account['name']}/keys"))["keys"][0]
    assert talk.send("DELETE", "iam", f"/v1/{key['name']}").status == 400
    assert keys_of(talk, account) == ["SYSTEM_MANAGED"]


def test_ten_keys(talk: Talk) -> None:
    """An eleventh key would be made, or a deleted one would not free its place."""
    account = talk.account()
    keys = [talk.key(account) for _ in range(10)]
    found = error(talk.post("iam", f"/v1/{account['name']}/keys", {}))
    assert (found["code"], found["status"]) == (400, "FAILED_PRECONDITION")
    assert found["message"] == "Precondition check failed."
    good(talk.send("DELETE", "iam", f"/v1/{keys[3]['name']}"))
    talk.key(account)


@pytest.mark.parametrize(
    "body", [{"privateKeyType": "TYPE_PKCS12_FILE"}, {"keyAlgorithm": "KEY_ALG_RSA_1024"}, {"note": "x"}]
)
def test_keys_of_other_kinds(talk: Talk, body: dict[str, str]) -> None:
    """A key that was not asked for would be made."""
    account = talk.account()
    assert talk.post("iam", f"/v1/{account['name']}/keys", body).status == 400
    assert keys_of(talk, account) == ["SYSTEM_MANAGED"]


def test_managed_constraint(talk: Talk) -> None:
    """The organisation policy of today would not forbid keys in its own words."""
    account = talk.account(project="locked")
    found = error(talk.post("iam", f"/v1/{account['name']}/keys", {}))
    assert found["status"] == "FAILED_PRECONDITION"
    assert found["message"].startswith(
        f"Operation denied by org policy on resource '{account['name']}': [\"constraints/iam.managed."
    )
    assert keys_of(talk, account) == ["SYSTEM_MANAGED"]


def test_older_constraint(talk: Talk) -> None:
    """The older organisation policy would not forbid keys with the detail by which clients know it."""
    account = talk.account(project="locked-legacy-constraint")
    found = error(talk.post("iam", f"/v1/{account['name']}/keys", {}))
    assert (found["status"], found["message"]) == (
        "FAILED_PRECONDITION",
        "Key creation is not allowed on this service account.",
    )
    assert found["details"][0]["violations"][0]["type"] == "constraints/iam.disableServiceAccountKeyCreation"
    assert found["details"][0]["violations"][0]["subject"].startswith(f"{account['name']}?configvalue=")


def test_creation_constraint(talk: Talk) -> None:
    """An organisation that forbids service accounts would get one."""
    project = talk.google.state.projects["demo"]
    project.constraints = frozenset({"iam.disableServiceAccountCreation"})
    found = error(talk.post("iam", ACCOUNTS, {"accountId": "docker-reader"}))
    assert found["details"][0]["violations"][0]["type"] == "constraints/iam.disableServiceAccountCreation"
    assert project.accounts == {}


def test_keys_that_end(talk: Talk) -> None:
    """A key of a project with a limit would live for ever."""
    account = talk.account(project="expiring")
    key = talk.key(account)
    file = base64.b64decode(key["privateKeyData"]).decode()
    gate = talk.google.gates()[0]
    assert key["validBeforeTime"] < "9999"
    assert gate.sign_in("gcr.io", "_json_key", file) is not None
    talk.world.advance(timedelta(days=91))
    assert gate.sign_in("gcr.io", "_json_key", file) is None


def test_absent_key(talk: Talk) -> None:
    """An absent key would be deleted, or told apart by a caller who gave no project."""
    account = talk.account()
    assert talk.send("DELETE", "iam", f"/v1/{account['name']}/keys/absent").status == 404
    assert talk.send("DELETE", "iam", f"/v1/projects/-/serviceAccounts/{account['email']}/keys/absent").status == 403


def test_account_policy(talk: Talk) -> None:
    """A right on one account would not be seen, or would open another."""
    first, second, user = (talk.account(name) for name in ("first-one", "second-one", "the-user"))
    member = {"role": "roles/iam.serviceAccountTokenCreator", "members": [f"serviceAccount:{user['email']}"]}
    good(talk.post("iam", f"/v1/{first['name']}:setIamPolicy", {"policy": {"bindings": [member]}}))
    token = talk.access_token(user)
    body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
    paths = [f"/v1/projects/-/serviceAccounts/{each['email']}:generateAccessToken" for each in (first, second)]
    assert [talk.post("creds", path, body, token=token).status for path in paths] == [200, 403]


def test_first_day_comes_back(talk: Talk) -> None:
    """A reset would keep what a test made, or throw the operator out."""
    account = talk.account()
    talk.bind("roles/artifactregistry.reader", f"serviceAccount:{account['email']}")
    token = talk.access_token(account)
    talk.google.reset()
    assert talk.get("iam", f"/v1/{account['name']}").status == 404
    assert talk.get("iam", ACCOUNTS, token=token).status == 401
    policy = talk.google.state.projects["demo"].repositories["us", "gcr.io"].policy
    assert f"serviceAccount:{account['email']}" not in policy.members
