"""Microsoft Graph: applications.

Upsert by uniqueName: learn.microsoft.com/graph/api/application-upsert; alternate keys: msgraph-metadata @f54f11b6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.azure.basics import Json, new_id, same
from pullgrant.sandbox.azure.desk import Caller, Desk, body_of
from pullgrant.sandbox.azure.graph_passwords import Passwords, too_many, without_late
from pullgrant.sandbox.azure.graph_shapes import SETTABLE, application_json, password_json
from pullgrant.sandbox.azure.odata import collection, entity, key_of, key_pattern
from pullgrant.sandbox.azure.refusal import graph, graph_bad, graph_denied, graph_missing
from pullgrant.sandbox.azure.state import Application, Password
from pullgrant.sandbox.exchange import Request, Response, Route, route

_NAMES = frozenset({"displayName", "uniqueName", "passwordCredentials"})
_STEPS = ("read", "update", "password", "principal", "sign-in")


class Applications:
    """The calls on applications."""

    def __init__(self, desk: Desk, passwords: Passwords) -> None:
        self._desk, self._passwords = desk, passwords
        self._base = f"https://{desk.cloud.graph}/v1.0"

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.graph)
        one = key_pattern("applications", "appId", "uniqueName")
        return [
            route("graph.ListApplications", "GET", host, r"/v1\.0/applications", desk.graph(self.list_all)),
            route("graph.CreateApplication", "POST", host, r"/v1\.0/applications", desk.graph(self.create)),
            route("graph.GetApplication", "GET", host, one, desk.graph(self.get)),
            route("graph.UpdateApplication", "PATCH", host, one, desk.graph(self.update)),
            route("graph.DeleteApplication", "DELETE", host, one, desk.graph(self.delete)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List applications; one that has not replicated is not among them."""
        if not caller.reads:
            raise graph_denied()
        state, world = self._desk.state, self._desk.world
        shown = [application_json(state, each) for each in state.applications.values()]

        def seen(item: Json) -> Json | None:
            return without_late(item, world) if world.settled(f"azure/application/{item['id']}/read") else None

        return collection(request, "applications", shown, base=self._base, shown=seen)

    def create(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Create an application, with its first passwords when asked to."""
        document = body_of(request)
        wanted = document.pop("passwordCredentials", None) or []
        application = self._new(caller, document)
        made = self._first_passwords(wanted, application)
        self._keep(application)
        body = application_json(self._desk.state, application)
        body["passwordCredentials"] = [password_json(password, secret=secret) for password, secret in made]
        return self._created(request, body)

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return an application."""
        if not caller.reads:
            raise graph_denied()
        found = application_json(self._desk.state, self._find(match, "read"))
        return entity(request, "applications", without_late(found, self._desk.world), base=self._base)

    def update(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Change an application, or create it by its unique name where `Prefer: create-if-missing` asks for that."""
        key, value = key_of(match)
        document = body_of(request)
        application = self._desk.state.application_by(key, value)
        if application is None and key == "uniqueName" and "create-if-missing" in request.headers.get("prefer", ""):
            if "passwordCredentials" in document:
                raise graph_bad("Property 'passwordCredentials' cannot be set by an upsert.")
            application = self._new(caller, document | {"uniqueName": value})
            self._keep(application)
            return self._created(request, application_json(self._desk.state, application))
        if application is None:
            raise graph_missing(value)
        self._check_writable(caller, application)
        if not self._desk.world.settled(f"azure/application/{application.id}/update"):
            words = "Unable to process the operation due to concurrent requests; please retry."
            raise graph(409, "Directory_ConcurrencyViolation", words)
        self._change(application, document)
        return Response(status=204)

    def delete(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Delete an application and its service principal; role assignments stay, and now lead nowhere."""
        application = self._find(match, "read")
        self._check_writable(caller, application)
        state = self._desk.state
        del state.applications[application.id]
        principal = state.principal_by("appId", application.app_id)
        if principal is not None:
            del state.principals[principal.id]
        return Response(status=204)

    def _find(self, match: re.Match[str], step: str) -> Application:
        key, value = key_of(match)
        application = self._desk.state.application_by(key, value)
        if application is None or not self._desk.world.settled(f"azure/application/{application.id}/{step}"):
            raise graph_missing(value)
        return application

    def _check_writable(self, caller: Caller, application: Application) -> None:
        denied = any(policy.denies for policy in self._desk.state.policies_for(application.words))
        if denied or not caller.changes(application.owners):
            raise graph_denied()

    def _new(self, caller: Caller, document: Json) -> Application:
        if not caller.creates:
            raise graph_denied()
        _check_known(document)
        name, unique_name = document.get("displayName"), document.get("uniqueName")
        if not name or not isinstance(name, str):
            message = "A value is required for property 'displayName' of resource 'Application'."
            raise graph_bad(message, detail="PropertyRequired", target="displayName")
        self._check_unique(unique_name)
        state = self._desk.state
        owned = sum(caller.id in each.owners for each in state.applications.values())
        if owned + sum(caller.id in each.owners for each in state.principals.values()) >= state.most_objects:
            words = (
                "The directory object quota limit for the Principal has been exceeded. Please ask your administrator to "
                "increase the quota limit or delete objects to reduce the used quota."
            )
            raise graph(403, "Directory_QuotaExceeded", words)
        return Application(
            id=new_id(),
            app_id=new_id(),
            display_name=name,
            unique_name=unique_name,
            created=self._desk.world.now(),
            owners=frozenset({caller.id}),
            properties={key: value for key, value in document.items() if key not in _NAMES},
        )

    def _check_unique(self, unique_name: str | None) -> None:
        if unique_name and self._desk.state.application_by("uniqueName", unique_name):
            message = "Another object with the same value for property uniqueName already exists."
            raise graph_bad(message, detail="ObjectConflict", target="uniqueName")

    def _first_passwords(self, wanted: object, application: Application) -> list[tuple[Password, str]]:
        if not isinstance(wanted, list):
            raise graph_bad("Invalid value specified for property 'passwordCredentials' of resource 'Application'.")
        made = [self._passwords.make(each, application.words) for each in wanted]
        if len(made) > self._desk.state.most_passwords:
            raise too_many()
        application.passwords.extend(password for password, _ in made)
        return made

    def _keep(self, application: Application) -> None:
        self._desk.state.applications[application.id] = application
        for step in _STEPS:
            self._desk.world.changed(f"azure/application/{application.id}/{step}")

    def _change(self, application: Application, document: Json) -> None:
        _check_known(document)
        unique_name = document.get("uniqueName", application.unique_name)
        if not same(application.unique_name, str(unique_name)) and unique_name != application.unique_name:
            if application.unique_name:
                raise graph_bad("Property 'uniqueName' is read-only and cannot be set.")
            self._check_unique(unique_name)
        if "passwordCredentials" in document:
            application.passwords[:] = _kept(application.passwords, document["passwordCredentials"])
        application.unique_name = unique_name
        application.display_name = document.get("displayName", application.display_name)
        application.properties |= {key: value for key, value in document.items() if key not in _NAMES}

    def _created(self, request: Request, body: Json) -> Response:
        answer = entity(request, "applications", body, base=self._base, status=201)
        place = f"{body['id']}/Microsoft.DirectoryServices.Application"
        location = f"https://{self._desk.cloud.graph}/v2/{self._desk.state.tenant}/directoryObjects/{place}"
        headers = {"location": location, "x-ms-resource-unit": "1", "odata-version": "4.0"}
        return Response(status=201, json=answer.json, headers=headers)


def _check_known(document: Json) -> None:
    for name in document:
        if name not in SETTABLE and name not in _NAMES:
            raise graph_bad(f"Invalid property '{name}'.")


def _kept(passwords: Sequence[Password], wanted: object) -> list[Password]:
    """Return the passwords that a PATCH keeps: it may leave some out by keyId, it cannot bring a new one."""
    listed = wanted if isinstance(wanted, list) else []
    by_id = {password.key_id: password for password in passwords}
    key_ids = [str(each.get("keyId", "")).lower() for each in listed if isinstance(each, dict)]
    if len(key_ids) != len(listed) or not by_id.keys() >= set(key_ids):
        raise graph_bad("Update to existing credential with KeyId is not allowed; new passwords are made with addPassword.")
    return [by_id[key_id] for key_id in key_ids]
