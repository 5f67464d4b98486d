"""Key Vault's secrets at HOST.vault.azure.net and its sisters: every vault is there and empty on the first day.

Shapes: learn.microsoft.com/rest/api/keyvault/secrets. A call without a token is answered with the challenge that tells a client
where to sign in; with the wrong audience too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pullgrant.sandbox.azure.basics import Json, new_id
from pullgrant.sandbox.azure.clouds import VAULT_SUFFIXES
from pullgrant.sandbox.azure.desk import Desk, bearer
from pullgrant.sandbox.azure.state import VaultVersion
from pullgrant.sandbox.exchange import Answering, Request, Response, Route, route
from pullgrant.sandbox.serve import PRINCIPAL

_SECRET = r"/secrets/(?P<name>[0-9A-Za-z-]{1,127})"  # noqa: S105 - a path
_MOST = 25_000


class KeyVault:
    """The vaults of one cloud. Versions by host and name, the oldest first, live in the state of the cloud."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._suffix = VAULT_SUFFIXES[desk.cloud.name]

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        host = r"[a-z0-9-]{3,24}\." + re.escape(self._suffix)

        def of(kind: str, method: str, path: str, answer: Callable[[Request, re.Match[str]], Response]) -> Route:
            return route(f"keyvault.{kind}", method, host, path, self._guarded(answer))

        return [
            of("set", "PUT", _SECRET, self._set),
            of("versions", "GET", _SECRET + "/versions", self._list),
            of("get", "GET", _SECRET + r"/?(?P<version>[0-9a-f]{32})?", self._get),
        ]

    def _guarded(self, answer: Callable[[Request, re.Match[str]], Response]) -> Answering:
        def guarded(request: Request, match: re.Match[str]) -> Response:
            with self._desk.world.lock:
                audience = f"https://{self._suffix}"
                claims = self._desk.signer.read(bearer(request), audiences=(audience,))
                if claims is None:
                    authority = f"https://{self._desk.cloud.logins[0]}/{self._desk.state.tenant}"
                    challenge = {"www-authenticate": f'Bearer authorization="{authority}", resource="{audience}"'}
                    return _refused(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", challenge)
                caller = self._desk.caller_of(claims)
                if request.host.partition(".")[0] in self._desk.state.closed_vaults:
                    return _refused(403, "Forbidden", f"Caller is not authorized to perform action: {caller.name}")
                if not request.one("api-version"):
                    return _refused(400, "BadParameter", "api-version is missing")
                found = answer(request, match)
                return Response(status=found.status, json=found.json, headers={PRINCIPAL: caller.name})

        return guarded

    def _set(self, request: Request, match: re.Match[str]) -> Response:
        body: Json = request.json()
        value = body.get("value")
        if not isinstance(value, str) or len(value) > _MOST:
            return _refused(400, "BadParameter", "Property value is invalid.")
        made = VaultVersion(
            id=new_id().replace("-", ""),
            value=value,
            created=int(self._desk.world.now().timestamp()),
            tags=body.get("tags") or {},
            kind=body.get("contentType") or "",
        )
        self._desk.state.vaults.setdefault((request.host, match["name"]), []).append(made)
        return Response(json=_shown(request.host, match["name"], made) | {"value": value})

    def _get(self, request: Request, match: re.Match[str]) -> Response:
        versions = self._desk.state.vaults.get((request.host, match["name"]), [])
        found = next((one for one in reversed(versions) if match["version"] in (None, one.id)), None)
        if found is None:
            words = f"A secret with (name/id) {match['name']} was not found in this key vault."
            return _refused(404, "SecretNotFound", words)
        return Response(json=_shown(request.host, match["name"], found) | {"value": found.value})

    def _list(self, request: Request, match: re.Match[str]) -> Response:
        versions = self._desk.state.vaults.get((request.host, match["name"]), [])
        return Response(json={"value": [_shown(request.host, match["name"], one) for one in versions], "nextLink": None})


def _shown(host: str, name: str, version: VaultVersion) -> Json:
    attributes = {
        "enabled": True,
        "created": version.created,
        "updated": version.created,
        "recoveryLevel": "Recoverable+Purgeable",
    }
    shown: Json = {
        "id": f"https://{host}/secrets/{name}/{version.id}",
        "attributes": attributes,
        "tags": dict(version.tags),
    }
    return shown | ({"contentType": version.kind} if version.kind else {})


def _refused(status: int, code: str, words: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status=status, json={"error": {"code": code, "message": words}}, headers=headers or {})
