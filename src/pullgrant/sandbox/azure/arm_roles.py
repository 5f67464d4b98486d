"""Resource Manager: role definitions, and what the caller may do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.azure.arm_paths import REGISTRY, path
from pullgrant.sandbox.azure.basics import Json
from pullgrant.sandbox.azure.desk import Caller, Desk
from pullgrant.sandbox.azure.refusal import Refusal, arm
from pullgrant.sandbox.azure.rights import covers
from pullgrant.sandbox.azure.roles import ROLES, Role
from pullgrant.sandbox.exchange import Request, Response, Route, route

# A subscription, a resource group or a registry; nothing at all for built-in definitions.
SCOPE = (
    r"(?P<scope>/subscriptions/[^/]+(?:/resourceGroups/[^/]+"
    r"(?:/providers/Microsoft\.ContainerRegistry/registries/[^/]+)?)?)"
)
_PROVIDER = r"/providers/Microsoft\.Authorization"
_BY_NAME = re.compile(r"roleName\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)
_BY_TYPE = re.compile(r"type\s+eq\s+'([^']*)'", re.IGNORECASE)


class Roles:
    """The calls on role definitions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.arm)
        base = rf"{SCOPE}?{_PROVIDER}/roleDefinitions"
        permissions = path(rf"{REGISTRY}{_PROVIDER}/permissions")
        return [
            route("arm.ListRoleDefinitions", "GET", host, path(base), desk.arm(self.list_all)),
            route("arm.GetRoleDefinition", "GET", host, path(rf"{base}/(?P<guid>[^/]+)"), desk.arm(self.get)),
            route("arm.ListPermissions", "GET", host, permissions, desk.arm(self.permissions)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List definitions, with a $filter by name or type."""
        scope = match["scope"] or ""
        self._desk.demand(caller, "Microsoft.Authorization/roleDefinitions/read", scope or self._anywhere())
        text = request.one("$filter").strip()
        found = [_definition(role, self._anywhere(scope)) for role in ROLES.values() if _passes(role, text)]
        return Response(json={"value": found})

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a definition."""
        scope = match["scope"] or ""
        self._desk.demand(caller, "Microsoft.Authorization/roleDefinitions/read", scope or self._anywhere())
        return Response(json=_definition(role_of(match["guid"]), self._anywhere(scope)))

    def permissions(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List what the caller may do on a registry, a role at a time."""
        scope = match.string.split("/providers/Microsoft.Authorization", 1)[0]
        held = [
            _permission(ROLES[each.role])
            for each in self._desk.state.assignments.values()
            if each.principal_id == caller.id and covers(each.scope, scope)
        ]
        return Response(json={"value": held})

    def _anywhere(self, scope: str = "") -> str:
        """Return the subscription of a scope, any one for none."""
        return "/".join(scope.split("/")[:3]) if scope else f"/subscriptions/{next(iter(self._desk.state.subscriptions))}"


def role_of(guid: str) -> Role:
    """Return the role of a GUID. Raises Refusal."""
    role = ROLES.get(guid.lower())
    if role is None:
        raise missing_role(guid)
    return role


def missing_role(guid: str) -> Refusal:
    """Return the refusal of a role that is not there."""
    return arm(404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{guid}' does not exist.")


def _passes(role: Role, text: str) -> bool:
    if not text or text.lower() == "atscopeandbelow()":
        return True
    if by_name := _BY_NAME.fullmatch(text):
        return role.name.casefold() == by_name[1].replace("''", "'").casefold()
    if by_type := _BY_TYPE.fullmatch(text):
        return by_type[1].lower() == "builtinrole"
    raise arm(400, "InvalidFilter", f"The filter '{text}' is not supported.")


def _permission(role: Role) -> Json:
    lists = {"actions": role.actions, "notActions": role.not_actions, "dataActions": role.data_actions}
    return {name: list(values) for name, values in lists.items()} | {"notDataActions": []}


def _definition(role: Role, subscription: str) -> Json:
    properties: Json = {
        "roleName": role.name,
        "type": "BuiltInRole",
        "description": role.description,
        "assignableScopes": ["/"],
        "permissions": [_permission(role)],
        "createdOn": "2015-02-02T21:55:09.8806423Z",
        "updatedOn": "2021-11-11T20:13:47.8628684Z",
        "createdBy": None,
        "updatedBy": None,
    }
    kind = "Microsoft.Authorization/roleDefinitions"
    return {
        "properties": properties,
        "id": f"{subscription}/providers/{kind}/{role.guid}",
        "type": kind,
        "name": role.guid,
    }
