"""Who may do what at NAME.azurecr.io: the sandbox's registry asks, the directory and the role assignments answer.

Logins: Azure/acr docs/Token-BasicAuth.md and docs/AAD-OAuth.md @81b818ea.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pullgrant.sandbox.azure.credentials import Credentials
from pullgrant.sandbox.azure.desk import Desk
from pullgrant.sandbox.azure.registry_state import Registry, RegistryToken
from pullgrant.sandbox.azure.rights import token_actions
from pullgrant.sandbox.azure.state import Principal
from pullgrant.sandbox.country import Visitor
from pullgrant.sandbox.exchange import Response

REFRESH_USER = "00000000-0000-0000-0000-000000000000"
_PULL = frozenset({"pull"})
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureVisitor(Visitor):
    """A principal of the directory, by its object id, or a token of the registry, by its name."""

    principal_id: str = ""
    token: str = ""


class AzureGate:
    """The gate of one cloud's registries. The attributes are read by the sandbox's registry."""

    style: Literal["jwt"] = "jwt"
    realm_path = "/oauth2/token"
    refresh_user = REFRESH_USER
    token_names = ("access_token",)
    token_seconds = 4500
    wildcard = True
    tells_life = False
    unauthorized = "authentication required, visit https://aka.ms/acr/authorization for more information."

    def __init__(self, desk: Desk, credentials: Credentials) -> None:
        self._desk, self._credentials = desk, credentials

    def serves(self, host: str) -> bool:
        """Say whether this is the host of a registry that there is."""
        return self.registry(host) is not None

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """Return all images of a registry."""
        registry = self.registry(host)
        return registry.images if registry else {}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """Return whom a refresh token, a registry token's password or a client secret signs in."""
        with self._desk.world.lock:
            registry = self.registry(host)
            if registry is None:
                return None
            if username == REFRESH_USER:
                return self._by_refresh_token(host, password)
            if token := registry.tokens.get(username.lower()):
                good = self._token_opens(registry, token, password)
                return AzureVisitor(name=f"{registry.name}/{token.name}", token=token.name) if good else None
            found = self._credentials.check(username, password)
            return AzureVisitor(name=found.app_id, principal_id=found.id) if isinstance(found, Principal) else None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """Return what a visitor may do with a repository."""
        with self._desk.world.lock:
            registry = self.registry(host)
            if registry is None:
                return _NOTHING
            anybody = _PULL if registry.anonymous_pull else _NOTHING
            if not isinstance(visitor, AzureVisitor):
                return anybody
            if visitor.token:
                token = registry.tokens.get(visitor.token.lower())
                return anybody | (token_actions(registry, token, repository) if token and token.enabled else _NOTHING)
            if repository == "*" and registry.mode == "AbacRepositoryPermissions":
                return anybody  # Azure/acr-cli asks such a registry for one repository at a time
            return anybody | self._desk.rights.repository(visitor.principal_id, registry, repository)

    def may_list(self, host: str, visitor: Visitor | None) -> bool:
        """Say whether a visitor may list all repositories."""
        with self._desk.world.lock:
            registry = self.registry(host)
            if registry is None or not isinstance(visitor, AzureVisitor) or not visitor.principal_id:
                return False
            return self._desk.rights.catalog(visitor.principal_id, registry)

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """Return the refusal of an action."""
        detail = [{"Type": "repository", "Name": repository, "Action": action}]
        error = {"code": "UNAUTHORIZED", "message": self.unauthorized, "detail": detail}
        return Response(status=401, json={"errors": [error]})

    def registry(self, host: str) -> Registry | None:
        """Return the registry of a host."""
        return self._desk.state.registry_of_host(host, self._desk.cloud.suffix)

    def _by_refresh_token(self, host: str, token: str) -> Visitor | None:
        claims = self._desk.signer.read(token, audiences=(host.lower(),))
        if claims is None:
            return None
        return AzureVisitor(name=str(claims["sub"]), principal_id=str(claims["oid"]))

    def _token_opens(self, registry: Registry, token: RegistryToken, password: str) -> bool:
        if not token.enabled:
            return False
        for slot, held in token.passwords.items():
            if held.is_(password):
                dead = held.expires_at is not None and held.expires_at <= self._desk.world.now()
                return not dead and self._desk.world.settled(f"azure/token/{registry.name}/{token.name}/{slot}")
        return False
