"""Roles of Azure Container Registry, and the condition that narrows one of them to repositories.

Sources: learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions;
Azure/msi-acrpull README; azure-cli command_modules/acr.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
ROLES = {
    ACR_PULL: "AcrPull",
    REPOSITORY_READER: "Container Registry Repository Reader",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "2a1e307c-b015-4ebd-883e-5b7698a07328": "Container Registry Repository Writer",
    "2efddaa5-3f1f-4df3-97df-af3f13818f4c": "Container Registry Repository Contributor",
    "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7": "Container Registry Repository Catalog Lister",
}
VERSION = "2.0"
_ACTIONS = ("content/read", "metadata/read")
_NAME = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*(?:/\*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The one role that a reader shall have: its guid, and the condition that comes with it, empty for none."""

    role: str
    condition: str = ""


def is_repository(text: str) -> bool:
    """Say whether this is a repository, `team/app`, or all below a name, `team/*`."""
    return len(text) <= 255 and _REPOSITORY.fullmatch(text) is not None


def covers(repositories: Sequence[str], name: str) -> bool:
    """Say whether a repository lies in the scope; an empty scope is the whole registry."""
    return not repositories or any(
        name.startswith(each[:-1]) if each.endswith("/*") else name == each for each in repositories
    )


def wanted(*, abac: bool, repositories: Sequence[str]) -> Wanted:
    """Return the role for a registry. AcrPull does nothing on a registry in ABAC mode, and cannot be narrowed elsewhere."""
    if not abac:
        return Wanted(role=ACR_PULL)
    return Wanted(role=REPOSITORY_READER, condition=condition(repositories))


def condition(repositories: Sequence[str]) -> str:
    """Return the condition that leaves a role only these repositories; empty for the whole registry.

    A prefix keeps its slash: without it `backend` would let `backend2` in.
    """
    if not repositories:
        return ""
    other = " AND ".join(f"!(ActionMatches{{'Microsoft.ContainerRegistry/registries/repositories/{a}'}})" for a in _ACTIONS)
    return f"(({other}) OR ({' OR '.join(_comparison(each) for each in repositories)}))"


def same(one: str, other: str) -> bool:
    """Say whether two conditions are the same; the portal writes them over several lines."""
    return re.sub(r"\s+", "", one) == re.sub(r"\s+", "", other)


def _comparison(repository: str) -> str:
    if repository.endswith("/*"):
        return f"{_NAME} StringStartsWithIgnoreCase '{repository[:-1]}'"
    return f"{_NAME} StringEqualsIgnoreCase '{repository}'"


def actions(repositories: Sequence[str]) -> tuple[str, ...]:
    """Return the actions of a scope map that lets these repositories be pulled, as the `az acr` commands write them."""
    names = repositories or ("*",)
    return tuple(f"repositories/{name}/{action}" for name in names for action in _ACTIONS)


def role_name(guid: str) -> str:
    """Return a role as people know it, its guid where it is not one of Container Registry's."""
    return ROLES.get(guid, guid)
