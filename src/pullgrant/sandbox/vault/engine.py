"""KV version 2 as far as secrets are written, read, marked and deleted.

Source: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2; refusals as in hashicorp/vault-plugin-secrets-kv path_data.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from pullgrant.sandbox.exchange import Response

Json: TypeAlias = dict[str, Any]


def refused(status: int, *words: str) -> Response:
    """Return an error in Vault's shape."""
    return Response(status=status, json={"errors": list(words)})


@dataclass(slots=True, kw_only=True)
class Version:
    """One version of a secret; `values` is None when it was deleted."""

    values: Json | None
    created: str
    deleted: str = ""


@dataclass(slots=True, kw_only=True)
class Secret:
    """All versions of a secret, the first is number 1, and what its owner wrote beside them."""

    versions: list[Version] = field(default_factory=list)
    custom: dict[str, str] | None = None


class Engine:
    """One mount. `cas_required` is on: a write that does not say which version it follows is refused."""

    def __init__(self) -> None:
        self.secrets: dict[str, Secret] = {}

    def read(self, path: str) -> Response:
        """Return the newest version; 404 with its metadata when it is deleted."""
        secret = self.secrets.get(path)
        if secret is None or not secret.versions:
            return refused(404)
        newest = secret.versions[-1]
        answer = {"data": {"data": newest.values, "metadata": _metadata(secret)}}
        return Response(status=404 if newest.deleted else 200, json=answer)

    def write(self, path: str, body: Json, now: datetime) -> Response:
        """Add a version if `options.cas` is the number of the newest one."""
        values, cas = body.get("data"), (body.get("options") or {}).get("cas")
        if not isinstance(values, dict):
            return refused(400, "no data provided")
        if cas is None:
            return refused(400, "check-and-set parameter required for this call")
        secret = self.secrets.get(path) or Secret()
        if cas != len(secret.versions):
            return refused(400, "check-and-set parameter did not match the current version")
        secret.versions.append(Version(values=values, created=_time(now)))
        self.secrets[path] = secret
        return Response(json={"data": _metadata(secret)})

    def delete(self, path: str, now: datetime) -> Response:
        """Delete the newest version softly; its number stays taken."""
        secret = self.secrets.get(path)
        if secret and secret.versions:
            secret.versions[-1].values, secret.versions[-1].deleted = None, _time(now)
        return Response(status=204)

    def describe(self, path: str, body: Json) -> Response:
        """Replace the custom metadata, texts by name."""
        custom = body.get("custom_metadata")
        if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
            return refused(400, "custom_metadata validation failed")
        self.secrets.setdefault(path, Secret()).custom = custom
        return Response(status=204)


def _metadata(secret: Secret) -> Json:
    newest = secret.versions[-1]
    return {
        "created_time": newest.created,
        "custom_metadata": secret.custom,
        "deletion_time": newest.deleted,
        "destroyed": False,
        "version": len(secret.versions),
    }


def _time(now: datetime) -> str:
    return now.isoformat().replace("+00:00", "Z")
