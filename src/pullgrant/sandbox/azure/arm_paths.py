"""The paths of Resource Manager that the fake serves. They keep case and ignore it."""

from __future__ import annotations

import re

from pullgrant.sandbox.azure.basics import same
from pullgrant.sandbox.azure.refusal import arm, arm_missing
from pullgrant.sandbox.azure.registry_state import Registry
from pullgrant.sandbox.azure.state import State

SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
GROUP = rf"{SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)"
PROVIDER = r"/providers/Microsoft\.ContainerRegistry/registries"
REGISTRY = rf"{GROUP}{PROVIDER}/(?P<registry>[^/]+)"
TYPE = "Microsoft.ContainerRegistry/registries"


def path(pattern: str) -> str:
    """Return a pattern that ignores case."""
    return f"(?i:{pattern})"


def subscription_of(state: State, match: re.Match[str]) -> str:
    """Return the subscription that a path names. Raises Refusal."""
    found = next((each for each in state.subscriptions if same(each, match["subscription"])), None)
    if found is None:
        raise arm(404, "SubscriptionNotFound", f"The subscription '{match['subscription']}' could not be found.")
    return found


def check_scope(state: State, scope: str) -> None:
    """Raise Refusal for a scope in a subscription that there is not, or for a registry that there is not."""
    parts = scope.split("/")
    if not any(same(each, parts[2]) for each in state.subscriptions):
        raise arm(404, "SubscriptionNotFound", f"The subscription '{parts[2]}' could not be found.")
    if len(parts) > 5 and state.registry_at(scope) is None:
        raise arm_missing(TYPE, parts[-1], parts[4])


def group_of(state: State, match: re.Match[str]) -> str:
    """Return the resource group that a path names. Raises Refusal."""
    groups = state.groups(subscription_of(state, match))
    found = next((each for each in groups if same(each, match["group"])), None)
    if found is None:
        raise arm(404, "ResourceGroupNotFound", f"Resource group '{match['group']}' could not be found.")
    return found


def registry_of(state: State, match: re.Match[str]) -> Registry:
    """Return the registry that a path names. Raises Refusal."""
    group = group_of(state, match)
    resource = f"/subscriptions/{match['subscription']}/resourceGroups/{group}/providers/{TYPE}/{match['registry']}"
    registry = state.registry_at(resource)
    if registry is None:
        raise arm_missing(TYPE, match["registry"], group)
    return registry
