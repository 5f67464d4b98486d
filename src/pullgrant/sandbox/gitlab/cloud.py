"""The fake GitLab as a country of the sandbox.

| project | what it is there for |
|---|---|
| acme/app, acme/other | private, each with an image |
| acme/open | public |
| acme/empty | no image yet |
| acme/off | its container registry is switched off |
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.gitlab.api import Api
from pullgrant.sandbox.gitlab.gate import GitLabGate
from pullgrant.sandbox.gitlab.state import State, fill
from pullgrant.sandbox.gitlab.variables import Variables
from pullgrant.sandbox.registry.tokens import Certifies
from pullgrant.sandbox.world import World


class GitLab:
    """gitlab.com. The operator's access token outlives `reset`."""

    name = "gitlab"

    def __init__(self, world: World, authority: Certifies) -> None:
        self.state = State()
        self._token = f"glpat-{secrets.token_urlsafe(15)}"
        self._gate = GitLabGate(self.state, world)
        self._api = Api(self.state, world)
        self.variables = Variables(self.state, world)
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of the API."""
        return (*self.variables.routes(), *self._api.routes())

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
        return {"GITLAB_TOKEN": self._token}

    def reset(self) -> None:
        """Return to the first day."""
        fill(self.state, self._token)
        self.variables.reset()
