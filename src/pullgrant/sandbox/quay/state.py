"""What one Quay knows."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime

HOST = "quay.io"
_LETTERS = string.ascii_uppercase + string.digits


def new_secret() -> str:
    """Return a robot's token: 64 capital letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(64))


@dataclass(slots=True, kw_only=True)
class Robot:
    """A robot of an organisation; `roles` is repository -> role, `mirrors`: it serves a mirror."""

    organization: str
    short: str
    description: str
    created: datetime
    secret: str = field(default_factory=new_secret)
    roles: dict[str, str] = field(default_factory=dict)
    teams: set[str] = field(default_factory=set)
    mirrors: bool = False

    @property
    def name(self) -> str:
        """The full name, which signs in."""
        return f"{self.organization}+{self.short}"


@dataclass(slots=True, kw_only=True)
class Repository:
    """A repository with its tags."""

    tags: tuple[str, ...] = ("v1",)
    public: bool = False


@dataclass(slots=True, kw_only=True)
class Organization:
    """An organisation; `administrators` are users' names."""

    name: str
    administrators: frozenset[str]
    repositories: dict[str, Repository]
    robots: dict[str, Robot] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthToken:
    """An OAuth token of an application: for whom it speaks, and for what."""

    user: str
    scopes: frozenset[str]


@dataclass(slots=True, kw_only=True)
class State:
    """All of it. `robots_disallowed` is the configuration ROBOTS_DISALLOW."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    tokens: dict[str, OAuthToken] = field(default_factory=dict)
    robots_disallowed: bool = False

    def robot(self, name: str) -> Robot | None:
        """Return a robot by its full name."""
        organization, _, short = name.partition("+")
        found = self.organizations.get(organization)
        return found.robots.get(short) if found else None


OPERATOR = "operator"
SCOPES = frozenset({"org:admin", "repo:admin", "repo:create", "repo:read"})


def fill(state: State, token: str) -> None:
    """Bring a state to its first day. Each other token is the operator's with something missing."""
    everybody = frozenset({OPERATOR})
    state.robots_disallowed = False
    state.tokens = {
        token: OAuthToken(user=OPERATOR, scopes=SCOPES),
        f"{token}-without-org-admin": OAuthToken(user=OPERATOR, scopes=SCOPES - {"org:admin"}),
        f"{token}-without-repo-admin": OAuthToken(user=OPERATOR, scopes=SCOPES - {"repo:admin"}),
        f"{token}-of-a-stranger": OAuthToken(user="stranger", scopes=SCOPES),
    }
    state.organizations = {
        "acme": Organization(
            name="acme",
            administrators=everybody,
            repositories={
                "app": Repository(),
                "other": Repository(),
                "open": Repository(public=True),
                "empty": Repository(tags=()),
            },
        ),
    }
