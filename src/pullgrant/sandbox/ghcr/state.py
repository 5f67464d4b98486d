"""What GitHub knows: tokens, accounts and packages. No API makes a token, and none here does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

API, REGISTRY = "api.github.com", "ghcr.io"
Kind = Literal["classic", "fine-grained", "app", "actions"]
_READ, _WRITE = frozenset({"read:packages", "write:packages"}), frozenset({"write:packages"})


@dataclass(slots=True, kw_only=True)
class Token:
    """A token of an account. `packages` are those that a token of Actions or an App reaches, whatever its account may."""

    kind: Kind
    login: str
    scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    packages: frozenset[str] = frozenset()
    revoked: bool = False

    def alive(self, now: datetime) -> bool:
        """Say whether it signs in."""
        return not self.revoked and (self.expires_at is None or self.expires_at > now)

    @property
    def reads(self) -> bool:
        """Say whether a registry lets it read: classic tokens with the scope, Actions' own; other kinds only sign in."""
        return self.kind == "actions" or (self.kind == "classic" and bool(self.scopes & _READ))

    @property
    def writes(self) -> bool:
        """Say whether it may write packages that its account may write."""
        return self.kind == "classic" and bool(self.scopes & _WRITE)


@dataclass(slots=True, kw_only=True)
class Package:
    """A container package; `readers` and `writers` are accounts."""

    tags: tuple[str, ...] = ("v1",)
    public: bool = False
    readers: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class State:
    """All of it. `packages` is owner/name -> package, `organizations` the owners that are no users."""

    tokens: dict[str, Token] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    organizations: frozenset[str] = frozenset()


def fill(state: State, tokens: dict[str, str], now: datetime) -> None:
    """Bring a state to its first day; `tokens` is variable -> secret."""
    machine, admin = "acme-reader", "acme-admin"
    soon, later = now + timedelta(days=9), now + timedelta(days=90)
    kinds = {
        "GHCR_TOKEN": Token(kind="classic", login=machine, scopes=frozenset({"read:packages"}), expires_at=later),
        "STRONG": Token(kind="classic", login=admin, scopes=frozenset({"admin:org", "repo", "write:packages"})),
        "DYING": Token(kind="classic", login=machine, scopes=frozenset({"read:packages"}), expires_at=soon),
        "ENDLESS": Token(kind="classic", login=machine, scopes=frozenset({"read:packages"})),
        "SCOPELESS": Token(kind="classic", login=machine),
        "FINE_GRAINED": Token(kind="fine-grained", login=machine, expires_at=later),
        "APP": Token(kind="app", login="", expires_at=now + timedelta(hours=1)),
        "ACTIONS": Token(kind="actions", login="", expires_at=later, packages=frozenset({"acme/app"})),
    }
    state.tokens = {secret: kinds[name] for name, secret in tokens.items()}
    readers, writers = frozenset({machine, admin}), frozenset({admin})
    state.organizations = frozenset({"acme"})
    state.packages = {
        "acme/app": Package(readers=readers, writers=writers),
        "acme/other": Package(readers=readers, writers=writers),
        "acme/team/worker": Package(readers=readers, writers=writers),
        "acme/secret": Package(readers=writers, writers=writers),
        "acme/open": Package(public=True, readers=readers, writers=writers),
    }


VARIABLES = ("GHCR_TOKEN", "STRONG", "DYING", "ENDLESS", "SCOPELESS", "FINE_GRAINED", "APP", "ACTIONS")
