"""The fake Quay as a country of the sandbox: the organisation acme with `app`, `other`, `open` (public) and `empty`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.quay.api import Api
from pullgrant.sandbox.quay.gate import QuayGate
from pullgrant.sandbox.quay.state import State, fill
from pullgrant.sandbox.registry.tokens import Certifies
from pullgrant.sandbox.world import World


class Quay:
    """quay.io. The operator's OAuth token outlives `reset`."""

    name = "quay"

    def __init__(self, world: World, authority: Certifies) -> None:
        self.state = State()
        self._token = secrets.token_urlsafe(30)
        self._api = Api(self.state, world)
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of the API."""
        return self._api.routes()

    def gates(self) -> Sequence[Gate]:
        """Return the gate of the registry."""
        return (QuayGate(self.state),)

    def programs(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return what signs the operator in."""
        return {"QUAY_TOKEN": self._token}

    def reset(self) -> None:
        """Return to the first day."""
        fill(self.state, self._token)
