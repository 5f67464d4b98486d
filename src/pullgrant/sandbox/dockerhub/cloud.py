"""The fake Docker Hub as a country of the sandbox: `acme/app`, `acme/other` and, of the account owner, `owner/own`.

| account | what it is there for |
|---|---|
| owner | owns the organisation acme |
| member | reads acme and owns nothing |
| careful | an owner with two-factor sign-in: its password is refused |
| employee | an owner behind SSO: its password is refused |
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.dockerhub.allowance import Allowance
from pullgrant.sandbox.dockerhub.api import Api
from pullgrant.sandbox.dockerhub.gate import HubGate
from pullgrant.sandbox.dockerhub.state import State, fill
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.registry.tokens import Certifies
from pullgrant.sandbox.world import World


class DockerHub:
    """Docker Hub. The owner's password outlives `reset`."""

    name = "dockerhub"

    def __init__(self, world: World, authority: Certifies) -> None:
        self.state = State()
        self._password = secrets.token_urlsafe(24)
        self._gate = HubGate(self.state, world)
        self._routes = (*Api(self.state, world).routes(), *Allowance(self.state, world).routes())
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of the API, and the repository that tells the allowance."""
        return self._routes

    def gates(self) -> Sequence[Gate]:
        """Return the gate of the registry."""
        return (self._gate,)

    def programs(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return what signs the owner in."""
        return {"DOCKERHUB_USERNAME": "owner", "DOCKERHUB_PASSWORD": self._password}

    def reset(self) -> None:
        """Return to the first day."""
        fill(self.state, self._password)
