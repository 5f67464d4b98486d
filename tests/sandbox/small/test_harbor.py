"""The fake Harbor says no where the real one does, and its answers have the published shapes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.harbor import Harbor
from pullgrant.sandbox.harbor.state import HOST
from pullgrant.sandbox.world import World
from sandbox.small.calls import basic, call, token_for, words

READ = {"resource": "repository", "action": "pull"}


class House:
    """One fake with its operator."""

    def __init__(self) -> None:
        self.world = World()
        self.harbor = Harbor(self.world, None)  # type: ignore[arg-type] - its certificates are not needed
        self.gate: Any = self.harbor.gates()[0]
        signs_in = self.harbor.environment(None, "")  # type: ignore[arg-type] - nothing is written
        self.login = (signs_in["HARBOR_USERNAME"], signs_in["HARBOR_PASSWORD"])

    def ask(self, method: str, path: str, body: Any = None, login: tuple[str, str] | None = None) -> Response:
        return call(self.harbor, method, HOST, f"/api/v2.0{path}", body=body, authorization=basic(*(login or self.login)))

    def create(self, login: tuple[str, str] | None = None, **more: Any) -> Response:
        access = more.pop("access", [READ])
        permissions = [{"kind": "project", "namespace": "acme", "access": access}]
        body = {"name": "one", "level": "project", "duration": 30, "permissions": permissions, **more}
        return self.ask("POST", "/robots", body, login)

    def robot(self, **more: Any) -> tuple[str, str, int]:
        made = self.create(**more).json
        return made["name"], made["secret"], made["id"]


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        ({"name": "Two"}, 400, "robot name is not in lower case or contains illegal characters"),
        ({"duration": 0}, 400, "duration must be either -1(Never) or a positive integer"),
        ({"duration": "30"}, 400, "duration must be either"),
        ({"permissions": []}, 400, "bad request empty permission"),
        ({"access": [{"resource": "robot", "action": "update"}]}, 400, "bad request permission: robot:update"),
    ],
)
def test_creation_is_refused(house: House, more: dict[str, Any], status: int, told: str) -> None:
    """A wrong request would make a robot."""
    answer = house.create(**more)
    assert (answer.status, told in words(answer), house.harbor.state.robots) == (status, True, {})


def test_the_server_chooses_secret_and_state(house: House) -> None:
    """A caller's own secret, or a robot born disabled, would be taken."""
    made = house.create(secret="MyOwn1234", disable=True)
    robot = house.harbor.state.robots[made.json["id"]]
    assert (made.status, made.json["name"], made.json["secret"] == "MyOwn1234", robot.disabled) == (
        201,
        "robot$acme+one",
        False,
        False,
    )
    assert house.create().status == 409


def test_lists_show_no_secret_and_need_a_level(house: House) -> None:
    """A list would leak secrets, or show a project's robots to who did not ask for them."""
    house.robot()
    listed = house.ask("GET", "/robots?q=Level%3Dproject%2CProjectID%3D2").json
    assert [(one["name"], "secret" in one) for one in listed] == [("robot$acme+one", False)]
    assert house.ask("GET", "/robots").json == []
    assert house.ask("GET", "/robots?q=Level%3Dproject").status == 400


def test_lists_come_in_pages(house: House) -> None:
    """A client that reads one page only would not be found out."""
    for number in range(3):
        house.robot(name=f"robot-{number}")
    first = house.ask("GET", "/robots?q=Level%3Dproject%2CProjectID%3D2&page_size=2")
    assert (len(first.json), 'rel="next"' in first.headers["link"]) == (2, True)
    assert len(house.ask("GET", "/robots?q=Level%3Dproject%2CProjectID%3D2&page_size=2&page=2").json) == 1


def test_a_robot_has_one_secret(house: House) -> None:
    """A refresh would leave the old secret alive, and a rotation in place would seem safe."""
    name, old, number = house.robot()
    new = house.ask("PATCH", f"/robots/{number}", {"secret": ""}).json["secret"]
    assert (house.gate.sign_in(HOST, name, old), house.gate.sign_in(HOST, name, new) is not None) == (None, True)


def test_put_needs_the_whole_robot(house: House) -> None:
    """A careless PUT would keep what it left out, while the real one enables and widens."""
    name, _, number = house.robot()
    assert house.ask("PUT", f"/robots/{number}", {"name": "one", "level": "project"}).status == 400
    robot = house.harbor.state.robots[number]
    robot.disabled = True
    body = {"name": name, "level": "project", "duration": 60, "permissions": house_permissions()}
    assert house.ask("PUT", f"/robots/{number}", body).status == 200
    assert (robot.disabled, robot.expires_at) == (False, robot.created + timedelta(days=60))


def house_permissions() -> list[dict[str, Any]]:
    return [{"kind": "project", "namespace": "acme", "access": [READ]}]


def test_a_robot_as_administrator(house: House) -> None:
    """A robot would give what it has not, or rotate another in place."""
    rights = [{"resource": "robot", "action": action} for action in ("create", "read", "list", "delete")]
    name, secret, _ = house.robot(access=[*rights, READ])
    made = house.create((name, secret), name="two")
    assert made.status == 201
    stronger = house.create((name, secret), name="three", access=[{"resource": "repository", "action": "push"}])
    assert (stronger.status, "permission scope is invalid" in words(stronger)) == (403, True)
    path = f"/robots/{made.json['id']}"
    assert [house.ask(method, path, {}, (name, secret)).status for method in ("PATCH", "PUT", "DELETE")] == [403, 403, 200]


def test_others_are_refused(house: House) -> None:
    """A stranger, a wrong password or a developer would make robots."""
    state = house.harbor.state
    answers = [house.create(("operator", "wrong")), house.create(("developer", state.users["developer"]))]
    assert [answer.status for answer in answers] == [401, 403]
    assert house.ask("GET", "/projects/none").status == 404
    assert house.ask("GET", "/projects/denied").status == 403


def test_a_token_shows_everything(house: House) -> None:
    """The token service would answer as the specification says, and a client's trust in that not be found out."""
    name, secret, number = house.robot(access=[READ, {"resource": "repository", "action": "push"}])
    asked = ("repository:acme/app:pull", "repository:private/secret:pull")
    assert token_for(house.gate, HOST, (name, secret), *asked) == {"acme/app": {"pull", "push"}, "private/secret": set()}
    house.harbor.state.robots[number].disabled = True
    assert token_for(house.gate, HOST, (name, secret), *asked) == {"acme/app": set(), "private/secret": set()}
    assert token_for(house.gate, HOST, (name, "wrong"), "repository:library/hello:pull,push") == {"library/hello": {"pull"}}
    assert token_for(house.gate, HOST, (name, "wrong")).status == 401


def test_a_robot_expires(house: House) -> None:
    """An expired robot would sign in."""
    name, secret, _ = house.robot(duration=1)
    house.world.advance(timedelta(days=1, seconds=1))
    assert house.gate.sign_in(HOST, name, secret) is None
