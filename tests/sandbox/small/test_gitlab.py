"""The fake GitLab says no where the real one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.gitlab import GitLab
from pullgrant.sandbox.gitlab.state import HOST, REGISTRY
from pullgrant.sandbox.world import World
from sandbox.small.calls import call, token_for, words

TOKENS = "/projects/acme%2Fapp/deploy_tokens"


class House:
    """One fake with its operator."""

    def __init__(self) -> None:
        self.world = World()
        self.gitlab = GitLab(self.world, None)  # type: ignore[arg-type] - its certificates are not needed
        self.gate: Any = self.gitlab.gates()[0]
        self.token = self.gitlab.environment(None, "")["GITLAB_TOKEN"]  # type: ignore[arg-type] - nothing is written

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Response:
        return call(self.gitlab, method, HOST, f"/api/v4{path}", body=body, private_token=token or self.token)

    def deploy_token(self, *scopes: str, path: str = TOKENS, **more: Any) -> tuple[str, str]:
        made = self.ask("POST", path, {"name": "mine", "scopes": scopes or ["read_registry"], **more}).json
        return made["username"], made["token"]


@pytest.fixture
def house() -> House:
    return House()


def test_creation(house: House) -> None:
    """The secret would be shown again, or expiry come at another time than midnight UTC."""
    body = {"name": "mine", "scopes": ["read_registry"], "expires_at": "2030-05-06T17:00:00Z"}
    made = house.ask("POST", TOKENS, body)
    assert (made.status, made.json["username"], made.json["expires_at"]) == (
        201,
        "gitlab+deploy-token-1",
        "2030-05-06T00:00:00.000Z",
    )
    assert ["token" in one for one in (house.ask("GET", TOKENS).json[0], house.ask("GET", f"{TOKENS}/1").json)] == [
        False,
        False,
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "mine"},
        {"scopes": ["read_registry"]},
        {"name": "mine", "scopes": ["registry"]},
        {"name": "mine", "scopes": ["read_registry"], "expires_at": "soon"},
    ],
)
def test_creation_is_refused(house: House, body: dict[str, Any]) -> None:
    """A wrong request would make a token."""
    assert (house.ask("POST", TOKENS, body).status, house.gitlab.state.tokens) == (400, {})


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("nobody", TOKENS, 401),
        ("{}-developer", TOKENS, 403),
        ("{}-developer", "/groups/acme/deploy_tokens", 404),
        ("{}-maintainer", "/groups/acme/deploy_tokens", 403),
        ("{}", "/projects/acme%2Fnone/deploy_tokens", 404),
    ],
)
def test_others_are_refused(house: House, who: str, path: str, status: int) -> None:
    """A role that may not make tokens would, or what may not be seen be told apart from what is not there."""
    body = {"name": "mine", "scopes": ["read_registry"]}
    assert house.ask("POST", path, body, token=who.format(house.token)).status == status


def test_lists_come_in_pages(house: House) -> None:
    """A client that reads one page only would not be found out."""
    for _ in range(3):
        house.deploy_token()
    first = house.ask("GET", f"{TOKENS}?per_page=2")
    assert (len(first.json), 'rel="next"' in first.headers["link"]) == (2, True)


def test_deletion(house: House) -> None:
    """A deleted token would sign in, or one of another project be deleted."""
    login = house.deploy_token()
    assert house.ask("DELETE", "/projects/acme%2Fother/deploy_tokens/1").status == 404
    assert house.ask("DELETE", f"{TOKENS}/1").status == 204
    assert house.gate.sign_in(REGISTRY, *login) is None
    assert house.ask("DELETE", f"{TOKENS}/1").status == 404


def test_expiry(house: House) -> None:
    """An expired token would sign in."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    login = house.deploy_token(expires_at=tomorrow)
    assert house.gate.sign_in(REGISTRY, *login) is not None
    house.world.advance(timedelta(days=1))
    assert house.gate.sign_in(REGISTRY, *login) is None
    assert house.ask("GET", f"{TOKENS}/1").json["expired"] is True


def test_the_token_leaves_out_what_is_not_granted(house: House) -> None:
    """A client would learn to read empty entries, which GitLab does not send."""
    asked = ("repository:acme/app:pull,push", "repository:acme/app/worker:pull", "repository:acme/other:pull")
    assert token_for(house.gate, HOST, house.deploy_token(), *asked) == {"acme/app": {"pull"}, "acme/app/worker": {"pull"}}
    group = house.deploy_token(path="/groups/acme/deploy_tokens")
    assert set(token_for(house.gate, HOST, group, *asked)) == {"acme/app", "acme/app/worker", "acme/other"}


def test_the_token_service_refuses(house: House) -> None:
    """A wrong login, a token without registry rights, or a project without registry would get a token."""
    login = house.deploy_token()
    assert token_for(house.gate, HOST, (login[0], "wrong"), "repository:acme/app:pull").status == 401
    forbidden = token_for(house.gate, HOST, house.deploy_token("read_repository"), "repository:acme/app:pull")
    assert (forbidden.status, "access forbidden" in words(forbidden)) == (403, True)
    off = token_for(house.gate, HOST, login, "repository:acme/off:pull")
    assert (off.status, "registry not enabled" in words(off)) == (404, True)


def test_push(house: House) -> None:
    """A push right would be hidden, a rule be taken for a missing right, or asking leave no repository behind."""
    login = house.deploy_token("read_registry", "write_registry")
    assert token_for(house.gate, HOST, login, "repository:acme/app:pull,push") == {"acme/app": {"pull", "push"}}
    token_for(house.gate, HOST, login, "repository:acme/app/fresh:pull,push")
    assert "acme/app/fresh" in house.gitlab.state.projects["acme/app"].images
    house.gitlab.state.projects["acme/app"].protected = True
    ruled = token_for(house.gate, HOST, login, "repository:acme/app:pull,push")
    assert (ruled.status, "Pushing to protected repository path forbidden" in words(ruled)) == (403, True)
