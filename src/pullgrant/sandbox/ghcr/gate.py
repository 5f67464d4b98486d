"""ghcr.io: an opaque token for whoever signs in, judged at the registry.

Only classic tokens with a packages scope read (github/docs package_registry/packages-classic-pat-only.md), and Actions'
own for the packages of their repository; fine-grained and App tokens sign in and are then denied (octo-sts/app#840).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.ghcr.state import REGISTRY, State
from pullgrant.sandbox.registry.words import error
from pullgrant.sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class GhcrVisitor(Visitor):
    """An account with the token that it showed."""

    token: str


class GhcrGate(Gate):
    """The gate of ghcr.io."""

    style: Literal["opaque"] = "opaque"
    realm_path = "/token"
    token_names = ("token",)

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def serves(self, host: str) -> bool:
        """See Gate."""
        return host == REGISTRY

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """See Gate."""
        return {name: one.tags for name, one in self._state.packages.items()}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """See Gate; the user name of a login is not looked at."""
        token = self._state.tokens.get(password)
        if token is None or not token.alive(self._world.now()):
            return None
        return GhcrVisitor(name=token.login or token.kind, token=password)

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        package = self._state.packages.get(repository)
        if package is None:
            return frozenset()
        anybody = frozenset({"pull"}) if package.public else frozenset()
        token = self._state.tokens.get(visitor.token) if isinstance(visitor, GhcrVisitor) else None
        if token is None or not token.alive(self._world.now()):
            return anybody
        if token.kind == "actions":
            return anybody | (frozenset({"pull"}) if repository in token.packages else frozenset())
        pull = {"pull"} if token.reads and token.login in package.readers else set()
        return anybody | pull | ({"push"} if token.writes and token.login in package.writers else set())

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """See Gate."""
        if visitor is None:
            return error(401, "UNAUTHORIZED", "authentication required")
        right = "write_package" if action == "push" else "read_package"
        return error(403, "DENIED", f"permission_denied: {right}")
