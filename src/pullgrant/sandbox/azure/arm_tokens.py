"""Resource Manager: tokens of a registry, and their passwords."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from pullgrant.sandbox.azure.arm_operations import Operations
from pullgrant.sandbox.azure.arm_paths import REGISTRY, TYPE, path, registry_of, subscription_of
from pullgrant.sandbox.azure.arm_shapes import credentials_json, token_json
from pullgrant.sandbox.azure.basics import Json, digest_of
from pullgrant.sandbox.azure.desk import Caller, Desk, arm_body
from pullgrant.sandbox.azure.refusal import Refusal, arm, arm_missing
from pullgrant.sandbox.azure.registry_state import SLOTS, Registry, RegistryToken, TokenPassword
from pullgrant.sandbox.exchange import Request, Response, Route, route

_NAME = re.compile(r"[A-Za-z0-9-]{5,50}", re.ASCII)


class RegistryTokens:
    """The calls on tokens."""

    def __init__(self, desk: Desk, operations: Operations) -> None:
        self._desk, self._operations = desk, operations

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.arm)
        one = path(rf"{REGISTRY}/tokens/(?P<name>[^/]+)")
        generate = path(f"{REGISTRY}/generateCredentials")
        return [
            route("arm.ListTokens", "GET", host, path(f"{REGISTRY}/tokens"), desk.arm(self.list_all)),
            route("arm.GetToken", "GET", host, one, desk.arm(self.get)),
            route("arm.PutToken", "PUT", host, one, desk.arm(self.put)),
            route("arm.PatchToken", "PATCH", host, one, desk.arm(self.patch)),
            route("arm.DeleteToken", "DELETE", host, one, desk.arm(self.delete)),
            route("arm.GenerateCredentials", "POST", host, generate, desk.arm(self.generate)),
        ]

    def list_all(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """List tokens."""
        registry = self._registry(caller, match, "tokens/read")
        return Response(json={"value": [token_json(registry, each) for each in registry.tokens.values()]})

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Return a token."""
        registry = self._registry(caller, match, "tokens/read")
        return Response(json=token_json(registry, _find(registry, match["name"])))

    def put(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Create a token, without passwords, or replace what it may."""
        registry = self._registry(caller, match, "tokens/write")
        name = match["name"]
        if not _NAME.fullmatch(name):
            raise arm(400, "InvalidTokenName", f"The token name '{name}' is invalid: 5 to 50 letters, digits and hyphens.")
        known = registry.tokens.get(name.lower())
        token = known or RegistryToken(name=name, scope_map="", created=self._desk.world.now())
        _change(registry, token, _properties(request), needs_scope_map=True)
        registry.tokens[name.lower()] = token
        return self._kept(request, registry, token, status=200 if known else 201)

    def patch(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Change a token: its status, its scope map, or the list of passwords to keep."""
        registry = self._registry(caller, match, "tokens/write")
        token = _find(registry, match["name"])
        _change(registry, token, _properties(request), needs_scope_map=False)
        return self._kept(request, registry, token, status=200)

    def delete(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Delete a token."""
        registry = self._registry(caller, match, "tokens/delete")
        token = registry.tokens.pop(match["name"].lower(), None)
        if token is None:
            return Response(status=204)
        return self._operations.accepted(request, f"{registry.id}/tokens/{token.name}", None)

    def generate(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Make the password of the named slot anew; without a name those of both, which ends the one in use."""
        registry = self._registry(caller, match, "generateCredentials/action")
        body = arm_body(request)
        place, _, name = str(body.get("tokenId", "")).rpartition("/tokens/")
        if place.lower() != registry.id.lower():
            raise arm(400, "InvalidTokenId", "The token id is not one of this registry.")
        token = _find(registry, name)
        slots = SLOTS if body.get("name") is None else (str(body["name"]),)
        if not set(SLOTS).issuperset(slots):
            raise arm(400, "InvalidPasswordName", f"The password name '{body['name']}' is not password1 or password2.")
        expires_at = _time(body.get("expiry"))
        if expires_at is not None and expires_at <= self._desk.world.now():
            raise arm(400, "InvalidPasswordExpiry", "The expiry of a password must lie in the future.")
        made = {slot: self._new_password(registry, token, slot, expires_at) for slot in slots}
        return self._operations.accepted(request, registry.id, credentials_json(token, made))

    def _new_password(self, registry: Registry, token: RegistryToken, slot: str, expires_at: datetime | None) -> str:
        """Fill a slot. A slot's first password can be used at once, a later one needs up to a minute."""
        secret = secrets.token_urlsafe(39)
        token.passwords[slot] = TokenPassword(
            digest=digest_of(secret), created=self._desk.world.now(), expires_at=expires_at
        )
        if slot in token.used:
            self._desk.world.changed(f"azure/token/{registry.name}/{token.name}/{slot}")
        token.used.add(slot)
        return secret

    def _registry(self, caller: Caller, match: re.Match[str], action: str) -> Registry:
        scope = match.string.rsplit("/tokens", 1)[0].rsplit("/generateCredentials", 1)[0]
        subscription_of(self._desk.state, match)
        self._desk.demand(caller, f"{TYPE}/{action}", scope)
        return registry_of(self._desk.state, match)

    def _kept(self, request: Request, registry: Registry, token: RegistryToken, *, status: int) -> Response:
        body = token_json(registry, token)
        return self._operations.kept(request, body["id"], body, status=status)


def _find(registry: Registry, name: str) -> RegistryToken:
    found = registry.tokens.get(name.lower())
    if found is None:
        raise arm_missing(TYPE, f"{registry.name}/tokens/{name}", registry.group)
    return found


def _properties(request: Request) -> Json:
    properties = arm_body(request).get("properties")
    return properties if isinstance(properties, dict) else {}


def _change(registry: Registry, token: RegistryToken, properties: Json, *, needs_scope_map: bool) -> None:
    """Apply what a request says of a token, all of it or nothing. Raises Refusal."""
    status, scope_map_id = properties.get("status"), properties.get("scopeMapId")
    if status not in (None, "enabled", "disabled"):
        raise arm(400, "InvalidTokenStatus", f"The status '{status}' is not enabled or disabled.")
    if scope_map_id is None and needs_scope_map:
        raise arm(400, "InvalidScopeMapId", "A token needs a scope map.")
    scope_map = _scope_map(registry, str(scope_map_id)) if scope_map_id is not None else token.scope_map
    kept = (properties.get("credentials") or {}).get("passwords")
    if kept is not None:
        token.passwords = _kept_passwords(token, kept)
    token.scope_map = scope_map
    token.enabled = token.enabled if status is None else status == "enabled"


def _scope_map(registry: Registry, scope_map_id: str) -> str:
    place, _, name = scope_map_id.rpartition("/scopeMaps/")
    if place.lower() != registry.id.lower() or name.lower() not in registry.scope_maps:
        raise arm(404, "ScopeMapNotFound", f"The scope map '{scope_map_id}' was not found.")
    return registry.scope_maps[name.lower()].name


def _kept_passwords(token: RegistryToken, wanted: object) -> dict[str, TokenPassword]:
    names = [each.get("name") for each in wanted if isinstance(each, dict)] if isinstance(wanted, list) else None
    if names is None or not token.passwords.keys() >= set(names):
        raise arm(400, "InvalidTokenCredentials", "Passwords can be left out of a token, not brought in.")
    return {slot: password for slot, password in token.passwords.items() if slot in names}


def _time(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        raise _bad_time(text) from None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _bad_time(text: object) -> Refusal:
    return arm(400, "InvalidRequestContent", f"The request content was invalid: '{text}' is not a time.")
