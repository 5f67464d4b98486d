"""Role assignments."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from pullgrant.sandbox.azure.roles import ACR_PULL, ACR_PUSH, REPOSITORY_READER
from pullgrant.sandbox.azure.state import Assignment
from sandbox.azure.talk import ARM, AUTHORIZATION, CONDITION, ROLES_VERSION, Talk, good, refused

ONE, TWO = "11111111-0000-0000-0000-000000000001", "11111111-0000-0000-0000-000000000002"


def test_the_same_name_twice(talk: Talk) -> None:
    """An assignment with a name of one's own could not be repeated."""
    reader = talk.reader()
    assert [talk.assign(reader.principal, name=ONE).status for _ in range(2)] == [201, 200]


def test_the_same_grant_under_another_name(talk: Talk) -> None:
    """Two assignments could say the same."""
    reader = talk.reader()
    talk.assign(reader.principal, name=ONE)
    assert refused(talk.assign(reader.principal, name=TWO)) == (409, "RoleAssignmentExists")
    assert talk.send("GET", talk.assignment(TWO)).status == 404


def test_a_name_keeps_its_grant(talk: Talk) -> None:
    """An assignment could be turned into another one under its name."""
    reader = talk.reader()
    talk.assign(reader.principal, name=ONE)
    assert refused(talk.assign(reader.principal, ACR_PUSH, name=ONE)) == (409, "RoleAssignmentUpdateNotPermitted")


def test_a_condition_can_be_changed(talk: Talk) -> None:
    """The condition of an assignment could not be changed in place."""
    reader, scope = talk.reader(), talk.registry("demoabac")
    talk.assign(reader.principal, REPOSITORY_READER, scope=scope)
    answer = talk.assign(reader.principal, REPOSITORY_READER, scope=scope, condition=CONDITION, conditionVersion="2.0")
    assert (answer.status, answer.json["properties"]["condition"]) == (200, CONDITION)
    assert good(talk.send("GET", talk.assignment(ONE, scope)))["properties"]["conditionVersion"] == "2.0"


@pytest.mark.parametrize("version", [None, "1.0"])
def test_a_condition_needs_its_version(talk: Talk, version: str | None) -> None:
    """A condition would be taken in a version that there is not."""
    reader = talk.reader()
    answer = talk.assign(reader.principal, condition=CONDITION, conditionVersion=version)
    assert refused(answer) == (400, "InvalidConditionVersion")


def test_wrong_type(talk: Talk) -> None:
    """The User of the SDK's default would pass for a service principal."""
    reader = talk.reader()
    answer = talk.assign(reader.principal, principalType="User")
    assert refused(answer) == (400, "UnmatchedPrincipalType")


def test_unknown_principal(talk: Talk) -> None:
    """Anybody could be given a role."""
    answer = talk.assign("00000000-0000-0000-0000-000000000001")
    assert refused(answer) == (400, "PrincipalNotFound")
    assert answer.json["error"]["message"].startswith("Principal 00000000000000000000000000000001 does not exist")


def test_the_application_is_no_principal(talk: Talk) -> None:
    """The application's object id would do in place of the service principal's."""
    reader = talk.reader()
    assert refused(talk.assign(reader.id)) == (400, "PrincipalNotFound")


def test_unknown_role(talk: Talk) -> None:
    """A role that there is not could be given."""
    reader = talk.reader()
    assert refused(talk.assign(reader.principal, TWO)) == (404, "RoleDefinitionDoesNotExist")


def test_unknown_scope(talk: Talk) -> None:
    """A role could be given on a registry that there is not."""
    reader = talk.reader()
    scope = talk.registry().replace("demo", "nothere")
    assert refused(talk.assign(reader.principal, scope=scope)) == (404, "ResourceNotFound")


@pytest.mark.parametrize("body", [{}, {"properties": "x"}, []])
def test_bad_bodies(talk: Talk, body: object) -> None:
    """A body that says nothing would pass."""
    assert talk.send("PUT", talk.assignment(ONE), body).status == 400


def test_a_name_is_a_guid(talk: Talk) -> None:
    """Any name would do."""
    reader = talk.reader()
    assert refused(talk.assign(reader.principal, name="mine")) == (400, "InvalidRoleAssignmentId")


def test_deleting(talk: Talk) -> None:
    """An assignment that is gone could not be told from one that was just deleted."""
    reader = talk.reader()
    talk.assign(reader.principal)
    first, second = (talk.send("DELETE", talk.assignment(ONE)) for _ in range(2))
    assert (first.status, first.json["name"], second.status, second.json) == (200, ONE, 204, None)
    assert refused(talk.send("GET", talk.assignment(ONE))) == (404, "RoleAssignmentNotFound")


def test_a_name_at_another_scope(talk: Talk) -> None:
    """An assignment could be read or deleted at a scope where it is not."""
    reader = talk.reader()
    talk.assign(reader.principal)
    elsewhere = talk.registry("demoabac")
    assert talk.send("DELETE", talk.assignment(ONE, elsewhere)).status == 204
    assert talk.send("GET", talk.assignment(ONE, elsewhere)).status == 404
    assert talk.send("GET", talk.assignment(ONE)).status == 200


def listed(talk: Talk, scope: str, text: str = "") -> list[str]:
    """The names of the assignments at a scope."""
    wanted = f"&$filter={quote(text)}" if text else ""
    url = f"{ARM}{scope}/{AUTHORIZATION}/roleAssignments?api-version={ROLES_VERSION}{wanted}"
    return [each["name"] for each in good(talk.send("GET", url))["value"]]


def test_lists_and_filters(talk: Talk) -> None:
    """A list would lack what is granted above or below, or a filter would not filter."""
    reader, group = talk.reader(), talk.registry().partition("/providers")[0]
    talk.assign(reader.principal, name=ONE)
    talk.assign(reader.principal, name=TWO, scope=group)
    mine = f"principalId eq '{reader.principal}'"
    assert sorted(listed(talk, talk.registry(), mine)) == [ONE, TWO]
    assert sorted(listed(talk, group, mine)) == [ONE, TWO]
    assert listed(talk, group, f"atScope() and {mine}") == [TWO]
    assert listed(talk, talk.registry("demoabac"), f"assignedTo('{reader.principal}')") == [TWO]
    assert len(listed(talk, talk.registry())) > 2
    url = f"{ARM}{group}/{AUTHORIZATION}/roleAssignments?api-version={ROLES_VERSION}&$filter=everything"
    assert refused(talk.send("GET", url)) == (400, "UnsupportedQuery")


@pytest.mark.parametrize("level", ["registry", "group", "subscription"])
def test_scopes(talk: Talk, level: str) -> None:
    """A grant above the registry would not reach it, or one on another registry would."""
    reader, registry = talk.reader(), talk.registry()
    scopes = {
        "registry": registry,
        "group": registry.partition("/providers")[0],
        "subscription": registry.partition("/res")[0],
    }
    talk.state.assignments[ONE] = Assignment(
        name=ONE,
        scope=scopes[level],
        role=ACR_PULL,
        principal_id=reader.principal,
        principal_type="ServicePrincipal",
        created=talk.world.now(),
        updated=talk.world.now(),
        created_by="test",
    )
    login = (reader.app_id, reader.secret)
    others = talk.actions(login, "app", host="public.azurecr.io"), talk.actions(login, "app", host="nopasswords.azurecr.io")
    assert talk.actions(login, "app") == ["pull"]
    assert others == (["pull"], [] if level == "registry" else ["pull"])
