"""The sign-in: discovery of the cloud, and access tokens for a client secret or a refresh token.

Shapes: azure-mgmt-authorization 4.0.0 recording (OpenID configuration, instance discovery, token); error codes:
learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from pullgrant.sandbox.azure.basics import Json, digest_of, new_id, same
from pullgrant.sandbox.azure.clouds import CLOUDS, REGISTRY_AUDIENCE, VAULT_SUFFIXES
from pullgrant.sandbox.azure.credentials import Credentials, Denied
from pullgrant.sandbox.azure.desk import Desk
from pullgrant.sandbox.azure.refusal import Refusal, sign_in
from pullgrant.sandbox.azure.state import Principal
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.serve import PRINCIPAL

_LIFE = timedelta(seconds=3599)
_TENANT = r"/(?P<tenant>[A-Za-z0-9.-]+)"
_COMMON = frozenset({"common", "organizations"})


class Login:
    """The sign-in of one cloud."""

    def __init__(self, desk: Desk, credentials: Credentials) -> None:
        self._desk, self._credentials = desk, credentials

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        host = self._desk.cloud.login_pattern
        return [
            route("login.Discover", "GET", host, "/common/discovery/instance", self.discover),
            route(
                "login.Configuration",
                "GET",
                host,
                f"{_TENANT}(?:/v2.0)?/.well-known/openid-configuration",
                self.configuration,
            ),
            route("login.Keys", "GET", host, f"{_TENANT}/discovery(?:/v2.0)?/keys", self.keys),
            route("login.Token", "POST", host, f"{_TENANT}/oauth2/v2.0/token", self.token),
        ]

    def discover(self, request: Request, match: re.Match[str]) -> Response:
        """Name the clouds and the aliases of their login hosts."""
        entries = [
            {"preferred_network": each.logins[0], "preferred_cache": each.logins[-1], "aliases": list(each.logins)}
            for each in CLOUDS
        ]
        endpoint = f"https://{self._desk.cloud.logins[0]}/common/.well-known/openid-configuration"
        return Response(json={"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": entries})

    def configuration(self, request: Request, match: re.Match[str]) -> Response:
        """Return the OpenID configuration of the tenant."""
        try:
            tenant = match["tenant"] if match["tenant"] in _COMMON else self._tenant(match["tenant"])
        except Refusal as refusal:
            return replace(refusal.response, status=400)
        base = f"https://{self._desk.cloud.logins[0]}/{tenant}"
        return Response(
            json={
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{base}/v2.0",
                "request_uri_parameter_supported": False,
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                "tenant_region_scope": "WW",
                "cloud_instance_name": self._desk.cloud.logins[0].removeprefix("login."),
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": self._desk.cloud.graph,
                "rbac_url": "https://pas.windows.net",
            }
        )

    def keys(self, request: Request, match: re.Match[str]) -> Response:
        """Return the keys that verify access tokens."""
        return Response(json=self._desk.signer.keys())

    def token(self, request: Request, match: re.Match[str]) -> Response:
        """Give out an access token."""
        try:
            form = request.form()
        except UnicodeDecodeError:
            form = {}
        try:
            with self._desk.world.lock:
                tenant = self._tenant(match["tenant"])
                match form.get("grant_type"):
                    case "client_credentials":
                        return self._by_secret(form, tenant)
                    case "refresh_token":
                        return self._by_refresh_token(form)
                    case None | "":
                        raise self._no(400, "invalid_request", 900144, _missing("grant_type"))
                    case other:
                        words = f"The app requested an unsupported grant type '{other}'."
                        raise self._no(400, "unsupported_grant_type", 70003, words)
        except Refusal as refusal:
            return refusal.response

    def _by_secret(self, form: dict[str, str], tenant: str) -> Response:
        for name in ("client_id", "scope"):
            if not form.get(name):
                raise self._no(400, "invalid_request", 900144, _missing(name))
        if "client_secret" not in form:
            words = "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."
            raise self._no(401, "invalid_client", 7000216, words)
        audience = self._audience(form["scope"])
        found = self._credentials.check(form["client_id"], form["client_secret"])
        if isinstance(found, Denied):
            raise self._no(found.status, found.error, found.code, found.message)
        return self._answer(found, audience)

    def _by_refresh_token(self, form: dict[str, str]) -> Response:
        person = self._desk.state.principals.get(
            self._desk.state.refresh_tokens.get(digest_of(form.get("refresh_token", "")), "")
        )
        if person is None or not person.enabled:
            words = "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."
            raise self._no(400, "invalid_grant", 70043, words)
        kept = [scope for scope in form.get("scope", "").split() if scope not in ("openid", "profile", "offline_access")]
        answer = self._answer(person, self._audience(kept[0] if kept else ""))
        return replace(answer, json=answer.json | {"refresh_token": form["refresh_token"], "scope": form.get("scope", "")})

    def _audience(self, scope: str) -> str:
        """Return the resource that a scope is for. Raises Refusal for a resource that the tenant does not know."""
        resource = scope.removesuffix("/.default")
        if resource == scope:
            words = (
                f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
                "/.default suffixed to the resource identifier (application ID URI)."
            )
            raise self._no(400, "invalid_scope", 1002012, words)
        cloud = self._desk.cloud
        vault = f"https://{VAULT_SUFFIXES[cloud.name]}"
        if resource.rstrip("/") not in (*cloud.audiences, *cloud.graph_audiences, REGISTRY_AUDIENCE, vault):
            words = (
                f"The resource principal named {resource} was not found in the tenant named {self._desk.state.domain}. "
                "This can happen if the application has not been installed by the administrator of the tenant or consented "
                "to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            )
            raise self._no(400, "invalid_resource", 500011, words)
        return resource

    def _answer(self, principal: Principal, audience: str) -> Response:
        claims: Json = {
            "aud": audience,
            "iss": self._desk.issuer,
            "appid": principal.app_id,
            "appidacr": "1",
            "idtyp": "app" if principal.kind == "ServicePrincipal" else "user",
            "oid": principal.id,
            "sub": principal.id,
            "tid": self._desk.state.tenant,
            "uti": new_id(),
            "ver": "1.0",
        }
        if principal.kind == "User":
            claims["upn"] = principal.display_name
        if audience.rstrip("/") in self._desk.cloud.graph_audiences:
            claims["roles"] = sorted(principal.permissions)
        seconds = int(_LIFE.total_seconds())
        token = self._desk.signer.signed(claims, life=_LIFE)
        body = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        headers = {
            "cache-control": "no-store, no-cache",
            "pragma": "no-cache",
            PRINCIPAL: principal.app_id or principal.display_name,
        }
        return Response(json=body, headers=headers)

    def _tenant(self, name: str) -> str:
        state = self._desk.state
        if not same(state.tenant, name) and not same(state.domain, name):
            words = (
                f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the "
                "correct cloud. Check with your subscription administrator, this may happen if there are no active "
                "subscriptions for the tenant."
            )
            raise self._no(400, "invalid_request", 90002, words)
        return state.tenant

    def _no(self, status: int, error: str, code: int, message: str) -> Refusal:
        return sign_in(status, error, code, message, now=self._desk.world.now(), host=self._desk.cloud.logins[0])


def _missing(name: str) -> str:
    return f"The request body must contain the following parameter: '{name}'."
