"""The fake platforms: their command lines, and the documents in which those keep their state."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.platforms.documents import Documents
from pullgrant.sandbox.world import World

_REGISTRY = "akka_registry_program.py"
_PROGRAMS = {
    **dict.fromkeys(("akka", "akkasls", "kalix"), "akka_program.py"),
    **dict.fromkeys(("akka-container-registry", "docker-credential-akka"), _REGISTRY),
}


class Platforms:
    """The country of all platforms. It has no registries: platforms pull from those of the clouds."""

    name = "platforms"

    def __init__(self, world: World, authority: Authority) -> None:
        self.documents = Documents(world.lock)

    def routes(self) -> Sequence[Route]:
        """Return the routes of the documents."""
        return self.documents.routes()

    def gates(self) -> Sequence[Gate]:
        """Return none."""
        return ()

    def programs(self) -> Mapping[str, str]:
        """Return the fake command lines; each is one file that needs nothing but the standard library."""
        here = importlib.resources.files(__name__)
        return {name: (here / file).read_text(encoding="utf-8") for name, file in _PROGRAMS.items()}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return the platforms' own variables that sign the operator in."""
        tokens = dict.fromkeys(("AKKA_TOKEN", "AKKASLS_TOKEN", "KALIX_TOKEN"), "sandbox")
        return {**tokens, "AKKA_DISABLE_PROMPTS": "true"}

    def reset(self) -> None:
        """Forget every document."""
        self.documents.forget()
