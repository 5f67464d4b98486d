"""What was just made is seen late, at every step."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from pullgrant.sandbox.exchange import Response
from sandbox.azure.talk import ARM, GRAPH, Talk, aadsts, good

MANAGEMENT = f"{ARM}/.default"


def told(answer: Response) -> tuple[int, str]:
    """Status, and the most telling words of a refusal."""
    error = (answer.json or {}).get("error") or {}
    words = [each["code"] for each in error.get("details", [])] or [error.get("code", "")]
    return answer.status, str(words[0])


def test_service_principal_after_application(talk: Talk) -> None:
    """A service principal would be made at once; Graph refuses it in two ways while the application replicates."""
    talk.world.settle_after(reads=2)
    application = talk.application()
    body = {"appId": application["appId"]}
    answers = [talk.send("POST", f"{GRAPH}/servicePrincipals", body) for _ in range(3)]
    assert [told(each) for each in answers[:2]] == [
        (400, "NoBackingApplicationObject"),
        (403, "Authorization_RequestDenied"),
    ]
    assert answers[1].json["error"]["message"].endswith("must in the local tenant")
    assert answers[2].status == 201


def late(talk: Talk, method: str, url: str, body: Any = None) -> list[int]:
    """The statuses of three calls."""
    return [talk.send(method, url, body).status for _ in range(3)]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/addPassword", {}, [404, 200, 200]),
        ("PATCH", "", {"notes": "x"}, [409, 204, 204]),
        ("GET", "", None, [404, 200, 200]),
        ("DELETE", "", None, [404, 204, 404]),
    ],
)
def test_calls_right_after_create(talk: Talk, method: str, path: str, body: Any, expected: list[int]) -> None:
    """A call right after an application was created would succeed at once."""
    talk.world.settle_after(reads=1)
    application = talk.application()
    assert late(talk, method, f"{GRAPH}/applications/{application['id']}{path}", body) == expected


def test_lists_lag(talk: Talk) -> None:
    """An application would be listed at once, so that a search after an unknown outcome would always find it."""
    talk.world.settle_after(reads=1)
    talk.application("fresh", uniqueName="fresh")
    wanted = quote("displayName eq 'fresh'")
    url = f"{GRAPH}/applications?$filter={wanted}&$select=displayName"
    assert [len(good(talk.send("GET", url))["value"]) for _ in range(2)] == [0, 1]


def test_an_upsert_never_makes_two(talk: Talk) -> None:
    """A unique name would be given twice because its first owner has not replicated."""
    talk.world.settle_after(reads=1)
    url, headers = f"{GRAPH}/applications(uniqueName='mine')", {"prefer": "create-if-missing"}
    statuses = [talk.send("PATCH", url, {"displayName": "x"}, headers=headers).status for _ in range(3)]
    assert statuses == [201, 409, 204]


def test_service_principals_lag(talk: Talk) -> None:
    """A service principal would be seen at once."""
    application = talk.application()
    talk.world.settle_after(reads=1)
    principal = talk.principal(application["appId"])
    assert late(talk, "GET", f"{GRAPH}/servicePrincipals/{principal['id']}") == [404, 200, 200]


def test_role_assignment_after_service_principal(talk: Talk) -> None:
    """A role could be given to a principal before Resource Manager has heard of it."""
    application = talk.application()
    talk.world.settle_after(reads=2)
    principal = talk.principal(application["appId"])
    answers = [talk.assign(principal["id"]) for _ in range(3)]
    assert [told(each) for each in answers[:2]] == [(400, "PrincipalNotFound")] * 2
    assert principal["id"].replace("-", "") in answers[0].json["error"]["message"]
    assert answers[2].status == 201


def test_a_new_password_signs_in_late(talk: Talk) -> None:
    """A new password would work everywhere at once, or the old one would stop meanwhile."""
    reader = talk.reader()
    talk.world.settle_after(reads=2)
    fresh = talk.password(reader.id)
    answers = [talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=fresh["secretText"]) for _ in range(3)]
    assert [aadsts(each)[2] for each in answers[:2]] == [7000215] * 2
    assert answers[2].status == 200
    assert talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret).status == 200


def test_a_new_password_is_removed_late(talk: Talk) -> None:
    """A password could be removed before it has replicated: Graph answers as if it were not there."""
    reader = talk.reader()
    talk.world.settle_after(reads=1)
    fresh = talk.password(reader.id)
    body = {"keyId": fresh["keyId"]}
    assert late(talk, "POST", f"{GRAPH}/applications/{reader.id}/removePassword", body) == [400, 204, 400]


def test_a_new_password_is_listed_late(talk: Talk) -> None:
    """A password would be listed at once, so that a search after an unknown outcome would always find it."""
    reader = talk.reader()
    talk.world.settle_after(reads=1)
    talk.password(reader.id)
    url = f"{GRAPH}/applications/{reader.id}?$select=passwordCredentials"
    assert [len(good(talk.send("GET", url))["passwordCredentials"]) for _ in range(2)] == [1, 2]


def test_a_new_application_signs_in_late(talk: Talk) -> None:
    """Sign-in would know a new application and a new service principal at once."""
    talk.world.settle_after(seconds=60)
    application = talk.application()
    answer = talk.sign_in(MANAGEMENT, app_id=application["appId"], secret="any")
    assert aadsts(answer) == (400, "unauthorized_client", 700016)


def test_a_new_grant_pulls_late(talk: Talk) -> None:
    """A role assignment would be honoured by the registry at once."""
    reader = talk.reader()
    talk.world.settle_after(reads=1)
    assert talk.assign(reader.principal).status == 201
    login = (reader.app_id, reader.secret)
    assert [talk.actions(login, "app") for _ in range(2)] == [[], ["pull"]]


def test_nothing_is_late_by_default(talk: Talk) -> None:
    """Every test would have to wait."""
    reader = talk.reader()
    assert talk.assign(reader.principal).status == 201
    assert talk.actions((reader.app_id, reader.secret), "app") == ["pull"]
