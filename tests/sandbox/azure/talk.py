"""Talks to the fake Azure without a socket."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.azure import Azure
from pullgrant.sandbox.azure.roles import ACR_PULL
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry import Registry
from pullgrant.sandbox.serve import Switchboard
from pullgrant.sandbox.world import World

LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com/v1.0"
ARM = "https://management.azure.com"
ACR = "https://containerregistry.azure.net"
AUTHORIZATION = "providers/Microsoft.Authorization"
ROLES_VERSION = "2022-04-01"
VERSION = "2025-11-01"
CONDITION = (
    "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'})"
    " AND !(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/metadata/read'}))"
    " OR (@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase 'team/app'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A reader that was made in the directory: what Graph calls id and appId, the service principal's id and a password."""

    id: str
    app_id: str
    principal: str
    key_id: str
    secret: str


class Talk:
    """One fake, its operator, and the calls that tests make often."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        authority = Authority(folder)
        self.azure = Azure(self.world, authority)
        registry = Registry(world=self.world, gates=self.azure.gates(), authority=authority)
        self.board = Switchboard(world=self.world, countries=[self.azure], control=(), registry=registry.routes())
        self.environment = dict(self.azure.environment(folder, "http://127.0.0.1:1"))
        self.tenant = self.environment["AZURE_TENANT_ID"]
        self.client_id = self.environment["AZURE_CLIENT_ID"]
        self.client_secret = self.environment["AZURE_CLIENT_SECRET"]
        self._tokens: dict[str, str] = {}

    @property
    def state(self) -> Any:
        """The state of the public cloud."""
        return self.azure.state

    @property
    def subscription(self) -> str:
        """The one subscription."""
        return str(next(iter(self.state.subscriptions)))

    def registry(self, name: str = "demo") -> str:
        """The resource id of a registry."""
        return str(self.state.registries[name].id)

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        token: str | None = None,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request as the operator, or with this bearer token (empty: with none) or this login."""
        split = urlsplit(url)
        host = split.netloc
        sent = dict(headers or {})
        if basic is not None:
            sent["authorization"] = f"Basic {base64.b64encode(':'.join(basic).encode()).decode()}"
        elif (bearer := self._bearer(host) if token is None else token) != "":
            sent["authorization"] = f"Bearer {bearer}"
        data = urlencode(form).encode() if form is not None else b"" if body is None else _bytes(body)
        path, query = unquote(split.path), parse_qs(split.query, keep_blank_values=True)
        met = self.board.answer(Request(method=method, host=host, path=path, query=query, headers=sent, body=data))
        assert met.answer is not None
        return met.answer

    def sign_in(
        self, scope: str, *, app_id: str = "", secret: str | None = None, tenant: str = "", login: str = LOGIN
    ) -> Response:
        """Ask for an access token with a client secret, the operator's when none is given."""
        form = {
            "grant_type": "client_credentials",
            "client_id": app_id or self.client_id,
            "client_secret": self.client_secret if secret is None else secret,
            "scope": scope,
        }
        return self.send("POST", f"{login}/{tenant or self.tenant}/oauth2/v2.0/token", form=form, token="")

    def token_of(self, reader: Reader, audience: str) -> str:
        """Return an access token of a reader."""
        return str(good(self.sign_in(f"{audience}/.default", app_id=reader.app_id, secret=reader.secret))["access_token"])

    def application(self, name: str = "docker-reader", **more: Any) -> dict[str, Any]:
        """Create an application."""
        return dict(good(self.send("POST", f"{GRAPH}/applications", {"displayName": name, **more}), 201))

    def principal(self, app_id: str) -> dict[str, Any]:
        """Create a service principal."""
        return dict(good(self.send("POST", f"{GRAPH}/servicePrincipals", {"appId": app_id}), 201))

    def password(self, object_id: str, *, days: float = 90) -> dict[str, Any]:
        """Add a password."""
        body = {"passwordCredential": {"displayName": "operation", "endDateTime": self.days_on(days)}}
        return dict(good(self.send("POST", f"{GRAPH}/applications/{object_id}/addPassword", body)))

    def reader(self, name: str = "docker-reader", *, days: float = 90) -> Reader:
        """Make a reader that can sign in and has no role."""
        application = self.application(name)
        principal = self.principal(application["appId"])
        password = self.password(application["id"], days=days)
        return Reader(
            id=application["id"],
            app_id=application["appId"],
            principal=principal["id"],
            key_id=password["keyId"],
            secret=password["secretText"],
        )

    def assign(
        self,
        principal: str,
        role: str = ACR_PULL,
        *,
        scope: str = "",
        name: str = "11111111-0000-0000-0000-000000000001",
        **more: Any,
    ) -> Response:
        """Give a role."""
        scope = scope or self.registry()
        definition = f"/subscriptions/{self.subscription}/{AUTHORIZATION}/roleDefinitions/{role}"
        properties = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal", **more}
        return self.send("PUT", self.assignment(name, scope), {"properties": properties})

    def assignment(self, name: str, scope: str = "") -> str:
        """The address of a role assignment."""
        return f"{ARM}{scope or self.registry()}/{AUTHORIZATION}/roleAssignments/{name}?api-version={ROLES_VERSION}"

    def of_registry(self, path: str, name: str = "demo") -> str:
        """The address of something of a registry."""
        return f"{ARM}{self.registry(name)}{path}?api-version={VERSION}"

    def access(self, login: tuple[str, str], *scopes: str, host: str = "demo.azurecr.io") -> list[dict[str, Any]]:
        """Return the `access` claim that a login is given for these scopes."""
        return list(claims_of(good(self.registry_token(login, *scopes, host=host))["access_token"])["access"])

    def actions(self, login: tuple[str, str], repository: str, host: str = "demo.azurecr.io") -> list[str]:
        """Return what a login may do of pull, push and delete."""
        found = self.access(login, f"repository:{repository}:pull,push,delete", host=host)
        return list(found[0]["actions"]) if found else []

    def registry_token(self, login: tuple[str, str], *scopes: str, host: str = "demo.azurecr.io") -> Response:
        """Ask a registry for an access token."""
        query = urlencode([("service", host), *(("scope", scope) for scope in scopes)])
        return self.send("GET", f"https://{host}/oauth2/token?{query}", basic=login)

    def days_on(self, days: float) -> str:
        """The time in so many days, as Graph and Resource Manager read it."""
        return f"{self.world.now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"

    def _bearer(self, host: str) -> str:
        audience = f"https://{host}"
        if host not in ("graph.microsoft.com", "management.azure.com"):
            return ""
        if audience not in self._tokens:
            self._tokens[audience] = good(self.sign_in(f"{audience}/.default"))["access_token"]
        return self._tokens[audience]


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def good(response: Response, status: int = 200) -> Any:
    """Return the JSON of an answer that must be a success."""
    assert response.status == status, response
    return response.json


def refused(response: Response) -> tuple[int, str]:
    """Return the status and code of a refusal of Graph or Resource Manager."""
    assert response.status >= 400, response
    return response.status, str(response.json["error"]["code"])


def aadsts(response: Response) -> tuple[int, str, int]:
    """Return status, error and AADSTS code of a refused sign-in."""
    return response.status, str(response.json["error"]), int(response.json["error_codes"][0])


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT."""
    middle = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))))


def time_of(text: str) -> datetime:
    """Return a time as Azure writes it."""
    return datetime.fromisoformat(text)
