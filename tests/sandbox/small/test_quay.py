"""The fake Quay says no where the real one does."""

from __future__ import annotations

from typing import Any

import pytest

from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.quay import Quay
from pullgrant.sandbox.quay.state import HOST
from pullgrant.sandbox.world import World
from sandbox.small.calls import call, token_for, words

ROBOTS = "/organization/acme/robots"


class House:
    """One fake with its operator."""

    def __init__(self) -> None:
        self.quay = Quay(World(), None)  # type: ignore[arg-type] - its certificates are not needed
        self.gate: Any = self.quay.gates()[0]
        self.token = self.quay.environment(None, "")["QUAY_TOKEN"]  # type: ignore[arg-type] - nothing is written

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Response:
        return call(self.quay, method, HOST, f"/api/v1{path}", body=body, authorization=f"Bearer {token or self.token}")

    def robot(self, short: str = "one", role: str = "read") -> tuple[str, str]:
        made = self.ask("PUT", f"{ROBOTS}/{short}", {"description": "mine"}).json
        self.ask("PUT", f"/repository/acme/app/permissions/user/acme%2B{short}", {"role": role})
        return made["name"], made["token"]


@pytest.fixture
def house() -> House:
    return House()


def test_creation(house: House) -> None:
    """A robot would have another kind of secret, be made twice, or under any name."""
    made = house.ask("PUT", f"{ROBOTS}/one", {"description": "x" * 300})
    assert (made.status, made.json["name"], len(made.json["token"])) == (201, "acme+one", 64)
    assert house.quay.state.organizations["acme"].robots["one"].description == "x" * 255
    again = house.ask("PUT", f"{ROBOTS}/one", {})
    assert (again.status, "Existing robot with name: acme+one" in words(again)) == (400, True)
    assert house.ask("PUT", f"{ROBOTS}/One", {}).status == 400


def test_robots_switched_off(house: House) -> None:
    """A Quay whose administrator forbids robots would make them."""
    house.quay.state.robots_disallowed = True
    assert "Robot accounts have been disabled" in words(house.ask("PUT", f"{ROBOTS}/one", {}))


def test_the_token_is_readable_again(house: House) -> None:
    """A list without `token=false` would seem harmless, which the real one is not."""
    _, secret = house.robot()
    assert house.ask("GET", f"{ROBOTS}/one").json["token"] == secret
    assert house.ask("GET", ROBOTS).json["robots"][0]["token"] == secret
    shown = house.ask("GET", f"{ROBOTS}?token=false&permissions=true").json["robots"][0]
    assert ("token" in shown, shown["repositories"], shown["teams"]) == (False, ["app"], [])


def test_regeneration_kills_the_old_token(house: House) -> None:
    """A rotation in place would seem safe."""
    name, old = house.robot()
    new = house.ask("POST", f"{ROBOTS}/one/regenerate").json["token"]
    assert (house.gate.sign_in(HOST, name, old), house.gate.sign_in(HOST, name, new) is not None) == (None, True)


def test_deletion(house: House) -> None:
    """A robot that serves a mirror would be deleted, or one that is not there be told in the form of a 404."""
    name, secret = house.robot()
    robot = house.quay.state.organizations["acme"].robots["one"]
    robot.mirrors = True
    assert "used by a mirror" in words(house.ask("DELETE", f"{ROBOTS}/one"))
    robot.mirrors = False
    assert house.ask("DELETE", f"{ROBOTS}/one").status == 204
    assert house.gate.sign_in(HOST, name, secret) is None
    assert house.ask("DELETE", f"{ROBOTS}/one").status == 400


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("nothing", ROBOTS, 401),
        ("{}-of-a-stranger", ROBOTS, 403),
        ("{}-without-org-admin", ROBOTS, 403),
        ("{}-without-repo-admin", "/repository/acme/app/permissions/user/", 403),
        ("{}-of-a-stranger", "/repository/acme/app", 403),
        ("{}", "/repository/acme/none", 404),
    ],
)
def test_others_are_refused(house: House, token: str, path: str, status: int) -> None:
    """An operator who lacks a scope or a right would not be told so."""
    assert house.ask("GET", path, token=token.format(house.token)).status == status


def test_roles(house: House) -> None:
    """A role would not open what it opens, or an unknown one be taken."""
    for role, actions in (("read", {"pull"}), ("write", {"pull", "push"}), ("admin", {"pull", "push", "delete"})):
        login = house.robot(f"robot-{role}", role)
        assert token_for(house.gate, HOST, login, "repository:acme/app:*") == {"acme/app": actions}
    path = "/repository/acme/app/permissions/user/acme%2Brobot-read"
    assert house.ask("PUT", path, {"role": "owner"}).status == 400
    assert house.ask("DELETE", path).status == 204
    assert house.ask("DELETE", path).status == 400


def test_the_token_service(house: House) -> None:
    """A wrong login would get a token, or a wrong action be understood."""
    login = house.robot()
    assert token_for(house.gate, HOST, (login[0], "wrong"), "repository:acme/app:pull").status == 401
    assert token_for(house.gate, HOST, None).status == 401
    refused = token_for(house.gate, HOST, login, "repository:acme/app:delete")
    assert (refused.status, "Unable to decode repository and actions" in words(refused)) == (400, True)
    assert token_for(house.gate, HOST, login, "repository:acme/app:pull,push") == {"acme/app": {"pull"}}
    assert token_for(house.gate, HOST, None, "repository:acme/app:pull", "repository:acme/open:pull") == {
        "acme/app": set(),
        "acme/open": {"pull"},
    }


def test_asking_for_push_makes_a_repository(house: House) -> None:
    """A proof that asks for push first would be harmless here and leave repositories there."""
    token_for(house.gate, HOST, ("$oauthtoken", house.token), "repository:acme/fresh:pull,push")
    token_for(house.gate, HOST, house.robot(), "repository:acme/fresh2:pull,push")
    assert {"fresh", "fresh2"} & set(house.quay.state.organizations["acme"].repositories) == {"fresh"}
