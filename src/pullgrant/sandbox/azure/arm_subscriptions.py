"""Resource Manager: subscriptions, tenants, resource groups, the search for resources, and the description of the cloud."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from pullgrant.sandbox.azure.arm_paths import GROUP, SUBSCRIPTION, TYPE, group_of, path, subscription_of
from pullgrant.sandbox.azure.basics import Json, same
from pullgrant.sandbox.azure.clouds import REGISTRY_AUDIENCE
from pullgrant.sandbox.azure.desk import Caller, Desk
from pullgrant.sandbox.azure.refusal import arm
from pullgrant.sandbox.azure.registry_state import Registry
from pullgrant.sandbox.exchange import Request, Response, Route, route

_READ = "Microsoft.Resources/subscriptions/resources/read"
_BY_TYPE = re.compile(r"resourceType\s+eq\s+'([^']+)'", re.IGNORECASE)
_BY_NAME = re.compile(r"name\s+eq\s+'([^']+)'", re.IGNORECASE)


class Subscriptions:
    """What a caller sees of the account."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.arm)
        return [
            route("arm.CloudEndpoints", "GET", host, "/metadata/endpoints", self.endpoints),
            route("arm.ListSubscriptions", "GET", host, path("/subscriptions"), desk.arm(self.subscriptions)),
            route("arm.GetSubscription", "GET", host, path(SUBSCRIPTION), desk.arm(self.subscription)),
            route("arm.ListTenants", "GET", host, path("/tenants"), desk.arm(self.tenants)),
            route("arm.ListResources", "GET", host, path(f"{SUBSCRIPTION}/resources"), desk.arm(self.resources)),
            route("arm.ListGroups", "GET", host, path(f"{SUBSCRIPTION}/resourceGroups"), desk.arm(self.groups)),
            route("arm.GetGroup", "GET", host, path(GROUP), desk.arm(self.group)),
        ]

    def subscriptions(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List the subscriptions in which the caller has any role."""
        seen = [each for each in self._desk.state.subscriptions if self._sees(caller, f"/subscriptions/{each}")]
        count = {"type": "Total", "value": len(seen)}
        return Response(json={"value": [self._subscription(each) for each in seen], "count": count})

    def subscription(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a subscription."""
        found = subscription_of(self._desk.state, match)
        if not self._sees(caller, f"/subscriptions/{found}"):
            self._desk.demand(caller, "Microsoft.Resources/subscriptions/read", f"/subscriptions/{found}")
        return Response(json=self._subscription(found))

    def tenants(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List the one tenant."""
        state = self._desk.state
        tenant: Json = {"id": f"/tenants/{state.tenant}", "tenantId": state.tenant, "countryCode": "NL"}
        tenant |= {"displayName": "Sandbox", "domains": [state.domain], "defaultDomain": state.domain, "tenantType": "AAD"}
        return Response(json={"value": [tenant | {"tenantCategory": "Home"}]})

    def resources(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List the registries of a subscription that the caller may read, with a $filter by type and name."""
        subscription = subscription_of(self._desk.state, match)
        kind, name = _filter(request.one("$filter"))
        found = [
            each
            for each in self._desk.state.registries.values()
            if same(each.subscription, subscription)
            and (name is None or same(each.name, name))
            and self._desk.rights.may(caller.id, f"{TYPE}/read", each.id)
        ]
        return Response(json={"value": [_resource(each) for each in found] if kind is None or same(kind, TYPE) else []})

    def groups(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List the resource groups of a subscription."""
        subscription = subscription_of(self._desk.state, match)
        scopes = [f"/subscriptions/{subscription}/resourceGroups/{each}" for each in self._desk.state.groups(subscription)]
        seen = [each for each in scopes if self._desk.rights.may(caller.id, _READ, each)]
        return Response(json={"value": [_group(each) for each in seen]})

    def group(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a resource group."""
        scope = f"/subscriptions/{subscription_of(self._desk.state, match)}/resourceGroups/{match['group']}"
        self._desk.demand(caller, "Microsoft.Resources/subscriptions/resourceGroups/read", scope)
        group = group_of(self._desk.state, match)
        return Response(json=_group(f"/subscriptions/{match['subscription']}/resourceGroups/{group}"))

    def endpoints(self, request: Request, match: re.Match[str]) -> Response:
        """Describe the cloud to `az cloud register`; anybody may ask."""
        cloud = self._desk.cloud
        login, arm_host = f"https://{cloud.logins[0]}", f"https://{cloud.arm}"
        described: Json = {
            "name": cloud.az_name,
            "portal": "https://portal.azure.com",
            "authentication": {
                "loginEndpoint": login,
                "audiences": [f"{audience}/" for audience in reversed(cloud.audiences)],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "media": "https://rest.media.azure.net",
            "graphAudience": f"https://{cloud.graph}/",
            "graph": f"https://{cloud.graph}/",
            "microsoftGraphResourceId": f"https://{cloud.graph}/",
            "resourceManager": f"{arm_host}/",
            "batch": "https://batch.core.windows.net/",
            "sqlManagement": f"{arm_host}/",
            "gallery": "https://gallery.azure.com/",
            "activeDirectoryDataLake": "https://datalake.azure.net/",
            "containerRegistryAudience": REGISTRY_AUDIENCE,
            "suffixes": {
                "acrLoginServer": cloud.suffix,
                "storage": "core.windows.net",
                "keyVaultDns": "vault.azure.net",
                "sqlServerHostname": "database.windows.net",
            },
        }
        return Response(json=[described] if request.one("api-version") < "2022-09-01" else described)

    def _sees(self, caller: Caller, scope: str) -> bool:
        return any(
            each.principal_id == caller.id and f"{each.scope}/".lower().startswith(f"{scope}/".lower())
            for each in self._desk.state.assignments.values()
        )

    def _subscription(self, subscription: str) -> Json:
        return {
            "id": f"/subscriptions/{subscription}",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": subscription,
            "tenantId": self._desk.state.tenant,
            "displayName": self._desk.state.subscriptions[subscription],
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }


def _filter(text: str) -> tuple[str | None, str | None]:
    """Return the wanted type and name. Raises Refusal for a filter of another kind."""
    kind, name = None, None
    for term in re.split(r"\s+and\s+", unquote(text).strip(), flags=re.IGNORECASE) if text.strip() else ():
        if by_type := _BY_TYPE.fullmatch(term):
            kind = by_type[1]
        elif by_name := _BY_NAME.fullmatch(term):
            name = by_name[1]
        else:
            raise arm(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")
    return kind, name


def _resource(registry: Registry) -> Json:
    sku = {"name": registry.sku, "tier": registry.sku}
    kept: Json = {"id": registry.id, "name": registry.name, "type": TYPE, "sku": sku}
    return kept | {"location": registry.location, "tags": {}}


def _group(scope: str) -> Json:
    kept: Json = {"id": scope, "name": scope.rsplit("/", 1)[1], "type": "Microsoft.Resources/resourceGroups"}
    return kept | {"location": "westeurope", "properties": {"provisioningState": "Succeeded"}}
