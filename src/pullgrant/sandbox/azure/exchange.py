"""The registry's /oauth2/exchange of an access token for a refresh token of its own: Azure/acr docs/AAD-OAuth.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from pullgrant.sandbox.azure.basics import Json, same
from pullgrant.sandbox.azure.clouds import REGISTRY_AUDIENCE
from pullgrant.sandbox.azure.desk import Desk
from pullgrant.sandbox.azure.gate import AzureGate
from pullgrant.sandbox.azure.registry_state import Registry
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.serve import PRINCIPAL

_ISSUER = "Azure Container Registry"
_LIFE = timedelta(hours=3)


class Exchange:
    """The exchange of one cloud's registries."""

    def __init__(self, desk: Desk, gate: AzureGate) -> None:
        self._desk, self._gate = desk, gate

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        names = "|".join(each.host_name for each in self._desk.state.registries.values())
        host = rf"(?:{names})\.{re.escape(self._desk.cloud.suffix)}"  # an unknown registry has no host at all
        return [route("acr.Exchange", "POST", host, "/oauth2/exchange", self.give)]

    def give(self, request: Request, match: re.Match[str]) -> Response:
        """Give out a refresh token; what it opens is asked again at each use."""
        try:
            form = request.form()
        except UnicodeDecodeError:
            form = {}
        if form.get("grant_type") not in ("access_token", "access_token_refresh_token"):
            return _refused(400, "UNSUPPORTED", "grant_type is not supported")
        with self._desk.world.lock:
            registry = self._gate.registry(request.host)
            if registry is None or not same(form.get("service"), request.host):
                return _refused(400, "UNSUPPORTED", "service is not this registry")
            if form.get("tenant") and not same(self._desk.state.tenant, form["tenant"]):
                return _refused(401, "UNAUTHORIZED", "the tenant is not the registry's")
            claims = self._claims(registry, form.get("access_token", ""))
            return self._answer(request.host, claims) if claims else _refused(401, "UNAUTHORIZED", "authentication required")

    def _claims(self, registry: Registry, token: str) -> Json | None:
        audiences = [REGISTRY_AUDIENCE, *(self._desk.cloud.audiences if registry.arm_audience else ())]
        return self._desk.signer.read(token, audiences=audiences)

    def _answer(self, host: str, entra: Json) -> Response:
        claims: Json = {
            "iss": _ISSUER,
            "sub": entra["appid"] or entra["oid"],
            "oid": entra["oid"],
            "aud": host.lower(),
            "version": "1.0",
            "grant_type": "refresh_token",
            "tenant": self._desk.state.tenant,
            "permissions": {"actions": ["read", "write"], "notActions": []},
            "roles": [],
        }
        token = self._desk.signer.signed(claims, life=_LIFE)
        return Response(json={"refresh_token": token}, headers={PRINCIPAL: claims["sub"], "cache-control": "no-store"})


def _refused(status: int, code: str, message: str) -> Response:
    return Response(status=status, json={"errors": [{"code": code, "message": message, "detail": None}]})
