"""Distribution as people run it themselves.

| host | how it signs in | what its users may do |
|---|---|---|
| registry.example | token service (distribution/distribution docs/content/spec/auth/token.md) | `reader` pulls, `pusher` all |
| htpasswd.example | Basic (distribution/distribution registry/auth/htpasswd) | every user may do everything |

`acme/app` and `acme/other` are private; at registry.example `acme/open` is for everybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Response, Route
from pullgrant.sandbox.registry.scopes import ALL_ACTIONS
from pullgrant.sandbox.registry.tokens import Certifies
from pullgrant.sandbox.registry.words import error
from pullgrant.sandbox.world import World

TOKEN_HOST, PASSWORD_HOST = "registry.example", "htpasswd.example"
_IMAGES: Mapping[str, tuple[str, ...]] = {"acme/app": ("v1",), "acme/other": ("v1",), "acme/open": ("v1",)}
_PUBLIC = frozenset({"acme/open"})


class Plain:
    """The country. `passwords` by user: a test may change one, or take a user away."""

    name = "plain"

    def __init__(self, world: World, authority: Certifies) -> None:
        self._first = {"reader": secrets.token_urlsafe(24), "pusher": secrets.token_urlsafe(24)}
        self.passwords = dict(self._first)

    def routes(self) -> Sequence[Route]:
        """Return none: such registries have no API but that of a registry."""
        return ()

    def gates(self) -> Sequence[Gate]:
        """Return both registries."""
        return (RoleGate(self), PasswordGate(self))

    def programs(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return the passwords as variables."""
        return {f"{user.upper()}_PASSWORD": password for user, password in self._first.items()}

    def reset(self) -> None:
        """Give every user the first password again."""
        self.passwords = dict(self._first)


class RoleGate(Gate):
    """registry.example: its token service knows who may do what."""

    style: Literal["jwt"] = "jwt"
    realm_path = "/auth/token"
    service = "registry.example"
    host = TOKEN_HOST

    def __init__(self, country: Plain) -> None:
        self._country = country

    def serves(self, host: str) -> bool:
        """See Gate."""
        return host == self.host

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """See Gate."""
        return _IMAGES

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """See Gate."""
        known = self._country.passwords.get(username)
        return Visitor(name=username) if known is not None and secrets.compare_digest(known, password) else None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        if visitor is None:
            return frozenset({"pull"}) if repository in _PUBLIC else frozenset()
        return frozenset(ALL_ACTIONS) if visitor.name == "pusher" else frozenset({"pull"})

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """See Gate."""
        return error(403, "DENIED", "requested access to the resource is denied")

    def may_list(self, host: str, visitor: Visitor | None) -> bool:
        """Say whether a visitor gets the list of all repositories: whoever signed in."""
        return visitor is not None


class PasswordGate(RoleGate):
    """htpasswd.example: whoever signs in may do everything, and nobody else anything."""

    style: Literal["basic"] = "basic"  # type: ignore[assignment]
    realm_path = ""
    service = ""
    host = PASSWORD_HOST

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        return frozenset(ALL_ACTIONS) if visitor else frozenset()
