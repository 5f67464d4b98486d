"""The seam to Resource Manager: subscriptions, registries, role assignments. It decides nothing."""

from __future__ import annotations

import threading
from typing import Any

from pullgrant.providers.azure import condition
from pullgrant.providers.azure.answers import Step, classify, said, translated
from pullgrant.providers.azure.found import Assignment, Permission, Registry
from pullgrant.providers.azure.hosts import Cloud
from pullgrant.providers.azure.pipe import TIMEOUTS, arm_policies, plain

_POLL = 1  # second between two looks at a long operation; azure-core's own is 30
_ANY = "00000000-0000-0000-0000-000000000000"


class Resources:
    """Registries and role assignments, as the operator. Errors of all methods are those of `answers.classify`.

    What it opens is added to `opened`, for its owner to close.
    """

    def __init__(self, credential: Any, cloud: Cloud, opened: list[Any]) -> None:
        self._credential, self._cloud, self._opened = credential, cloud, opened
        self._clients: dict[str, Any] = {}
        self._roles: Any = None
        self._making = threading.Lock()

    def subscriptions(self) -> dict[str, str]:
        """Return the enabled subscriptions that the operator sees: id -> name."""
        step = Step(doing="list your subscriptions", right=read_right("the subscription"))
        listed = self._get("", "/subscriptions?api-version=2022-12-01", step)
        return {
            str(one["subscriptionId"]).lower(): str(one.get("displayName") or "")
            for one in listed
            if one.get("state", "Enabled") == "Enabled"
        }

    def registry(self, subscription: str, group: str, name: str) -> Registry:
        """Return one registry. Raises NotFound when it is not there."""
        with translated(Step(doing=f"look at the registry {name}", right=read_right(f"the registry {name}"))):
            return _registry(self.client(subscription).registries.get(group, name))

    def registries(self, subscription: str) -> tuple[Registry, ...]:
        """Return all registries of a subscription."""
        step = Step(doing=f"list the registries of {subscription}", right=read_right("the registry"))
        with translated(step):
            return tuple(_registry(one) for one in self.client(subscription).registries.list())

    def permissions(self, scope: str) -> tuple[Permission, ...]:
        """Return what the operator's roles allow on a resource."""
        step = Step(doing=f"ask what you may do on {scope}", right=read_right(scope))
        listed = self._get(scope, f"{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01", step)
        return tuple(
            Permission(actions=tuple(one.get("actions") or ()), not_actions=tuple(one.get("notActions") or ()))
            for one in listed
        )

    def assignments(self, scope: str, principal_id: str) -> tuple[Assignment, ...]:
        """Return a principal's role assignments at, above and below a scope."""
        step = Step(doing=f"list the role assignments on {scope}", right=read_right(scope))
        with translated(step):
            listed = self._role_assignments().list_for_scope(scope, filter=f"principalId eq '{principal_id}'")
            return tuple(_assignment(one) for one in listed if one.principal_id == principal_id)

    def assign(self, scope: str, name: str, principal_id: str, wanted: condition.Wanted, description: str) -> None:
        """Give a principal a role at a scope, or change the condition of the assignment of this name."""
        from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters

        step = Step(
            doing=f"give {condition.role_name(wanted.role)} on {scope}",
            right=assign_right(scope),
            changes=True,
        )
        subscription = scope.split("/")[2]
        parameters = RoleAssignmentCreateParameters(
            role_definition_id=f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{wanted.role}",
            principal_id=principal_id,
            principal_type="ServicePrincipal",  # its default is User, which fails for a fresh service principal
            description=description,
            condition=wanted.condition or None,
            condition_version=condition.VERSION if wanted.condition else None,
        )
        with translated(step):
            self._role_assignments().create(scope, name, parameters)

    def unassign(self, assignment: Assignment) -> None:
        """Delete a role assignment; one that is not there is nothing."""
        from azure.core.exceptions import ResourceNotFoundError

        step = Step(
            doing=f"take {condition.role_name(assignment.role)} on {assignment.scope} away",
            right="You need Microsoft.Authorization/roleAssignments/delete there.",
            changes=True,
        )
        with translated(step):
            try:
                self._role_assignments().delete(assignment.scope, assignment.name)
            except ResourceNotFoundError:
                return

    def _get(self, scope: str, path: str, step: Step) -> list[dict[str, Any]]:
        """Ask for a list that the two SDKs do not know, or know for a part of the scopes only."""
        from azure.core.rest import HttpRequest

        with translated(step):
            client = self.client(scope.split("/")[2] if scope else _ANY)
            answer = client.send_request(HttpRequest("GET", f"{self._cloud.arm}{path}"))
        body = answer.json() if answer.status_code == 200 else None
        if not isinstance(body, dict):
            headers = {name.lower(): value for name, value in answer.headers.items()}
            raise classify(said(answer.status_code, answer.content, headers), step)
        return [one for one in body.get("value") or () if isinstance(one, dict)]

    def client(self, subscription: str) -> Any:
        """Return the SDK's client for the registries of a subscription."""
        with self._making:
            if subscription not in self._clients:
                from azure.mgmt.containerregistry import ContainerRegistryManagementClient

                self._clients[subscription] = ContainerRegistryManagementClient(
                    self._credential,
                    subscription,
                    base_url=self._cloud.arm,
                    credential_scopes=[self._cloud.scope],
                    policies=arm_policies(self._credential, self._cloud.scope),
                    polling_interval=_POLL,
                    **TIMEOUTS,
                )
                self._opened.append(self._clients[subscription])
            return self._clients[subscription]

    def _role_assignments(self) -> Any:
        with self._making:
            if self._roles is None:
                from azure.mgmt.authorization.v2022_04_01 import AuthorizationManagementClient

                self._roles = AuthorizationManagementClient(
                    self._credential,
                    _ANY,
                    base_url=self._cloud.arm,
                    credential_scopes=[self._cloud.scope],
                    policies=arm_policies(self._credential, self._cloud.scope),
                    **TIMEOUTS,
                )
                self._opened.append(self._roles)
            return self._roles.role_assignments


def assign_right(scope: str) -> str:
    """Return the hint for an operator who may not give roles."""
    return (
        f"Let an owner run: az role assignment create --assignee YOU "
        f'--role "Role Based Access Control Administrator" --scope {scope}'
    )


def read_right(what: str) -> str:
    """Return the hint for an operator who may not look at something."""
    return f"You need the role Reader on {what}."


def _registry(found: Any) -> Registry:
    its = found.properties
    return Registry(
        id=found.id,
        name=found.name,
        login_server=plain(its.login_server).lower(),
        abac=plain(its.role_assignment_mode) == "AbacRepositoryPermissions",
        anonymous=bool(its.anonymous_pull_enabled),
        admin_user=bool(its.admin_user_enabled),
        private=plain(its.public_network_access) == "Disabled",
    )


def _assignment(found: Any) -> Assignment:
    return Assignment(
        id=found.id,
        name=found.name,
        scope=str(found.scope or ""),
        role=str(found.role_definition_id or "").rpartition("/")[2].lower(),
        condition=str(found.condition or ""),
    )
