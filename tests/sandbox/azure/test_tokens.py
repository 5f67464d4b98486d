"""Tokens and scope maps of a registry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.exchange import Response
from sandbox.azure.talk import Talk, good, refused

PULL = ["repositories/team/app/content/read", "repositories/team/app/metadata/read"]


def scope_map(talk: Talk, actions: list[str] = PULL, name: str = "mymap") -> str:
    """Make a scope map and return its id."""
    body = {"properties": {"description": "ours", "actions": actions}}
    return str(good(talk.send("PUT", talk.of_registry(f"/scopeMaps/{name}"), body), 201)["id"])


def token(talk: Talk, *, actions: list[str] = PULL, name: str = "mytoken") -> str:
    """Make a token and return its id."""
    body = {"properties": {"scopeMapId": scope_map(talk, actions), "status": "enabled"}}
    return str(good(talk.send("PUT", talk.of_registry(f"/tokens/{name}"), body), 201)["id"])


def generate(talk: Talk, **asked: Any) -> Response:
    """Ask for credentials and follow the operation to its end."""
    body = {"tokenId": f"{talk.registry()}/tokens/mytoken", **asked}
    answer = talk.send("POST", talk.of_registry("/generateCredentials"), body)
    return answer if answer.status != 202 else talk.send("GET", answer.headers["location"])


def passwords(talk: Talk, **asked: Any) -> dict[str, str]:
    """Return the values of a generation by slot."""
    return {each["name"]: each["value"] for each in good(generate(talk, **asked))["passwords"] if each["value"]}


def opens(talk: Talk, secret: str) -> bool:
    """Whether a password opens the registry."""
    return talk.registry_token(("mytoken", secret), "repository:team/app:pull").status == 200


def test_a_scope_map_narrows(talk: Talk) -> None:
    """A token would pull more than its scope map says, or push."""
    token(talk)
    login = ("mytoken", passwords(talk, name="password1")["password1"])
    assert [talk.actions(login, name) for name in ("team/app", "team/other", "app")] == [["pull"], [], []]


@pytest.mark.parametrize(
    ("actions", "allowed"),
    [
        (["repositories/team/*/content/read"], {"team/app", "team/other"}),
        (["repositories/*/content/read"], {"app", "team/app", "team/other"}),
        (["repositories/app/content/read", "repositories/team/other/content/read"], {"app", "team/other"}),
        (["repositories/app/metadata/read"], set()),
    ],
)
def test_wildcards(talk: Talk, actions: list[str], allowed: set[str]) -> None:
    """A wildcard at the end of a name would mean something else."""
    token(talk, actions=actions)
    login = ("mytoken", passwords(talk, name="password1")["password1"])
    assert {name for name in ("app", "team/app", "team/other") if talk.actions(login, name)} == allowed


def test_writing_rights(talk: Talk) -> None:
    """A token that may push could not be told from one that may not."""
    verbs = ("content/read", "content/write", "content/delete")
    token(talk, actions=[f"repositories/team/app/{verb}" for verb in verbs])
    login = ("mytoken", passwords(talk, name="password1")["password1"])
    assert talk.actions(login, "team/app") == ["delete", "pull", "push"]


@pytest.mark.parametrize(
    "actions",
    [
        [],
        ["repositories/myrepository/contentWrite"],
        ["repositories/te*m/content/read"],
        ["repositories/Team/content/read"],
        ["registry/catalog/list"],
        "repositories/a/content/read",
        [1],
    ],
)
def test_bad_actions(talk: Talk, actions: Any) -> None:
    """An action that the registry does not know would be taken and then do nothing."""
    body = {"properties": {"actions": actions}}
    assert talk.send("PUT", talk.of_registry("/scopeMaps/mymap"), body).status == 400


def test_without_a_name_both_are_made(talk: Talk) -> None:
    """Asking without a slot would spare the password in use; at Azure that is an outage."""
    token(talk)
    first = passwords(talk, name="password1")["password1"]
    assert opens(talk, first) is True
    made = passwords(talk)
    assert set(made) == {"password1", "password2"}
    assert (opens(talk, first), opens(talk, made["password1"]), opens(talk, made["password2"])) == (False, True, True)


def test_slots_are_apart(talk: Talk) -> None:
    """Making one password would end the other, or show its value again."""
    token(talk)
    first = passwords(talk, name="password1")
    second = passwords(talk, name="password2")
    assert (set(first), set(second)) == ({"password1"}, {"password2"})
    assert (opens(talk, first["password1"]), opens(talk, second["password2"])) == (True, True)


def test_a_regenerated_password_is_late(talk: Talk) -> None:
    """A password that was made anew would work at once; a slot's first one would not."""
    token(talk)
    talk.world.settle_after(reads=1)
    body = {"tokenId": f"{talk.registry()}/tokens/mytoken", "name": "password1"}

    def made() -> str:
        answer = talk.send("POST", talk.of_registry("/generateCredentials"), body)
        waiting, ended = (talk.send("GET", answer.headers["location"]) for _ in range(2))
        assert waiting.status == 202
        return str(good(ended)["passwords"][0]["value"])

    assert opens(talk, made()) is True
    again = made()
    assert [opens(talk, again) for _ in range(2)] == [False, True]


