"""Sentences for the user about what was seen."""

from __future__ import annotations

from collections.abc import Sequence

from pullgrant.providers.azure import condition
from pullgrant.providers.azure.found import Assignment, Registry
from pullgrant.providers.azure.roles import above

CLASSIC_WAY = "Give --method token: a token of the registry that reads only these repositories. Or leave --repository out."


def of_registry(registry: Registry) -> tuple[str, ...]:
    """Return what is worth knowing of a registry."""
    told = []
    if registry.admin_user:
        told.append(f"{registry.name} has its admin user on: one password that may push, for everybody who knows it")
    if registry.private:
        told.append(f"{registry.name} refuses connections from public networks: platform and proof must reach it privately")
    return tuple(told)


def of_roles(registry: Registry, assignments: Sequence[Assignment]) -> tuple[str, ...]:
    """Return what the reader has above the registry, which is not taken away."""
    return tuple(
        f"left alone: {condition.role_name(one.role)} on {one.scope or '/'}, which reaches this registry"
        for one in above(registry, assignments)
    )


def classic(registry: Registry) -> str:
    """Return the sentence for repositories that were asked of a registry in its classic mode."""
    return f"{registry.name} cannot narrow an Entra identity to repositories: its role assignment mode is the classic one"
