"""orgpolicy.googleapis.com v2: what an organisation forbids in a project. Source: discovery document orgpolicy.v2."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.callers import Caller
from pullgrant.sandbox.google.desk import Desk, need_service
from pullgrant.sandbox.google.refusal import Json, denied, invalid, not_found
from pullgrant.sandbox.google.state import Project

SERVICE = "orgpolicy.googleapis.com"
BOOLEAN = (
    "iam.disableServiceAccountCreation",
    "iam.disableServiceAccountKeyCreation",
    "iam.disableServiceAccountKeyUpload",
)
MANAGED = (
    "iam.managed.disableServiceAccountCreation",
    "iam.managed.disableServiceAccountKeyCreation",
    "iam.managed.disableServiceAccountKeyUpload",
)
LISTS = ("iam.allowServiceAccountCredentialLifetimeExtension", "iam.serviceAccountKeyExpiryHours")
_PATH = r"/v2/projects/(?P<project>[^/:]+)/policies/(?P<constraint>[^/:]+):getEffectivePolicy"


class OrgPolicy:
    """The service."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        answering = self._desk.endpoint(self.effective)
        return [route("orgpolicy.getEffectivePolicy", "GET", r"orgpolicy\.googleapis\.com", _PATH, answering)]

    def effective(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the effective policy of a constraint."""
        permission = "orgpolicy.policy.get"
        name = f"projects/{match['project']}/policies/{match['constraint']}"
        refusal = denied(permission, resource=f"//{SERVICE}/{name}", domain=SERVICE)
        project = self._desk.project(caller, match["project"], permission, refusal)
        need_service(project, SERVICE, "Organization Policy API")
        constraint = match["constraint"]
        name = f"projects/{project.number}/policies/{constraint}"
        if constraint in BOOLEAN or constraint in MANAGED:
            return {"name": name, "spec": {"rules": [{"enforce": constraint in project.constraints}]}}
        if constraint not in LISTS:
            raise not_found()
        allowed = allowed_values(project, constraint)
        return {"name": name, "spec": {"rules": [{"values": {"allowedValues": allowed}} if allowed else {"allowAll": True}]}}


def allowed_values(project: Project, constraint: str) -> list[str]:
    """Return the values that a list constraint allows in a project, empty when it allows all."""
    if constraint == "iam.serviceAccountKeyExpiryHours" and project.key_life:
        return [f"{int(project.key_life.total_seconds() // 3600)}h"]
    return []


def v1_effective(project: Project, constraint: str) -> Json:
    """Return the answer of cloudresourcemanager v1, which knows no managed constraints. Raises Refusal."""
    name = constraint.removeprefix("constraints/")
    if name == constraint or name not in BOOLEAN + LISTS:
        raise invalid(f"Constraint {constraint} is not known.")
    if name in BOOLEAN:
        return {"constraint": constraint, "booleanPolicy": {"enforced": True} if name in project.constraints else {}}
    allowed = allowed_values(project, name)
    return {"constraint": constraint, "listPolicy": {"allowedValues": allowed} if allowed else {"allValues": "ALLOW"}}
