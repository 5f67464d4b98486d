"""The fake Docker Hub says no where the real one does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.dockerhub import DockerHub
from pullgrant.sandbox.dockerhub.state import API, REGISTRY, TEAM_PLAN
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.world import World
from sandbox.small.calls import call, token_for, words

TOKENS = "/v2/orgs/acme/access-tokens"
PULL = {"type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"]}


class House:
    """One fake with its owner."""

    def __init__(self) -> None:
        self.world = World()
        self.hub = DockerHub(self.world, None)  # type: ignore[arg-type] - its certificates are not needed
        self.gate: Any = self.hub.gates()[0]
        self.password = self.hub.environment(None, "")["DOCKERHUB_PASSWORD"]  # type: ignore[arg-type] - nothing is written

    def sign_in(self, name: str = "owner", secret: str = "") -> Response:
        known = self.hub.state.users.get(name)
        body = {"identifier": name, "secret": secret or (known.password if known else "")}
        return call(self.hub, "POST", API, "/v2/auth/token", body=body)

    def ask(self, method: str, path: str, body: Any = None, session: str = "") -> Response:
        session = session or self.sign_in().json["access_token"]
        return call(self.hub, method, API, path, body=body, authorization=f"Bearer {session}")

    def create(self, session: str = "", **more: Any) -> Response:
        return self.ask("POST", TOKENS, {"label": "mine", "resources": [PULL], **more}, session)


@pytest.fixture
def house() -> House:
    return House()


def test_signing_in(house: House) -> None:
    """A wrong password, or one behind two-factor sign-in or SSO, would be taken."""
    statuses = {name: house.sign_in(name).status for name in ("owner", "member", "careful", "employee", "nobody")}
    assert statuses == {"owner": 200, "member": 200, "careful": 401, "employee": 401, "nobody": 401}
    assert house.sign_in("owner", "wrong").status == 401


def test_the_second_factor_is_asked_for(house: House) -> None:
    """Password automation would seem to work under two-factor sign-in."""
    body = {"username": "careful", "password": house.hub.state.users["careful"].password}
    answer = call(house.hub, "POST", API, "/v2/users/login", body=body)
    assert (answer.status, "secondary authentication" in words(answer)) == (401, True)


def test_creation(house: House) -> None:
    """The secret would be shown again, or a list tell what a token reaches."""
    made = house.create(expires_at="2030-01-02T03:04:05Z")
    assert (made.status, made.json["token"].startswith("dckr_oat_"), made.json["resources"]) == (201, True, [PULL])
    listed = house.ask("GET", TOKENS).json["results"][0]
    assert ("token" in listed, "resources" in listed, listed["expires_at"]) == (False, False, "2030-01-02T03:04:05Z")
    assert house.ask("GET", f"{TOKENS}/{made.json['id']}").json["resources"] == [PULL]


@pytest.mark.parametrize(
    "more",
    [
        {"label": ""},
        {"label": "x" * 101},
        {"expires_at": "2030-01-02T03:04:05+00:00"},
        {"expires_at": "2030-01-02"},
        {"resources": [{**PULL, "path": "acme/none"}]},
        {"resources": [{**PULL, "path": "other/app"}]},
        {"resources": [{**PULL, "scopes": ["pull"]}]},
        {"resources": [{**PULL, "type": "REPO"}]},
    ],
)
def test_creation_is_refused(house: House, more: dict[str, Any]) -> None:
    """A wrong request would make a token."""
    assert (house.create(**more).status, house.hub.state.tokens) == (400, {})


def test_only_an_owner_by_password(house: House) -> None:
    """A member, a personal token or the organisation's own token would manage the organisation's tokens."""
    personal = house.ask("POST", "/v2/access-tokens", {"token_label": "mine", "scopes": ["repo:admin"]}).json["token"]
    organization = house.create().json["token"]
    sessions = (
        house.sign_in("member"),
        house.sign_in("owner", personal),
        house.sign_in("acme", organization),
    )
    assert [house.create(one.json["access_token"]).status for one in sessions] == [403, 403, 403]
    assert house.ask("GET", "/v2/orgs/none/access-tokens").status == 404


def test_expired_tokens_count(house: House) -> None:
    """A rotation that never deletes would not run into the limit."""
    for _ in range(TEAM_PLAN):
        house.create(expires_at="2030-01-02T03:04:05Z")
    house.world.advance(timedelta(days=3650))
    refused = house.create()
    assert (refused.status, "limit" in words(refused)) == (400, True)


def test_what_a_token_opens(house: House) -> None:
    """A token would reach other repositories, or live on when it is switched off, expired or deleted."""
    made = house.create(expires_at="2030-01-02T03:04:05Z").json
    login = ("acme", made["token"])
    asked = ("repository:acme/app:pull,push", "repository:acme/other:pull")
    granted = {"acme/app": {"pull"}, "acme/other": set()}
    assert token_for(house.gate, REGISTRY, login, *asked) == granted
    nothing = {"acme/app": set(), "acme/other": set()}
    house.ask("PATCH", f"{TOKENS}/{made['id']}", {"is_active": False})
    assert token_for(house.gate, REGISTRY, login, *asked) == nothing
    house.ask("PATCH", f"{TOKENS}/{made['id']}", {"is_active": True, "resources": [{**PULL, "path": "acme/*"}]})
    assert token_for(house.gate, REGISTRY, login, *asked) == {"acme/app": {"pull"}, "acme/other": {"pull"}}
    house.ask("DELETE", f"{TOKENS}/{made['id']}")
    assert token_for(house.gate, REGISTRY, login, *asked) == nothing


@pytest.mark.parametrize(
    ("scope", "actions"),
    [("repo:admin", {"pull", "push"}), ("repo:read", {"pull"}), ("repo:public_read", set())],
)
def test_personal_tokens_are_as_wide_as_their_account(house: House, scope: str, actions: set[str]) -> None:
    """A personal token would be narrower than its account, or its scope mean nothing."""
    secret = house.ask("POST", "/v2/access-tokens", {"token_label": "mine", "scopes": [scope]}).json["token"]
    asked = ("repository:acme/app:pull,push", "repository:owner/own:pull,push")
    assert token_for(house.gate, REGISTRY, ("owner", secret), *asked) == {"acme/app": actions, "owner/own": actions}
    assert house.ask("POST", "/v2/access-tokens", {"token_label": "mine", "scopes": ["repo:pull"]}).status == 400


def test_a_token_is_always_given(house: House) -> None:
    """The token service would refuse, and a client's trust in its 200 not be found out."""
    asked = ("repository:acme/none:pull", "repository:acme/open:pull")
    for login in (None, ("owner", "wrong")):
        assert token_for(house.gate, REGISTRY, login, *asked) == {"acme/none": set(), "acme/open": {"pull"}}
