"""The table of the sandbox's countries. Each is imported only when a sandbox starts."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.country import Country
from pullgrant.sandbox.world import World

Factory: TypeAlias = Callable[[World, Authority], Country]

COUNTRIES: Mapping[str, str] = {
    "aws": "pullgrant.sandbox.aws:Aws",
    "azure": "pullgrant.sandbox.azure:Azure",
    "google": "pullgrant.sandbox.google:Google",
    "plain": "pullgrant.sandbox.plain:Plain",
    "dockerhub": "pullgrant.sandbox.dockerhub:DockerHub",
    "ghcr": "pullgrant.sandbox.ghcr:Ghcr",
    "gitlab": "pullgrant.sandbox.gitlab:GitLab",
    "harbor": "pullgrant.sandbox.harbor:Harbor",
    "kubernetes": "pullgrant.sandbox.kubernetes:Kubernetes",
    "platforms": "pullgrant.sandbox.platforms:Platforms",
    "quay": "pullgrant.sandbox.quay:Quay",
    "github": "pullgrant.sandbox.github:Github",
    "vault": "pullgrant.sandbox.vault:Vault",
}
_LOG = logging.getLogger("pullgrant.sandbox")


def load(table: Mapping[str, str] = COUNTRIES) -> dict[str, Factory]:
    """Return the factories of the table. A country whose optional package is not installed is left out, with a warning.

    Raises ModuleNotFoundError for a module of our own that is missing: that is a bug, not an option.
    """
    factories: dict[str, Factory] = {}
    for name, dotted in table.items():
        module, _, attribute = dotted.partition(":")
        try:
            factories[name] = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("pullgrant"):
                raise
            _LOG.warning("the sandbox goes without %s: no module %s", name, error.name)
    return factories
