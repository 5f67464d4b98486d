"""Resource Manager: role assignments at a subscription, a resource group or a registry.

Shape: azure-cli recording test_create_for_rbac_password_with_assignment; refusals: aka.ms/docs-principaltype and
openshift/cloud-credential-operator @ec239837.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from pullgrant.sandbox.azure.arm_paths import check_scope, path
from pullgrant.sandbox.azure.arm_roles import SCOPE, role_of
from pullgrant.sandbox.azure.arm_shapes import moment
from pullgrant.sandbox.azure.basics import Json, same
from pullgrant.sandbox.azure.condition import VERSION
from pullgrant.sandbox.azure.desk import Caller, Desk, arm_body
from pullgrant.sandbox.azure.refusal import Refusal, arm
from pullgrant.sandbox.azure.rights import covers
from pullgrant.sandbox.azure.state import Assignment, Principal
from pullgrant.sandbox.exchange import Request, Response, Route, route

_TYPE = "Microsoft.Authorization/roleAssignments"
_BY_PRINCIPAL = re.compile(r"(?:principalId\s+eq\s+'([^']+)'|assignedTo\(\s*'([^']+)'\s*\))", re.IGNORECASE)
_AT_SCOPE = re.compile(r"atScope\(\s*\)", re.IGNORECASE)


class Assignments:
    """The calls on role assignments."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.arm)
        base = rf"{SCOPE}/providers/Microsoft\.Authorization/roleAssignments"
        one = path(rf"{base}/(?P<name>[^/]+)")
        return [
            route("arm.ListRoleAssignments", "GET", host, path(base), desk.arm(self.list_all)),
            route("arm.GetRoleAssignment", "GET", host, one, desk.arm(self.get)),
            route("arm.PutRoleAssignment", "PUT", host, one, desk.arm(self.put)),
            route("arm.DeleteRoleAssignment", "DELETE", host, one, desk.arm(self.delete)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List assignments at, above and below a scope; atScope() leaves out those below."""
        scope = match["scope"]
        self._desk.demand(caller, f"{_TYPE}/read", scope)
        check_scope(self._desk.state, scope)
        principal, at_scope = _filter(request.one("$filter"))
        found = [
            each
            for each in self._desk.state.assignments.values()
            if (covers(each.scope, scope) or (not at_scope and covers(scope, each.scope)))
            and (principal is None or same(each.principal_id, principal))
        ]
        return Response(json={"value": [assignment_json(each) for each in found]})

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return an assignment."""
        self._desk.demand(caller, f"{_TYPE}/read", match["scope"])
        found = self._find(match)
        if found is None:
            words = f"The role assignment '{match['name']}' is not found."
            raise arm(404, "RoleAssignmentNotFound", words)
        return Response(json=assignment_json(found))

    def put(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Create an assignment under the caller's name for it; once more, it changes condition and description."""
        self._desk.demand(caller, f"{_TYPE}/write", match["scope"])
        check_scope(self._desk.state, match["scope"])
        _check_name(match["name"])
        wanted = self._wanted(caller, arm_body(request).get("properties"), match)
        known = self._desk.state.assignments.get(wanted.name)
        if known is None:
            self._check_unique(wanted)
            self._desk.state.assignments[wanted.name] = wanted
            self._desk.world.changed(f"azure/assignment/{wanted.name}")
            return Response(status=201, json=assignment_json(wanted))
        if _key(known) != _key(wanted):
            words = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
            raise arm(409, "RoleAssignmentUpdateNotPermitted", words)
        known.condition, known.condition_version = wanted.condition, wanted.condition_version
        known.description, known.updated = wanted.description, wanted.updated
        return Response(status=200, json=assignment_json(known))

    def delete(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Delete an assignment; what it granted ends at once."""
        self._desk.demand(caller, f"{_TYPE}/delete", match["scope"])
        found = self._find(match)
        if found is None:
            return Response(status=204)
        del self._desk.state.assignments[found.name]
        return Response(json=assignment_json(found))

    def _find(self, match: re.Match[str]) -> Assignment | None:
        found = self._desk.state.assignments.get(match["name"].lower())
        return found if found and same(found.scope, match["scope"]) else None

    def _wanted(self, caller: Caller, properties: object, match: re.Match[str]) -> Assignment:
        if not isinstance(properties, dict):
            raise arm(400, "InvalidCreateRoleAssignmentRequest", "The request to create role assignment is not valid.")
        role = role_of(str(properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1])
        principal_id = str(properties.get("principalId", "")).lower()
        principal = self._principal(principal_id, properties.get("principalType"))
        condition, version = properties.get("condition"), properties.get("conditionVersion")
        if condition is not None and version != VERSION:
            raise arm(400, "InvalidConditionVersion", f"The condition version '{version}' is not supported, '{VERSION}' is.")
        now = self._desk.world.now()
        return Assignment(
            name=match["name"].lower(),
            scope=match["scope"],
            role=role.guid,
            principal_id=principal_id,
            principal_type=principal.kind,
            created=now,
            updated=now,
            created_by=caller.id,
            condition=condition,
            condition_version=version,
            description=properties.get("description"),
        )

    def _principal(self, principal_id: str, kind: object) -> Principal:
        principal = self._desk.state.principals.get(principal_id)
        if principal is None or not self._desk.world.settled(f"azure/principal/{principal_id}/assignment"):
            raise self._not_found(principal_id)
        if kind is not None and kind != principal.kind:
            raise arm(
                400,
                "UnmatchedPrincipalType",
                f"The PrincipalId '{principal_id}' has type '{principal.kind}' , which is different from specified "
                f"PrinciaplType '{kind}'.",
            )
        return principal

    def _not_found(self, principal_id: str) -> Refusal:
        return arm(
            400,
            "PrincipalNotFound",
            f"Principal {principal_id.replace('-', '')} does not exist in the directory {self._desk.state.tenant}. Check "
            "that you have the correct principal ID. If you are creating this principal and then immediately assigning a "
            "role, this error might be related to a replication delay. In this case, set the role assignment principalType "
            "property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
        )

    def _check_unique(self, wanted: Assignment) -> None:
        if any(_key(each) == _key(wanted) for each in self._desk.state.assignments.values()):
            raise arm(409, "RoleAssignmentExists", "The role assignment already exists.")


def assignment_json(assignment: Assignment) -> Json:
    """Return an assignment as Resource Manager shows it."""
    subscription = "/".join(assignment.scope.split("/")[:3])
    properties: Json = {
        "roleDefinitionId": f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{assignment.role}",
        "principalId": assignment.principal_id,
        "principalType": assignment.principal_type,
        "scope": assignment.scope,
        "condition": assignment.condition,
        "conditionVersion": assignment.condition_version,
        "createdOn": moment(assignment.created),
        "updatedOn": moment(assignment.updated),
        "createdBy": assignment.created_by,
        "updatedBy": assignment.created_by,
        "delegatedManagedIdentityResourceId": None,
        "description": assignment.description,
    }
    place = f"{assignment.scope}/providers/{_TYPE}/{assignment.name}"
    return {"properties": properties, "id": place, "type": _TYPE, "name": assignment.name}


def _key(assignment: Assignment) -> tuple[str, str, str]:
    return assignment.scope.lower(), assignment.role, assignment.principal_id


def _check_name(name: str) -> None:
    try:
        uuid.UUID(name)
    except ValueError:
        raise arm(
            400,
            "InvalidRoleAssignmentId",
            f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
        ) from None


def _filter(text: str) -> tuple[str | None, bool]:
    """Return the wanted principal, and whether what lies below the scope is left out. Raises Refusal."""
    principal, at_scope = None, False
    for term in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
        if by_principal := _BY_PRINCIPAL.fullmatch(term):
            principal = by_principal[1] or by_principal[2]
        elif _AT_SCOPE.fullmatch(term):
            at_scope = True
        else:
            raise arm(
                400,
                "UnsupportedQuery",
                f"The filter '{text}' is not supported. Supported filters are 'atScope()', "
                "'principalId eq '{value}'' or a combination of them.",
            )
    return principal, at_scope
