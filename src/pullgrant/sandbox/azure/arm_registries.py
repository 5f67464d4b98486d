"""Resource Manager: container registries, read-only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pullgrant.sandbox.azure.arm_paths import (
    GROUP,
    PROVIDER,
    REGISTRY,
    SUBSCRIPTION,
    TYPE,
    group_of,
    path,
    registry_of,
    subscription_of,
)
from pullgrant.sandbox.azure.arm_shapes import registry_json
from pullgrant.sandbox.azure.basics import same
from pullgrant.sandbox.azure.desk import Caller, Desk
from pullgrant.sandbox.azure.registry_state import Registry
from pullgrant.sandbox.exchange import Request, Response, Route, route


class Registries:
    """The calls on registries."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.arm)
        return [
            route("arm.ListRegistries", "GET", host, path(f"{SUBSCRIPTION}{PROVIDER}"), desk.arm(self.list_all)),
            route("arm.ListGroupRegistries", "GET", host, path(f"{GROUP}{PROVIDER}"), desk.arm(self.list_of_group)),
            route("arm.GetRegistry", "GET", host, path(REGISTRY), desk.arm(self.get)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List the registries of a subscription that the caller may read."""
        subscription = subscription_of(self._desk.state, match)
        found = (each for each in self._desk.state.registries.values() if same(each.subscription, subscription))
        return self._listed(caller, request, found)

    def list_of_group(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List the registries of a resource group that the caller may read."""
        group = group_of(self._desk.state, match)
        found = (each for each in self._desk.state.registries.values() if same(each.group, group))
        return self._listed(caller, request, found)

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a registry."""
        subscription_of(self._desk.state, match)
        self._desk.demand(caller, f"{TYPE}/read", match.string)
        registry = registry_of(self._desk.state, match)
        return Response(json=registry_json(registry, self._desk.cloud, request.one("api-version")))

    def _listed(self, caller: Caller, request: Request, found: Iterable[Registry]) -> Response:
        version = request.one("api-version")
        seen = [each for each in found if self._desk.rights.may(caller.id, f"{TYPE}/read", each.id)]
        return Response(json={"value": [registry_json(each, self._desk.cloud, version) for each in seen]})
