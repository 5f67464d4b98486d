"""The fake GitHub says no where the real one does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.ghcr import Ghcr
from pullgrant.sandbox.ghcr.state import API, REGISTRY
from pullgrant.sandbox.world import World
from sandbox.small.calls import call


class House:
    """One fake with its tokens."""

    def __init__(self) -> None:
        self.world = World()
        self.ghcr = Ghcr(self.world, None)  # type: ignore[arg-type] - its certificates are not needed
        self.gate: Any = self.ghcr.gates()[0]
        self.tokens = self.ghcr.environment(None, "")  # type: ignore[arg-type] - nothing is written

    def ask(self, path: str, name: str) -> Response:
        return call(self.ghcr, "GET", API, path, authorization=f"Bearer {self.tokens.get(name, name)}")

    def actions(self, name: str, repository: str = "acme/app") -> set[str]:
        visitor = self.gate.sign_in(REGISTRY, "anybody", self.tokens[name])
        return set(self.gate.actions(REGISTRY, visitor, repository))


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(
    ("name", "scopes", "ends"),
    [
        ("GHCR_TOKEN", "read:packages", True),
        ("STRONG", "admin:org, repo, write:packages", False),
        ("SCOPELESS", "", False),
        ("FINE_GRAINED", None, True),
    ],
)
def test_headers(house: House, name: str, scopes: str | None, ends: bool) -> None:
    """A token would not tell its scopes or its end as GitHub does."""
    answer = house.ask("/user", name)
    told = answer.headers.get("x-oauth-scopes"), "github-authentication-token-expiration" in answer.headers
    assert (answer.status, told) == (200, (scopes, ends))


def test_tokens_of_no_account(house: House) -> None:
    """A token of an App or of Actions would have an account."""
    assert [house.ask("/user", name).status for name in ("APP", "ACTIONS", "ghp_none")] == [403, 403, 401]


def test_who_pulls(house: House) -> None:
    """A kind of token that only signs in would pull, or one reach what its account may not."""
    pulls = {name: "pull" in house.actions(name) for name in house.tokens}
    assert {name for name, may in pulls.items() if may} == {"GHCR_TOKEN", "STRONG", "DYING", "ENDLESS", "ACTIONS"}
    assert house.actions("GHCR_TOKEN", "acme/secret") == set()
    assert house.actions("ACTIONS", "acme/other") == set()
    assert {name for name in house.tokens if "push" in house.actions(name)} == {"STRONG"}


def test_a_dead_token(house: House) -> None:
    """A revoked or expired token would sign in."""
    house.world.advance(timedelta(days=10))
    assert house.gate.sign_in(REGISTRY, "anybody", house.tokens["DYING"]) is None
    assert house.ask("/user", "DYING").status == 401


def test_packages(house: House) -> None:
    """A list would show what the token may not see, or be shown to a token without the scope."""
    names = {one["name"] for one in house.ask("/orgs/acme/packages?package_type=container", "GHCR_TOKEN").json}
    assert names == {"app", "other", "open", "team/worker"}
    assert house.ask("/orgs/acme/packages", "FINE_GRAINED").status == 403
    assert house.ask("/users/acme/packages", "GHCR_TOKEN").status == 404
    tags = house.ask("/orgs/acme/packages/container/team%2Fworker/versions", "GHCR_TOKEN").json
    assert tags[0]["metadata"]["container"]["tags"] == ["v1"]
    assert house.ask("/orgs/acme/packages/container/secret/versions", "GHCR_TOKEN").status == 404