def test_expiry(talk: Talk) -> None:
    """A password would outlive its end, or one without an end would die."""
    token(talk)
    dying = passwords(talk, name="password1", expiry=talk.days_on(1))["password1"]
    lasting = passwords(talk, name="password2")["password2"]
    assert opens(talk, dying) is True
    talk.world.advance(timedelta(days=1, seconds=1))
    assert (opens(talk, dying), opens(talk, lasting)) == (False, True)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"name": "password3"}, "InvalidPasswordName"),
        ({"expiry": "soon"}, "InvalidRequestContent"),
        ({"expiry": "2001-01-01T00:00:00Z"}, "InvalidPasswordExpiry"),
        ({"tokenId": "mytoken"}, "InvalidTokenId"),
    ],
)
def test_bad_generations(talk: Talk, asked: dict[str, str], code: str) -> None:
    """A request for credentials that means nothing would change a password."""
    token(talk)
    assert refused(generate(talk, **asked)) == (400, code)
    assert good(talk.send("GET", talk.of_registry("/tokens/mytoken")))["properties"]["credentials"] == {"passwords": []}


def test_keeping_passwords(talk: Talk) -> None:
    """A password could not be deleted by leaving it out, or one could be brought in."""
    token(talk)
    made = passwords(talk)
    url = talk.of_registry("/tokens/mytoken")
    keep = {"properties": {"credentials": {"passwords": [{"name": "password2"}]}}}
    assert talk.send("PATCH", url, keep).status == 200
    assert (opens(talk, made["password1"]), opens(talk, made["password2"])) == (False, True)
    both = {"properties": {"credentials": {"passwords": [{"name": "password1"}, {"name": "password2"}]}}}
    assert refused(talk.send("PATCH", url, both)) == (400, "InvalidTokenCredentials")
    assert talk.send("PATCH", url, {"properties": {"status": "enabled"}}).status == 200
    assert opens(talk, made["password2"]) is True


def test_disabling(talk: Talk) -> None:
    """A disabled token would go on opening the registry."""
    token(talk)
    secret = passwords(talk, name="password1")["password1"]
    url = talk.of_registry("/tokens/mytoken")
    assert talk.send("PATCH", url, {"properties": {"status": "disabled"}}).status == 200
    assert opens(talk, secret) is False
    assert good(talk.send("GET", url))["properties"]["status"] == "disabled"


def test_deleting(talk: Talk) -> None:
    """A deleted token would go on, or could not be deleted twice."""
    token(talk)
    secret = passwords(talk, name="password1")["password1"]
    assert [talk.send("DELETE", talk.of_registry("/tokens/mytoken")).status for _ in range(2)] == [202, 204]
    assert opens(talk, secret) is False
    assert [talk.send("DELETE", talk.of_registry("/scopeMaps/mymap")).status for _ in range(2)] == [202, 204]
    assert refused(talk.send("GET", talk.of_registry("/scopeMaps/mymap"))) == (404, "ResourceNotFound")


def test_a_token_without_its_scope_map(talk: Talk) -> None:
    """A token whose scope map was deleted would keep its rights."""
    token(talk)
    secret = passwords(talk, name="password1")["password1"]
    talk.send("DELETE", talk.of_registry("/scopeMaps/mymap"))
    assert talk.actions(("mytoken", secret), "team/app") == []


