"""secretmanager.googleapis.com v1: secrets with labels, and their versions, of which only the state ever changes.

Source: discovery document secretmanager.v1.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.callers import Caller
from pullgrant.sandbox.google.desk import Desk, body_of, need_service, page
from pullgrant.sandbox.google.refusal import Json, Refusal, denied, invalid, not_found
from pullgrant.sandbox.google.state import Project, StoredSecret

SERVICE = "secretmanager.googleapis.com"
_HOST = re.escape(SERVICE)
_SECRETS = r"/v1/projects/(?P<project>[^/:]+)/secrets"
_SECRET = _SECRETS + r"/(?P<secret>[A-Za-z0-9_-]+)"
_VERSIONS = _SECRET + r"/versions"
_VERSION = _VERSIONS + r"/(?P<version>latest|[0-9]+)"
_ENABLED, _DISABLED = "ENABLED", "DISABLED"
_MOST_BYTES = 65536


class SecretManager:
    """The service. A project's number may stand for its id, and is what answers name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""

        def of(kind: str, method: str, path: str, handler: Callable[[Caller, Request, re.Match[str]], Json]) -> Route:
            return route(f"secretmanager.{kind}", method, _HOST, path, self._desk.endpoint(handler))

        return [
            of("create", "POST", _SECRETS, self.create),
            of("addVersion", "POST", _SECRET + ":addVersion", self.add),
            of("get", "GET", _SECRET, self.get),
            of("delete", "DELETE", _SECRET, self.delete),
            of("versions.list", "GET", _VERSIONS, self.list),
            of("versions.access", "GET", _VERSION + ":access", self.access),
            of("versions.get", "GET", _VERSION, self.version),
            of("versions.disable", "POST", _VERSION + ":disable", self.disable),
        ]

    def create(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Make a secret without a version."""
        project = self._project(caller, match, "secretmanager.secrets.create")
        body = body_of(request, ("replication", "labels", "annotations", "topics"))
        name = request.one("secretId")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name) or not body.get("replication"):
            raise invalid("The provided Secret ID or its replication is invalid.")
        if name in project.secrets:
            raise Refusal("ALREADY_EXISTS", f"Secret [projects/{project.number}/secrets/{name}] already exists.")
        made = StoredSecret(labels=dict(body.get("labels") or {}), created=self._desk.world.now())
        project.secrets[name] = made
        return _secret_json(project, name, made)

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return a secret, not its value."""
        project, secret = self._secret(caller, match, "secretmanager.secrets.get")
        return _secret_json(project, match["secret"], secret)

    def delete(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Delete a secret with all its versions, at once and for ever."""
        project, _ = self._secret(caller, match, "secretmanager.secrets.delete")
        del project.secrets[match["secret"]]
        return {}

    def add(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Add an enabled version."""
        project, secret = self._secret(caller, match, "secretmanager.versions.add")
        payload = body_of(request, ("payload",)).get("payload") or {}
        try:
            data = b64decode(payload.get("data", ""), validate=True)
        except ValueError:
            raise invalid("Invalid value at 'payload.data' (TYPE_BYTES)") from None
        if not 0 < len(data) <= _MOST_BYTES:
            raise invalid(f"The size of a secret payload must be between 1 and {_MOST_BYTES} bytes.")
        secret.versions.append((data, _ENABLED))
        return self._version_json(project, match["secret"], secret, len(secret.versions))

    def list(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the versions, the newest first; the filter `state:ENABLED` is understood."""
        project, secret = self._secret(caller, match, "secretmanager.versions.list")
        wanted = request.one("filter").removeprefix("state:")
        numbers = [n for n in range(len(secret.versions), 0, -1) if wanted in ("", secret.versions[n - 1][1])]
        shown, following = page(numbers, request.one("pageSize"), request.one("pageToken"), most=25000)
        found = [self._version_json(project, match["secret"], secret, number) for number in shown]
        return {"versions": found, "totalSize": len(numbers)} | ({"nextPageToken": following} if following else {})

    def version(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return a version, not its value."""
        project, secret, number = self._numbered(caller, match, "secretmanager.versions.get")
        return self._version_json(project, match["secret"], secret, number)

    def access(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the value of an enabled version."""
        project, secret, number = self._numbered(caller, match, "secretmanager.versions.access")
        data, state = secret.versions[number - 1]
        name = _version_name(project, match["secret"], number)
        if state != _ENABLED:
            raise Refusal("FAILED_PRECONDITION", f"Secret Version [{name}] is in {state} state.")
        return {"name": name, "payload": {"data": b64encode(data).decode()}}

    def disable(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Disable a version."""
        project, secret, number = self._numbered(caller, match, "secretmanager.versions.disable")
        body_of(request, ("etag",))
        secret.versions[number - 1] = (secret.versions[number - 1][0], _DISABLED)
        return self._version_json(project, match["secret"], secret, number)

    def _project(self, caller: Caller, match: re.Match[str], permission: str) -> Project:
        resource = match[0].removeprefix("/v1/").partition(":")[0]
        refusal = denied(permission, resource=resource, domain=SERVICE)
        project = self._desk.project(caller, match["project"], permission, refusal)
        need_service(project, SERVICE, "Secret Manager API")
        return project

    def _secret(self, caller: Caller, match: re.Match[str], permission: str) -> tuple[Project, StoredSecret]:
        project = self._project(caller, match, permission)
        secret = project.secrets.get(match["secret"])
        if secret is None:
            raise not_found(f"Secret [projects/{project.number}/secrets/{match['secret']}] not found.")
        return project, secret

    def _numbered(self, caller: Caller, match: re.Match[str], permission: str) -> tuple[Project, StoredSecret, int]:
        project, secret = self._secret(caller, match, permission)
        number = len(secret.versions) if match["version"] == "latest" else int(match["version"])
        if not 1 <= number <= len(secret.versions):
            raise not_found(f"Secret Version [{_version_name(project, match['secret'], number)}] not found.")
        return project, secret, number

    def _version_json(self, project: Project, name: str, secret: StoredSecret, number: int) -> Json:
        state = secret.versions[number - 1][1]
        created = secret.created.isoformat().replace("+00:00", "Z")
        return {"name": _version_name(project, name, number), "state": state, "createTime": created}


def _secret_json(project: Project, name: str, secret: StoredSecret) -> Json:
    found: Json = {
        "name": f"projects/{project.number}/secrets/{name}",
        "replication": {"automatic": {}},
        "createTime": secret.created.isoformat().replace("+00:00", "Z"),
    }
    return found | ({"labels": secret.labels} if secret.labels else {})


def _version_name(project: Project, name: str, number: int) -> str:
    return f"projects/{project.number}/secrets/{name}/versions/{number}"
