"""Resource Manager: scope maps of a registry."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.azure.arm_operations import Operations
from pullgrant.sandbox.azure.arm_paths import REGISTRY, TYPE, path, registry_of, subscription_of
from pullgrant.sandbox.azure.arm_shapes import scope_map_json
from pullgrant.sandbox.azure.basics import Json
from pullgrant.sandbox.azure.desk import Caller, Desk, arm_body
from pullgrant.sandbox.azure.refusal import arm, arm_missing
from pullgrant.sandbox.azure.registry_state import Registry, ScopeMap
from pullgrant.sandbox.exchange import Request, Response, Route, route

_VERBS = "content/read|content/write|content/delete|metadata/read|metadata/write"
_REPOSITORY = r"(?:\*|[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?:/\*)?)"
_ACTION = re.compile(rf"repositories/{_REPOSITORY}/(?:{_VERBS})", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9-]{5,50}", re.ASCII)


class ScopeMaps:
    """The calls on scope maps."""

    def __init__(self, desk: Desk, operations: Operations) -> None:
        self._desk, self._operations = desk, operations

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.arm)
        one = path(rf"{REGISTRY}/scopeMaps/(?P<name>[^/]+)")
        return [
            route("arm.ListScopeMaps", "GET", host, path(f"{REGISTRY}/scopeMaps"), desk.arm(self.list_all)),
            route("arm.GetScopeMap", "GET", host, one, desk.arm(self.get)),
            route("arm.PutScopeMap", "PUT", host, one, desk.arm(self.put)),
            route("arm.PatchScopeMap", "PATCH", host, one, desk.arm(self.patch)),
            route("arm.DeleteScopeMap", "DELETE", host, one, desk.arm(self.delete)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List scope maps, the built-in ones too."""
        registry = self._registry(caller, match, "read")
        return Response(json={"value": [scope_map_json(registry, each) for each in registry.scope_maps.values()]})

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a scope map."""
        registry = self._registry(caller, match, "read")
        return Response(json=scope_map_json(registry, _find(registry, match)))

    def put(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Create a scope map, or replace it."""
        registry = self._registry(caller, match, "write")
        name = match["name"]
        if not _NAME.fullmatch(name):
            raise arm(
                400, "InvalidScopeMapName", f"The scope map name '{name}' is invalid: 5 to 50 letters, digits and hyphens."
            )
        properties = _properties(request)
        known = registry.scope_maps.get(name.lower())
        _check_own(known)
        scope_map = ScopeMap(
            name=known.name if known else name,
            actions=_actions(properties.get("actions")),
            created=known.created if known else self._desk.world.now(),
            description=properties.get("description") or "",
        )
        registry.scope_maps[name.lower()] = scope_map
        return self._kept(request, registry, scope_map, status=200 if known else 201)

    def patch(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Change a scope map."""
        registry = self._registry(caller, match, "write")
        scope_map = _find(registry, match)
        _check_own(scope_map)
        properties = _properties(request)
        if properties.get("actions") is not None:
            scope_map.actions = _actions(properties["actions"])
        scope_map.description = properties.get("description") or scope_map.description
        return self._kept(request, registry, scope_map, status=200)

    def delete(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Delete a scope map; a token that has it can do nothing then."""
        registry = self._registry(caller, match, "delete")
        scope_map = registry.scope_maps.get(match["name"].lower())
        if scope_map is None:
            return Response(status=204)
        _check_own(scope_map)
        del registry.scope_maps[match["name"].lower()]
        return self._operations.accepted(request, f"{registry.id}/scopeMaps/{scope_map.name}", None)

    def _registry(self, caller: Caller, match: re.Match[str], verb: str) -> Registry:
        scope = match.string.rsplit("/scopeMaps", 1)[0]
        subscription_of(self._desk.state, match)
        self._desk.demand(caller, f"{TYPE}/scopeMaps/{verb}", scope)
        return registry_of(self._desk.state, match)

    def _kept(self, request: Request, registry: Registry, scope_map: ScopeMap, *, status: int) -> Response:
        body = scope_map_json(registry, scope_map)
        return self._operations.kept(request, body["id"], body, status=status)


def _find(registry: Registry, match: re.Match[str]) -> ScopeMap:
    found = registry.scope_maps.get(match["name"].lower())
    if found is None:
        raise arm_missing(TYPE, f"{registry.name}/scopeMaps/{match['name']}", registry.group)
    return found


def _check_own(scope_map: ScopeMap | None) -> None:
    if scope_map is not None and scope_map.built_in:
        raise arm(400, "SystemDefinedScopeMapNotModifiable", f"The system scope map '{scope_map.name}' cannot be changed.")


def _properties(request: Request) -> Json:
    properties = arm_body(request).get("properties")
    return properties if isinstance(properties, dict) else {}


def _actions(wanted: object) -> tuple[str, ...]:
    if not isinstance(wanted, list) or not wanted:
        raise arm(400, "InvalidScopeMapActions", "A scope map needs at least one action.")
    for action in wanted:
        if not isinstance(action, str) or not _ACTION.fullmatch(action):
            raise arm(400, "InvalidScopeMapActions", f"The action '{action}' is not valid: repositories/NAME/content/read.")
    return tuple(wanted)
