"""Passwords of applications and service principals."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.azure.state import Policy
from sandbox.azure.talk import ARM, GRAPH, Reader, Talk, good, refused, time_of

MANAGEMENT = f"{ARM}/.default"


def signs_in(talk: Talk, reader: Reader, secret: str) -> bool:
    """Whether a secret signs a reader in."""
    return talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=secret).status == 200


def remove(talk: Talk, reader: Reader, key_id: str) -> int:
    """Remove a password."""
    return talk.send("POST", f"{GRAPH}/applications/{reader.id}/removePassword", {"keyId": key_id}).status


def test_passwords_stand_beside_each_other(talk: Talk) -> None:
    """A new password would end the old one, or removing one would end another."""
    reader = talk.reader()
    second = talk.password(reader.id)
    assert (signs_in(talk, reader, reader.secret), signs_in(talk, reader, second["secretText"])) == (True, True)
    assert remove(talk, reader, reader.key_id) == 204
    assert (signs_in(talk, reader, reader.secret), signs_in(talk, reader, second["secretText"])) == (False, True)


def test_each_password_is_new(talk: Talk) -> None:
    """Secrets would repeat, or not look like those of Entra, which hold a tilde."""
    reader = talk.reader()
    made = [talk.password(reader.id) for _ in range(5)]
    texts = [each["secretText"] for each in made]
    assert len(set(texts)) == len({each["keyId"] for each in made}) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9]{3}8Q~[A-Za-z0-9_~.-]{34}", text, re.ASCII) for text in texts)


def test_no_secret_is_kept(talk: Talk) -> None:
    """The state would hold a secret that a log or a failed assertion could show."""
    reader = talk.reader()
    assert reader.secret not in repr(talk.state)


def test_without_dates(talk: Talk) -> None:
    """A password without dates would not last the two years that Graph gives it."""
    reader = talk.reader()
    made = good(talk.send("POST", f"{GRAPH}/applications/{reader.id}/addPassword", {}))
    assert time_of(made["endDateTime"]) - time_of(made["startDateTime"]) == timedelta(days=730)


def test_absent_password(talk: Talk) -> None:
    """Removing a password twice would succeed, or fail without the words that clients look for."""
    reader = talk.reader()
    assert remove(talk, reader, reader.key_id) == 204
    url = f"{GRAPH}/applications/{reader.id}/removePassword"
    answer = talk.send("POST", url, {"keyId": reader.key_id})
    assert (refused(answer), "No password credential found with keyId" in answer.json["error"]["message"]) == (
        (400, "Request_BadRequest"),
        True,
    )


def test_on_the_service_principal(talk: Talk) -> None:
    """A password that somebody put on the service principal would be missed, or would not sign in."""
    reader = talk.reader()
    url = f"{GRAPH}/servicePrincipals/{reader.principal}"
    made = good(talk.send("POST", f"{url}/addPassword", {"passwordCredential": {"displayName": "theirs"}}))
    shown = good(talk.send("GET", url))["passwordCredentials"]
    assert (signs_in(talk, reader, made["secretText"]), [each["keyId"] for each in shown]) == (True, [made["keyId"]])
    assert talk.send("POST", f"{url}/removePassword", {"keyId": made["keyId"]}).status == 204
    assert signs_in(talk, reader, made["secretText"]) is False


def test_a_patch_can_only_leave_out(talk: Talk) -> None:
    """A PATCH would bring in a password, or could not take one away as older tools do."""
    reader = talk.reader()
    second = talk.password(reader.id)
    url = f"{GRAPH}/applications/{reader.id}"
    new = {"displayName": "new", "endDateTime": talk.days_on(1)}
    assert refused(talk.send("PATCH", url, {"passwordCredentials": [new]})) == (400, "Request_BadRequest")
    assert talk.send("PATCH", url, {"passwordCredentials": [{"keyId": second["keyId"]}]}).status == 204
    assert (signs_in(talk, reader, reader.secret), signs_in(talk, reader, second["secretText"])) == (False, True)


def test_too_many(talk: Talk) -> None:
    """An application could hold any number of passwords."""
    talk.state.most_passwords = 2
    reader = talk.reader()
    talk.password(reader.id)
    answer = talk.send("POST", f"{GRAPH}/applications/{reader.id}/addPassword", {})
    assert (answer.status, "size of the object has exceeded its limit" in answer.json["error"]["message"]) == (403, True)
    wanted = [{"displayName": str(number)} for number in range(3)]
    body = {"displayName": "x", "passwordCredentials": wanted}
    assert talk.send("POST", f"{GRAPH}/applications", body).status == 403


@pytest.mark.parametrize(
    "credential",
    [
        {"endDateTime": "tomorrow"},
        {"endDateTime": "2027-01-01T00:00:00"},
        {"startDateTime": "2027-01-02T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"},
        {"colour": "red"},
        "text",
    ],
)
def test_bad_credentials(talk: Talk, credential: Any) -> None:
    """A credential that Graph cannot read would be made."""
    reader = talk.reader()
    url = f"{GRAPH}/applications/{reader.id}/addPassword"
    assert refused(talk.send("POST", url, {"passwordCredential": credential})) == (400, "Request_BadRequest")


def test_forbidden_passwords(talk: Talk) -> None:
    """A tenant's policy against passwords would be passed by addPassword, or by POST with a password."""
    made = talk.application(tags=["reader=nopasswords.azurecr.io/docker-reader"])
    url = f"{GRAPH}/applications/{made['id']}/addPassword"
    assert refused(talk.send("POST", url, {})) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")
    body = {"displayName": "nopasswords", "passwordCredentials": [{}]}
    answer = talk.send("POST", f"{GRAPH}/applications", body)
    assert refused(answer) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")
    assert [each["displayName"] for each in good(talk.send("GET", f"{GRAPH}/applications"))["value"]].count(
        "nopasswords"
    ) == 0


def test_forbidden_on_the_service_principal_too(talk: Talk) -> None:
    """A policy on an application would not hold for its service principal."""
    made = talk.application(notes="for nopasswords.azurecr.io")
    principal = talk.principal(made["appId"])
    url = f"{GRAPH}/servicePrincipals/{principal['id']}/addPassword"
    assert refused(talk.send("POST", url, {})) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")


def test_short_life(talk: Talk) -> None:
    """A tenant's limit of 30 days would not hold, or would refuse 30 days."""
    made = talk.application("docker-reader", notes="for shortlife.azurecr.io")
    url = f"{GRAPH}/applications/{made['id']}/addPassword"
    answer = talk.send("POST", url, {"passwordCredential": {"endDateTime": talk.days_on(31)}})
    assert refused(answer) == (400, "CredentialInvalidLifetimeAsPerAppPolicy")
    assert [each["code"] for each in answer.json["error"]["details"]] == ["InvalidKeyEndDate"]
    assert refused(talk.send("POST", url, {})) == (400, "CredentialInvalidLifetimeAsPerAppPolicy")
    assert talk.password(made["id"], days=29.9)["secretText"]


def test_policies_of_one_world_leave_others_alone(talk: Talk) -> None:
    """A policy would reach the readers of every registry."""
    assert talk.reader("docker-reader").secret
    talk.state.policies.append(Policy(word="", forbids_passwords=True))
    made = talk.application("any")
    assert talk.send("POST", f"{GRAPH}/applications/{made['id']}/addPassword", {}).status == 400
