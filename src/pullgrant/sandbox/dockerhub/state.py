"""What Docker Hub knows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import uuid4

API, REGISTRY, TOKENS = "hub.docker.com", "registry-1.docker.io", "auth.docker.io"
HOSTS = frozenset({"docker.io", "index.docker.io", REGISTRY, TOKENS})
TEAM_PLAN = 10  # tokens of an organisation; expired ones count


@dataclass(slots=True, kw_only=True)
class Repository:
    """A repository with its tags."""

    tags: tuple[str, ...] = ("v1",)
    private: bool = True


@dataclass(slots=True, kw_only=True)
class User:
    """An account. `two_factor` and `sso` make its password useless at the API."""

    name: str
    password: str
    two_factor: bool = False
    sso: bool = False


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """A token of an organisation (`oat`) or an account (`pat`). `access` is path -> scopes, of an `oat` alone."""

    kind: Literal["oat", "pat"]
    account: str
    label: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    description: str = ""
    scope: str = ""
    resources: list[dict[str, object]] = field(default_factory=list)
    active: bool = True
    id: str = field(default_factory=lambda: str(uuid4()))
    secret: str = ""

    def __post_init__(self) -> None:
        self.secret = self.secret or f"dckr_{self.kind}_{secrets.token_urlsafe(20)}"

    def alive(self, now: datetime) -> bool:
        """Say whether it signs in."""
        return self.active and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A bearer token of the API: whose it is, and what was shown for it."""

    name: str
    by: Literal["password", "pat", "oat"]


@dataclass(slots=True, kw_only=True)
class State:
    """All of it. `owners` is organisation -> users, `members` organisation -> users who may read all of it."""

    users: dict[str, User] = field(default_factory=dict)
    owners: dict[str, frozenset[str]] = field(default_factory=dict)
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    pulls_left: dict[str, int] = field(default_factory=dict)
    unlimited: bool = False

    def of(self, kind: str, account: str) -> Iterator[AccessToken]:
        """Iterate over the tokens of one kind and account."""
        return (one for one in self.tokens.values() if (one.kind, one.account) == (kind, account))


def fill(state: State, password: str) -> None:
    """Bring a state to its first day."""
    state.users = {
        "owner": User(name="owner", password=password),
        "member": User(name="member", password=f"{password}-member"),
        "careful": User(name="careful", password=f"{password}-careful", two_factor=True),
        "employee": User(name="employee", password=f"{password}-employee", sso=True),
    }
    state.owners = {"acme": frozenset({"owner", "careful", "employee"})}
    state.members = {"acme": frozenset({"owner", "careful", "employee", "member"})}
    state.repositories = {
        "acme/app": Repository(),
        "acme/other": Repository(),
        "acme/open": Repository(private=False),
        "acme/empty": Repository(tags=()),
        "owner/own": Repository(),
    }
    state.tokens, state.sessions, state.unlimited = {}, {}, False
    state.pulls_left = {"": 100, "owner": 200}
