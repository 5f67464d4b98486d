"""cloudresourcemanager.googleapis.com v1 and v3: projects and their policies, and effective organisation policies in v1.

Source: discovery documents cloudresourcemanager.v1 and .v3; a project that is not there is refused, not absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM, CLOUD_PLATFORM_READ, Caller
from pullgrant.sandbox.google.desk import Desk, Handler, body_of
from pullgrant.sandbox.google.org_policy import v1_effective
from pullgrant.sandbox.google.policy import refuse_unknown
from pullgrant.sandbox.google.refusal import Json, Refusal, denied
from pullgrant.sandbox.google.state import Project

SERVICE = "cloudresourcemanager.googleapis.com"
_HOST = r"cloudresourcemanager\.googleapis\.com"
_PROJECT = r"/(?P<version>v1|v3)/projects/(?P<project>[^/:]+)"
_V1 = r"/(?P<version>v1)/projects/(?P<project>[^/:]+)"
_READ = (CLOUD_PLATFORM, CLOUD_PLATFORM_READ)
_SINCE = "2024-01-01T00:00:00Z"


class ResourceManager:
    """The service."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""

        def post(verb: str, handler: Handler, *, path: str = _PROJECT, scopes: tuple[str, ...] = _READ) -> Route:
            answering = self._desk.endpoint(handler, scopes=scopes)
            return route(f"resourcemanager.{verb}", "POST", _HOST, f"{path}:{verb}", answering)

        return [
            route("resourcemanager.getProject", "GET", _HOST, _PROJECT, self._desk.endpoint(self.get, scopes=_READ)),
            post("getIamPolicy", self.get_policy),
            post("setIamPolicy", self.set_policy, scopes=(CLOUD_PLATFORM,)),
            post("testIamPermissions", self.test_permissions),
            post("getEffectiveOrgPolicy", self.effective, path=_V1),
        ]

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return a project, in the form of the version that was asked."""
        project = self._project(caller, match, "resourcemanager.projects.get")
        if match["version"] == "v1":
            return {
                "projectNumber": project.number,
                "projectId": project.id,
                "lifecycleState": "ACTIVE",
                "name": project.id,
                "createTime": _SINCE,
            }
        return {
            "name": f"projects/{project.number}",
            "projectId": project.id,
            "displayName": project.id,
            "state": "ACTIVE",
            "createTime": _SINCE,
            "updateTime": _SINCE,
        }

    def get_policy(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the policy of a project."""
        project = self._project(caller, match, "resourcemanager.projects.getIamPolicy")
        options = body_of(request, ("options",)).get("options") or {}
        refuse_unknown(options, ("requestedPolicyVersion",), "options")
        return self._desk.policies.read(project.policy, options.get("requestedPolicyVersion"))

    def set_policy(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Replace the policy of a project."""
        project = self._project(caller, match, "resourcemanager.projects.setIamPolicy")
        body = body_of(request, ("policy", "updateMask"))
        return self._desk.policies.write(project.policy, body.get("policy"), mask=body.get("updateMask", ""))

    def test_permissions(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Say what the caller may do on a project; one that is not there is refused."""
        asked = body_of(request, ("permissions",)).get("permissions") or []
        project = self._desk.state.project_by(match["project"])
        if project is None:
            raise _denied(match, "resourcemanager.projects.get")
        return self._desk.granted(caller, asked, [project.policy])

    def effective(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the effective organisation policy of a constraint in the form of v1."""
        project = self._project(caller, match, "orgpolicy.policy.get")
        return v1_effective(project, body_of(request, ("constraint",)).get("constraint", ""))

    def _project(self, caller: Caller, match: re.Match[str], permission: str) -> Project:
        return self._desk.project(caller, match["project"], permission, _denied(match, permission))


def _denied(match: re.Match[str], permission: str) -> Refusal:
    if match["version"] == "v1":
        return Refusal("PERMISSION_DENIED", "The caller does not have permission")
    return denied(permission, resource=f"//{SERVICE}/projects/{match['project']}", domain=SERVICE)
