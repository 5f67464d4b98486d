"""The fake Harbor as a country of the sandbox.

| project | what it is there for |
|---|---|
| acme | `app` and `other`, private |
| private | another private project, which a reader of acme must not reach |
| library | public |
| empty | no image yet |
| denied | the operator has no rights |
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.harbor.callers import Callers
from pullgrant.sandbox.harbor.gate import HarborGate
from pullgrant.sandbox.harbor.projects_api import ProjectsApi
from pullgrant.sandbox.harbor.robots_api import RobotsApi
from pullgrant.sandbox.harbor.state import HOST, OPERATOR, State, fill
from pullgrant.sandbox.registry.tokens import Certifies
from pullgrant.sandbox.world import World


class Harbor:
    """harbor.example. The operator's password outlives `reset`."""

    name = "harbor"

    def __init__(self, world: World, authority: Certifies) -> None:
        self.state = State()
        self._password = secrets.token_urlsafe(24)
        self._gate = HarborGate(self.state, world)
        self._callers = Callers(self.state, world, self._gate)
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of the API."""
        return (*RobotsApi(self._callers).routes(), *ProjectsApi(self._callers).routes())

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
        """Return what signs the operator in."""
        return {"HARBOR_URL": f"https://{HOST}", "HARBOR_USERNAME": OPERATOR, "HARBOR_PASSWORD": self._password}

    def reset(self) -> None:
        """Return to the first day."""
        fill(self.state, self._password)
