"""Microsoft Graph: service principals, and the little of the organisation that clients ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.azure.basics import Json, new_id
from pullgrant.sandbox.azure.desk import Caller, Desk, body_of
from pullgrant.sandbox.azure.graph_passwords import without_late
from pullgrant.sandbox.azure.graph_shapes import SETTABLE_ON_PRINCIPAL, principal_json
from pullgrant.sandbox.azure.odata import collection, entity, key_of, key_pattern
from pullgrant.sandbox.azure.refusal import Refusal, graph, graph_bad, graph_denied, graph_missing
from pullgrant.sandbox.azure.state import Application, Principal
from pullgrant.sandbox.exchange import Request, Response, Route, route

_OWN = frozenset({"appId", "accountEnabled", "displayName"})
_STEPS = ("read", "password", "assignment", "sign-in")
_LOCAL_TENANT = (
    "When using this permission, the backing application of the service principal being created must in the local tenant"
)


class Principals:
    """The calls on service principals."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._base = f"https://{desk.cloud.graph}/v1.0"

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.graph)
        one = key_pattern("servicePrincipals", "appId")
        return [
            route("graph.ListServicePrincipals", "GET", host, r"/v1\.0/servicePrincipals", desk.graph(self.list_all)),
            route("graph.CreateServicePrincipal", "POST", host, r"/v1\.0/servicePrincipals", desk.graph(self.create)),
            route("graph.GetServicePrincipal", "GET", host, one, desk.graph(self.get)),
            route("graph.UpdateServicePrincipal", "PATCH", host, one, desk.graph(self.update)),
            route("graph.DeleteServicePrincipal", "DELETE", host, one, desk.graph(self.delete)),
            route("graph.GetByIds", "POST", host, r"/v1\.0/directoryObjects/getByIds", desk.graph(self.by_ids)),
            route("graph.ListOrganization", "GET", host, r"/v1\.0/organization", desk.graph(self.organization)),
            route("graph.GetMe", "GET", host, r"/v1\.0/me", desk.graph(self.me)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List service principals; one that has not replicated is not among them."""
        if not caller.reads:
            raise graph_denied()
        state, world = self._desk.state, self._desk.world
        shown = [principal_json(state, each) for each in state.principals.values() if each.kind == "ServicePrincipal"]

        def seen(item: Json) -> Json | None:
            return without_late(item, world) if world.settled(f"azure/principal/{item['id']}/read") else None

        return collection(request, "servicePrincipals", shown, base=self._base, shown=seen)

    def create(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Create the service principal of an application."""
        document = body_of(request)
        _check_known(document)
        if not caller.creates:
            raise graph_denied()
        app_id = str(document.get("appId", ""))
        principal = self._new(caller, self._application(app_id), document)
        body = principal_json(self._desk.state, principal)
        return entity(request, "servicePrincipals", body, base=self._base, status=201)

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a service principal."""
        if not caller.reads:
            raise graph_denied()
        body = without_late(principal_json(self._desk.state, self._find(match)), self._desk.world)
        return entity(request, "servicePrincipals", body, base=self._base)

    def update(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Change a service principal: `accountEnabled: false` stops new sign-ins, tokens that were given out live on."""
        key, value = key_of(match)
        document = body_of(request)
        _check_known(document)
        missing = self._desk.state.principal_by(key, value) is None
        if missing and key == "appId" and "create-if-missing" in request.headers.get("prefer", "") and caller.creates:
            principal = self._new(caller, self._application(value), document)
            body = principal_json(self._desk.state, principal)
            return entity(request, "servicePrincipals", body, base=self._base, status=201)
        principal = self._find(match)
        if not caller.changes(principal.owners):
            raise graph_denied()
        if "accountEnabled" in document:
            principal.enabled = document["accountEnabled"] is True
        principal.properties |= {name: each for name, each in document.items() if name not in _OWN}
        return Response(status=204)

    def delete(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Delete a service principal; its role assignments stay."""
        principal = self._find(match)
        if not caller.changes(principal.owners):
            raise graph_denied()
        del self._desk.state.principals[principal.id]
        return Response(status=204)

    def by_ids(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return the service principals of a list of ids, those that there are; az asks so for names."""
        if not caller.reads:
            raise graph_denied()
        wanted = body_of(request).get("ids")
        state = self._desk.state
        found = [state.principals[each] for each in wanted if each in state.principals] if isinstance(wanted, list) else []
        kind = {"@odata.type": "#microsoft.graph.servicePrincipal"}
        body: Json = {"@odata.context": f"{self._base}/$metadata#directoryObjects"}
        return Response(json=body | {"value": [kind | principal_json(state, each) for each in found]})

    def organization(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return the tenant."""
        state = self._desk.state
        domain: Json = {"name": state.domain, "isDefault": True, "isInitial": True, "type": "Managed"}
        tenant: Json = {"id": state.tenant, "displayName": "Sandbox", "verifiedDomains": [domain], "tenantType": "AAD"}
        return collection(request, "organization", [tenant], base=self._base)

    def me(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return the person who is signed in; an application is none."""
        person = self._desk.state.principals.get(caller.id)
        if person is None or person.kind != "User":
            raise graph(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        body: Json = {"id": person.id, "displayName": person.display_name, "userPrincipalName": person.display_name}
        return entity(request, "users", body, base=self._base)

    def _application(self, app_id: str) -> Application:
        application = self._desk.state.application_by("appId", app_id)
        if application is None:
            raise _no_backing(app_id)
        if not self._desk.world.settled(f"azure/application/{application.id}/principal"):
            application.refused_principals += 1
            raise _no_backing(app_id) if application.refused_principals % 2 else _not_local()
        return application

    def _new(self, caller: Caller, application: Application, document: Json) -> Principal:
        state = self._desk.state
        if state.principal_by("appId", application.app_id):
            message = (
                "The service principal cannot be created, updated, or restored because the service principal name "
                f"{application.app_id} is already in use."
            )
            detail: Json = {"code": "ObjectConflict", "message": message, "target": "servicePrincipalNames"}
            raise graph(409, "Request_MultipleObjectsWithSameKeyValue", message, [detail])
        if not caller.changes(application.owners):
            raise _not_local()
        principal = Principal(
            id=new_id(),
            app_id=application.app_id,
            display_name=application.display_name,
            created=self._desk.world.now(),
            enabled=document.get("accountEnabled", True) is True,
            owners=frozenset({caller.id}),
            properties={name: each for name, each in document.items() if name not in _OWN},
        )
        state.principals[principal.id] = principal
        for step in _STEPS:
            self._desk.world.changed(f"azure/principal/{principal.id}/{step}")
        return principal

    def _find(self, match: re.Match[str]) -> Principal:
        key, value = key_of(match)
        principal = self._desk.state.principal_by(key, value)
        if (
            principal is None
            or principal.kind == "User"
            or not self._desk.world.settled(f"azure/principal/{principal.id}/read")
        ):
            raise graph_missing(value)
        return principal


def _no_backing(app_id: str) -> Refusal:
    message = f"The appId '{app_id}' of the service principal does not reference a valid application object."
    return graph_bad(message, detail="NoBackingApplicationObject", target="appId")


def _not_local() -> Refusal:
    return graph(403, "Authorization_RequestDenied", _LOCAL_TENANT)


def _check_known(document: Json) -> None:
    for name in document:
        if name not in SETTABLE_ON_PRINCIPAL and name not in _OWN:
            raise graph_bad(f"Invalid property '{name}'.")