def test_changing_a_scope_map(talk: Talk) -> None:
    """A changed scope map would not reach the tokens that have it."""
    token(talk)
    login = ("mytoken", passwords(talk, name="password1")["password1"])
    body = {"properties": {"actions": ["repositories/app/content/read"]}}
    assert talk.send("PATCH", talk.of_registry("/scopeMaps/mymap"), body).status == 200
    assert [talk.actions(login, name) for name in ("team/app", "app")] == [[], ["pull"]]
    assert talk.send("PUT", talk.of_registry("/scopeMaps/mymap"), {"properties": {"actions": PULL}}).status == 200
    assert talk.actions(login, "team/app") == ["pull"]


def test_built_in_scope_maps(talk: Talk) -> None:
    """A built-in scope map would be missing, or could be changed."""
    found = good(talk.send("GET", talk.of_registry("/scopeMaps")))["value"]
    assert "_repositories_pull" in [each["name"] for each in found]
    url = talk.of_registry("/scopeMaps/_repositories_pull")
    assert refused(talk.send("DELETE", url)) == (400, "SystemDefinedScopeMapNotModifiable")
    assert refused(talk.send("PATCH", url, {"properties": {}})) == (400, "SystemDefinedScopeMapNotModifiable")


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({}, 400),
        ({"scopeMapId": "nothing"}, 404),
        ({"scopeMapId": "{other}/scopeMaps/_repositories_pull"}, 404),
        ({"scopeMapId": "{own}/scopeMaps/_repositories_pull", "status": "asleep"}, 400),
        ({"scopeMapId": "{own}/scopeMaps/_repositories_pull"}, 201),
    ],
)
def test_tokens_need_a_scope_map(talk: Talk, properties: dict[str, str], status: int) -> None:
    """A token could be made with another registry's scope map, with none, or with a status that there is not."""
    places = {"own": talk.registry(), "other": talk.registry("demoabac")}
    body = {"properties": {name: value.format(**places) for name, value in properties.items()}}
    assert talk.send("PUT", talk.of_registry("/tokens/mytoken"), body).status == status


@pytest.mark.parametrize("name", ["four", "a_b_c_d_e", "x" * 51])
@pytest.mark.parametrize("kind", ["tokens", "scopeMaps"])
def test_names(talk: Talk, kind: str, name: str) -> None:
    """A name that Azure refuses would be taken."""
    body = {"properties": {"actions": PULL, "scopeMapId": f"{talk.registry()}/scopeMaps/_repositories_pull"}}
    assert talk.send("PUT", talk.of_registry(f"/{kind}/{name}"), body).status == 400


@pytest.mark.parametrize("broken", [b"[]", b"{"])
def test_bodies_that_are_no_objects(talk: Talk, broken: bytes) -> None:
    """A broken body would make the fake fail where Azure refuses."""
    for method, path in (("PUT", "/tokens/mytoken"), ("PUT", "/scopeMaps/mymap"), ("POST", "/generateCredentials")):
        assert refused(talk.send(method, talk.of_registry(path), broken)) == (400, "InvalidRequestContent")


def test_operations_take_a_while(talk: Talk) -> None:
    """A client that does not wait for a long-running operation would get away with it."""
    talk.state.polls = 2
    body = {"properties": {"actions": PULL}}
    answer = talk.send("PUT", talk.of_registry("/scopeMaps/mymap"), body)
    link = answer.headers["azure-asyncoperation"]
    statuses = [good(talk.send("GET", link))["status"] for _ in range(3)]
    assert (answer.json["properties"]["provisioningState"], statuses) == (
        "Creating",
        ["InProgress", "InProgress", "Succeeded"],
    )
    gone = talk.send("DELETE", talk.of_registry("/scopeMaps/mymap"))
    assert [talk.send("GET", gone.headers["location"]).status for _ in range(3)] == [202, 202, 204]


def test_unknown_operations(talk: Talk) -> None:
    """An operation that was never started would be said to have succeeded."""
    url = talk.of_registry("/operationResults/registries-00000000")
    assert refused(talk.send("GET", url)) == (404, "OperationNotFound")
