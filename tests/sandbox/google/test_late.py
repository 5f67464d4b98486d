"""Changes that are seen late: accounts, keys and grants, each by its own readers."""

from __future__ import annotations

import base64
from datetime import timedelta

from sandbox.google.talk import GCR, Talk, error, good

READER = "roles/artifactregistry.reader"


def test_new_account(talk: Talk) -> None:
    """A new account would be seen at once by GET, or not in the end."""
    talk.world.settle_after(reads=2)
    account = talk.account()
    path = f"/v1/{account['name']}"
    assert [talk.get("iam", path).status for _ in range(4)] == [404, 404, 200, 200]


def test_new_account_without_a_project(talk: Talk) -> None:
    """A caller who gave no project would be told 404 in place of 403."""
    talk.world.settle_after(reads=1)
    account = talk.account()
    path = f"/v1/projects/-/serviceAccounts/{account['email']}"
    assert [talk.get("iam", path).status for _ in range(2)] == [403, 200]


def test_new_account_gets_no_key_yet(talk: Talk) -> None:
    """A key could be made for an account that other servers do not know."""
    talk.world.settle_after(reads=1)
    account = talk.account()
    answers = [talk.post("iam", f"/v1/{account['name']}/keys", {}) for _ in range(2)]
    assert [answer.status for answer in answers] == [404, 200]
    assert error(answers[0])["status"] == "NOT_FOUND"


def test_new_account_is_no_member_yet(talk: Talk) -> None:
    """A new account could be bound at once, or seeing it elsewhere would make it bindable."""
    talk.world.settle_after(reads=1)
    account = talk.account()
    talk.world.settle_after()
    assert talk.get("iam", f"/v1/{account['name']}").status == 404
    assert talk.get("iam", f"/v1/{account['name']}").status == 200
    found = error(talk.bind(READER, f"serviceAccount:{account['email']}"))
    assert found["message"] == f"Service account {account['email']} does not exist."
    assert talk.bind(READER, f"serviceAccount:{account['email']}").status == 200


def test_new_account_has_no_token_yet(talk: Talk) -> None:
    """A token of an account that is not seen yet would be given out."""
    talk.world.settle_after(reads=1)
    account = talk.account()
    path = f"/v1/projects/-/serviceAccounts/{account['email']}:generateAccessToken"
    body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
    assert [talk.post("creds", path, body).status for _ in range(2)] == [404, 200]


def test_new_key(talk: Talk) -> None:
    """A new key would sign in at the registry at once."""
    account, gate = talk.account(), talk.google.gates()[0]
    talk.world.settle_after(seconds=60)
    file = base64.b64decode(talk.key(account)["privateKeyData"]).decode()
    assert gate.sign_in("gcr.io", "_json_key", file) is None
    talk.world.advance(timedelta(seconds=61))
    assert gate.sign_in("gcr.io", "_json_key", file) is not None


def test_new_grant_and_its_end(talk: Talk) -> None:
    """A grant would work at once, or its removal would."""
    account, gate = talk.account(), talk.google.gates()[0]
    visitor = gate.sign_in("gcr.io", "_json_key", base64.b64decode(talk.key(account)["privateKeyData"]).decode())
    before = good(talk.get("ar", f"{GCR}:getIamPolicy?options.requestedPolicyVersion=3"))
    talk.world.settle_after(reads=2)
    good(talk.bind(READER, f"serviceAccount:{account['email']}"))
    assert [gate.actions("gcr.io", visitor, "demo/app") for _ in range(3)] == [frozenset(), frozenset(), {"pull"}]
    good(talk.post("ar", f"{GCR}:setIamPolicy", {"policy": {**before, "etag": ""}}))
    assert [gate.actions("gcr.io", visitor, "demo/app") for _ in range(3)] == [{"pull"}, {"pull"}, frozenset()]


def test_others_do_not_wait(talk: Talk) -> None:
    """A change would make readers wait whom it does not concern, or their questions would count as reads of it."""
    account, gate = talk.account(), talk.google.gates()[0]
    visitor = gate.sign_in("gcr.io", "_json_key", base64.b64decode(talk.key(account)["privateKeyData"]).decode())
    operator = gate.sign_in("gcr.io", "oauth2accesstoken", talk.token)
    talk.world.settle_after(reads=1)
    good(talk.bind(READER, f"serviceAccount:{account['email']}"))
    assert gate.actions("gcr.io", operator, "demo/app") == {"pull", "push", "delete"}
    assert [gate.actions("gcr.io", visitor, "demo/app") for _ in range(2)] == [frozenset(), {"pull"}]


def test_two_changes(talk: Talk) -> None:
    """A second change would make the first one seen early."""
    account, gate = talk.account(), talk.google.gates()[0]
    visitor = gate.sign_in("gcr.io", "_json_key", base64.b64decode(talk.key(account)["privateKeyData"]).decode())
    talk.world.settle_after(seconds=60)
    good(talk.bind(READER, f"serviceAccount:{account['email']}"))
    good(talk.bind(READER, "user:other@example.com"))
    assert gate.actions("gcr.io", visitor, "demo/app") == frozenset()
    talk.world.advance(timedelta(seconds=61))
    assert gate.actions("gcr.io", visitor, "demo/app") == {"pull"}


def test_writers_see_their_own_writes(talk: Talk) -> None:
    """A name would be free, or a policy old, for the writer who has just changed it."""
    talk.world.settle_after(seconds=60)
    account = talk.account()
    assert talk.post("iam", "/v1/projects/demo/serviceAccounts", {"accountId": "docker-reader"}).status == 409
    assert account["email"] in str(good(talk.get("iam", "/v1/projects/demo/serviceAccounts")))
    policy = good(talk.bind(READER, "user:other@example.com"))
    assert good(talk.get("ar", f"{GCR}:getIamPolicy?options.requestedPolicyVersion=3")) == policy
