"""serviceusage.googleapis.com v1: which APIs are enabled in a project, and enabling one.

Source: discovery document serviceusage.v1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM, CLOUD_PLATFORM_READ, Caller
from pullgrant.sandbox.google.desk import Desk, body_of
from pullgrant.sandbox.google.refusal import Json, denied, invalid
from pullgrant.sandbox.google.state import Project

SERVICE = "serviceusage.googleapis.com"
_HOST = r"serviceusage\.googleapis\.com"
_SERVICES = r"/v1/projects/(?P<project>[^/:]+)/services"
_SERVICE = _SERVICES + r"/(?P<service>[a-z0-9.-]+)"
_READ = (CLOUD_PLATFORM, CLOUD_PLATFORM_READ)
_MOST = 30  # discovery document: "A single request can get a maximum of 30 services at a time."
_API = re.compile(r"projects/[^/]+/services/([a-z0-9.-]+)", re.ASCII)


class ServiceUsage:
    """The service."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""

        def of(verb: str, path: str) -> Route:
            handler = {"get": self.get, "batchGet": self.batch}[verb]
            return route(f"serviceusage.{verb}", "GET", _HOST, path, self._desk.endpoint(handler, scopes=_READ))

        enabling = self._desk.endpoint(self.enable)
        return [
            of("batchGet", _SERVICES + ":batchGet"),
            of("get", _SERVICE),
            route("serviceusage.enable", "POST", _HOST, _SERVICE + ":enable", enabling),
        ]

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return whether one API is enabled."""
        return _service_json(self._project(caller, match, "serviceusage.services.get"), match["service"])

    def batch(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the same of several APIs, in the order asked."""
        project = self._project(caller, match, "serviceusage.services.get")
        asked = [_API.fullmatch(name) for name in request.query.get("names", [])]
        found = [each[1] for each in asked if each and each[0].split("/")[1] == match["project"]]
        if not asked or len(found) < len(asked) or len(asked) > _MOST:
            raise invalid("Request contains an invalid argument.")
        return {"services": [_service_json(project, service) for service in found]}

    def enable(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Enable one API at once; Google takes a while and calls that an operation."""
        project = self._project(caller, match, "serviceusage.services.enable")
        body_of(request, ())
        project.services.add(match["service"])
        return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": {}}

    def _project(self, caller: Caller, match: re.Match[str], permission: str) -> Project:
        resource = f"//{SERVICE}/projects/{match['project']}"
        return self._desk.project(
            caller, match["project"], permission, denied(permission, resource=resource, domain=SERVICE)
        )


def _service_json(project: Project, service: str) -> Json:
    parent = f"projects/{project.number}"
    state = "ENABLED" if service in project.services else "DISABLED"
    return {"name": f"{parent}/services/{service}", "parent": parent, "config": {"name": service}, "state": state}
