"""Policies of the fake: versions, etags, conditions, members; and every way in which a write is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.google.talk import CONDITIONAL, GCR, Talk, error, good

ROLE = "roles/artifactregistry.reader"
BUCKET = "/storage/v1/b/artifacts.legacy.appspot.com/iam"
PROJECT = "/v3/projects/demo"


def read(talk: Talk, version: int = 3) -> dict[str, Any]:
    """Return the policy of demo's eu.gcr.io repository, which has a condition."""
    found: dict[str, Any] = good(talk.get("ar", f"{CONDITIONAL}:getIamPolicy?options.requestedPolicyVersion={version}"))
    return found


def write(talk: Talk, policy: dict[str, Any], **body: Any) -> Any:
    """Send a policy to the same repository."""
    return talk.post("ar", f"{CONDITIONAL}:setIamPolicy", {"policy": policy, **body})


def test_write(talk: Talk) -> None:
    """A written policy would not be the one that is read afterwards, or its etag would stay."""
    before = read(talk)
    group = {"role": ROLE, "members": ["group:team@example.com"]}
    after = good(write(talk, before | {"bindings": [*before["bindings"], group]}))
    assert after["bindings"] == [*before["bindings"], group]
    assert after["etag"] != before["etag"]
    assert read(talk) == after


def test_lost_race(talk: Talk) -> None:
    """The second of two writers would overwrite the first."""
    policy = read(talk)
    good(write(talk, policy))
    found = error(write(talk, policy))
    assert (found["code"], found["status"]) == (409, "ABORTED")
    assert found["message"].startswith("There were concurrent policy changes. Please retry the whole read-modify-write")


def test_etag_in_both_alphabets(talk: Talk) -> None:
    """gcloud, which sends an etag back in the other base64 alphabet, would lose every race."""
    policy = read(talk)
    other = policy["etag"].replace("+", "-").replace("/", "_")
    assert other != policy["etag"]
    good(write(talk, policy | {"etag": other}))


def test_etag_that_is_none(talk: Talk) -> None:
    """A text that is no base64 would pass for an etag."""
    assert error(write(talk, read(talk) | {"etag": "?"}))["status"] == "INVALID_ARGUMENT"


def test_versions(talk: Talk) -> None:
    """A reader of version 1 would see conditions, or a version that does not exist would be served."""
    assert (read(talk)["version"], "condition" in read(talk)["bindings"][1]) == (3, True)
    policy = read(talk)
    assert good(write(talk, policy | {"bindings": policy["bindings"][:1]}))["version"] == 1
    talk.google.reset()
    old = read(talk, 1)
    assert old["version"] == 1
    assert old["bindings"][1]["role"].startswith(f"{ROLE}_withcond_")
    assert "condition" not in old["bindings"][1]
    assert talk.get("ar", f"{CONDITIONAL}:getIamPolicy?options.requestedPolicyVersion=2").status == 400


def test_old_writers_cannot_drop_conditions(talk: Talk) -> None:
    """A writer of version 1 would lose conditions without a word although it sent the etag."""
    policy = read(talk)
    plain = [binding for binding in policy["bindings"] if "condition" not in binding]
    assert write(talk, {"version": 1, "etag": policy["etag"], "bindings": plain}).status == 400
    assert read(talk) == policy


def test_without_etag_conditions_are_lost(talk: Talk) -> None:
    """The trap of Google's documentation would not be there: no etag, and conditions are overwritten."""
    good(write(talk, {"version": 1, "bindings": []}))
    assert "bindings" not in read(talk)


def test_conditions_need_version_three(talk: Talk) -> None:
    """A conditional binding would be taken from a writer of version 1."""
    bound = {"role": ROLE, "members": ["user:a@example.com"], "condition": {"title": "t", "expression": "true"}}
    assert write(talk, {"version": 1, "bindings": [bound]}).status == 400


@pytest.mark.parametrize(
    "condition", [{"title": "t"}, {"expression": "true"}, {"title": "t", "expression": "true", "if": "x"}]
)
def test_broken_conditions(talk: Talk, condition: dict[str, str]) -> None:
    """A condition that cannot be evaluated would be stored."""
    bound = {"role": ROLE, "members": ["user:a@example.com"], "condition": condition}
    assert write(talk, {"version": 3, "bindings": [bound]}).status == 400


def test_bindings_are_merged(talk: Talk) -> None:
    """Two bindings of one role and condition would stay two, or those of different conditions would become one."""
    mine = {"role": ROLE, "members": ["user:a@example.com"]}
    twin = {"role": ROLE, "members": ["user:b@example.com", "user:a@example.com"]}
    ending = twin | {"condition": {"title": "t", "expression": "false"}}
    policy = good(write(talk, {"version": 3, "bindings": [mine, twin, ending]}))
    assert [len(binding["members"]) for binding in policy["bindings"]] == [2, 2]


@pytest.mark.parametrize(
    "binding",
    [
        {"role": ROLE, "members": []},
        {"role": ROLE},
        {"role": "roles/artifactregistry.puller", "members": ["user:a@example.com"]},
        {"members": ["user:a@example.com"]},
        {"role": ROLE, "members": ["docker-reader@demo.iam.gserviceaccount.com"]},
        {"role": ROLE, "members": ["robot:a@example.com"]},
        {"role": ROLE, "members": ["user:nobody"]},
        {"role": ROLE, "members": ["deleted:serviceAccount:x@demo.iam.gserviceaccount.com?uid=1"]},
        {"role": ROLE, "members": ["user:a@example.com"], "principals": []},
        {"role": ROLE, "members": [f"user:{number}@example.com" for number in range(1501)]},
    ],
)
def test_broken_bindings(talk: Talk, binding: dict[str, Any]) -> None:
    """A binding that Google refuses would be stored."""
    before = read(talk)
    assert error(write(talk, {"version": 3, "bindings": [binding]}))["status"] == "INVALID_ARGUMENT"
    assert read(talk) == before


