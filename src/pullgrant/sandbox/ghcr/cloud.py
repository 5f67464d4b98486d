"""The fake GitHub as a country of the sandbox: `acme/app`, `acme/other`, and tokens of every kind by variable.

| variable | token |
|---|---|
| GHCR_TOKEN | classic, `read:packages` alone, of a machine account; ends in 90 days |
| STRONG | classic, with `repo`, `write:packages` and `admin:org` |
| DYING, ENDLESS | as GHCR_TOKEN, ending in 9 days and never |
| SCOPELESS | classic, without a scope |
| FINE_GRAINED, APP | sign in and pull nothing |
| ACTIONS | pulls the packages of its own repository |
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.ghcr.api import Api
from pullgrant.sandbox.ghcr.gate import GhcrGate
from pullgrant.sandbox.ghcr.state import VARIABLES, State, fill
from pullgrant.sandbox.registry.tokens import Certifies
from pullgrant.sandbox.world import World

_PREFIX = {"FINE_GRAINED": "github_pat_", "APP": "ghs_", "ACTIONS": "ghs_"}


class Ghcr:
    """api.github.com and ghcr.io."""

    name = "ghcr"

    def __init__(self, world: World, authority: Certifies) -> None:
        self.state = State()
        self._world = world
        self._tokens = {name: f"{_PREFIX.get(name, 'ghp_')}{secrets.token_hex(18)}" for name in VARIABLES}
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of the API."""
        return Api(self.state, self._world).routes()

    def gates(self) -> Sequence[Gate]:
        """Return the gate of the registry."""
        return (GhcrGate(self.state, self._world),)

    def programs(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return the tokens."""
        return dict(self._tokens)

    def reset(self) -> None:
        """Return to the first day."""
        fill(self.state, self._tokens, self._world.now())