@pytest.mark.parametrize("policy", [None, [], "x", {"bindings": "x"}, {"bindings": ["x"]}, {"rules": []}])
def test_broken_policies(talk: Talk, policy: Any) -> None:
    """A document that is no policy would be stored."""
    before = read(talk)
    assert write(talk, policy).status == 400
    assert read(talk) == before


def test_member_that_does_not_exist(talk: Talk) -> None:
    """An absent account would be bound, or refused in words by which no client knows it."""
    found = error(talk.bind(ROLE, "serviceAccount:absent@demo.iam.gserviceaccount.com"))
    assert found["message"] == "Service account absent@demo.iam.gserviceaccount.com does not exist."


def test_unique_id_is_no_member(talk: Talk) -> None:
    """An account could be bound by its number, which Google does not take."""
    assert talk.bind(ROLE, f"serviceAccount:{talk.account()['uniqueId']}").status == 400


def test_deleted_member_may_stay(talk: Talk) -> None:
    """A policy that still names a deleted account could not be written back."""
    account = talk.account()
    talk.bind(ROLE, f"serviceAccount:{account['email']}", CONDITIONAL)
    good(talk.send("DELETE", "iam", f"/v1/{account['name']}"))
    good(write(talk, read(talk)))


def test_everybody_is_no_member_of_a_project(talk: Talk) -> None:
    """A project could be opened to everybody."""
    assert talk.bind(ROLE, "allUsers", PROJECT, "crm").status == 400
    assert talk.bind(ROLE, "allUsers").status == 200


def test_audit_configs_survive(talk: Talk) -> None:
    """A write without a mask would lose the audit configuration, or one with a mask would not change it."""
    audit = [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}]
    path = f"{PROJECT}:setIamPolicy"
    policy = good(talk.post("crm", f"{PROJECT}:getIamPolicy", {}))
    policy = good(
        talk.post("crm", path, {"policy": policy | {"auditConfigs": audit}, "updateMask": "bindings,etag,auditConfigs"})
    )
    assert policy["auditConfigs"] == audit
    assert (
        good(talk.post("crm", path, {"policy": {name: policy[name] for name in ("bindings", "etag")}}))["auditConfigs"]
        == audit
    )


def test_bucket_policy(talk: Talk) -> None:
    """A bucket's policy would not be written by PUT, or its lost race would not be a 412."""
    policy = good(talk.get("storage", f"{BUCKET}?optionsRequestedPolicyVersion=3"))
    viewer = {"role": "roles/storage.objectViewer", "members": ["user:a@example.com"]}
    changed = good(talk.send("PUT", "storage", BUCKET, policy | {"bindings": [*policy["bindings"], viewer]}))
    assert changed["bindings"] == [*policy["bindings"], viewer]
    lost = talk.send("PUT", "storage", BUCKET, policy)
    assert (lost.status, error(lost)["errors"][0]["reason"]) == (412, "conditionNotMet")


def test_conditional_bucket_policy(talk: Talk) -> None:
    """A bucket's conditions would be hidden from a reader of version 1 instead of refusing it."""
    policy = good(talk.get("storage", BUCKET))
    condition = {"title": "t", "expression": "false"}
    viewer = {"role": "roles/storage.objectViewer", "members": ["user:a@example.com"], "condition": condition}
    good(talk.send("PUT", "storage", BUCKET, policy | {"version": 3, "bindings": [*policy["bindings"], viewer]}))
    assert talk.get("storage", BUCKET).status == 400
    assert good(talk.get("storage", f"{BUCKET}?optionsRequestedPolicyVersion=3"))["version"] == 3


@pytest.mark.parametrize(
    ("verb", "api", "path"),
    [
        ("GET", "ar", f"{GCR}:getIamPolicy"),
        ("POST", "ar", f"{GCR}:setIamPolicy"),
        ("POST", "crm", f"{PROJECT}:getIamPolicy"),
        ("POST", "crm", f"{PROJECT}:setIamPolicy"),
        ("GET", "storage", BUCKET),
        ("PUT", "storage", BUCKET),
    ],
)
def test_a_reader_touches_no_policy(talk: Talk, verb: str, api: str, path: str) -> None:
    """A reader's own credential could read or write policies."""
    account = talk.account()
    talk.bind(ROLE, f"serviceAccount:{account['email']}", PROJECT, "crm")
    answer = talk.send(verb, api, path, {} if verb != "GET" else None, token=talk.access_token(account))
    assert answer.status == 403


def test_permissions_are_tested_as_the_caller(talk: Talk) -> None:
    """A reader would be told that it may push, or an operator that it may not."""
    account = talk.account()
    talk.bind(ROLE, f"serviceAccount:{account['email']}")
    asked = {"permissions": [f"artifactregistry.repositories.{verb}Artifacts" for verb in ("download", "upload")]}
    answers = [
        talk.post("ar", f"{GCR}:testIamPermissions", asked, token=token) for token in (None, talk.access_token(account))
    ]
    assert [len(good(answer)["permissions"]) for answer in answers] == [2, 1]
    absent = GCR.replace("gcr.io", "absent")
    assert good(talk.post("ar", f"{absent}:testIamPermissions", asked)) == {}
    assert talk.post("ar", f"{GCR}:testIamPermissions", {"permissions": ["artifactregistry.*"]}).status == 400
