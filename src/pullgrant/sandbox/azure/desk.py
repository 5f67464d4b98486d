"""Where calls of Graph and Resource Manager come in: it knows the caller, holds the lock and says no in the right shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

from pullgrant.sandbox.azure.basics import Json
from pullgrant.sandbox.azure.clouds import Cloud
from pullgrant.sandbox.azure.refusal import Refusal, arm, arm_denied, graph, graph_bad, graph_denied
from pullgrant.sandbox.azure.rights import Rights
from pullgrant.sandbox.azure.signing import Signer
from pullgrant.sandbox.azure.state import State
from pullgrant.sandbox.exchange import Answering, Request, Response
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

READS = frozenset({"Application.Read.All", "Directory.Read.All"})
WRITES_ALL = frozenset({"Application.ReadWrite.All", "Directory.ReadWrite.All"})
WRITES_OWNED = "Application.ReadWrite.OwnedBy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal behind an access token: object id, application id, and its permissions on Microsoft Graph."""

    id: str
    app_id: str
    name: str
    permissions: frozenset[str]

    @property
    def reads(self) -> bool:
        """Whether it may read applications."""
        return bool(self.permissions & (READS | WRITES_ALL | {WRITES_OWNED}))

    @property
    def creates(self) -> bool:
        """Whether it may create applications."""
        return bool(self.permissions & (WRITES_ALL | {WRITES_OWNED}))

    def changes(self, owners: Collection[str]) -> bool:
        """Whether it may change an object with these owners."""
        return bool(self.permissions & WRITES_ALL) or (WRITES_OWNED in self.permissions and self.id in owners)


Handler: TypeAlias = Callable[[Caller, Request, "re.Match[str]"], Response]


class Desk:
    """What the services of one cloud share: state, rights, tokens, and the way in."""

    def __init__(self, cloud: Cloud, state: State, world: World, signer: Signer) -> None:
        self.cloud, self.state, self.world, self.signer = cloud, state, world, signer
        self.rights = Rights(state, world)

    @property
    def issuer(self) -> str:
        """The issuer of this tenant's access tokens."""
        return f"{self.cloud.issuer}/{self.state.tenant}/"

    def graph(self, handler: Handler) -> Answering:
        """Return the answering function of one method of Microsoft Graph."""

        def enter(request: Request, match: re.Match[str]) -> tuple[Caller, Callable[[], Response]]:
            caller = self._graph_caller(request)

            def act() -> Response:
                words = (
                    f"{request.path} {' '.join(request.query.get('$filter', []))} {request.body.decode(errors='replace')}"
                )
                if any(policy.denies for policy in self.state.policies_for(words)):
                    raise graph_denied()
                return handler(caller, request, match)

            return caller, act

        return self._entered(enter)

    def arm(self, handler: Handler) -> Answering:
        """Return the answering function of one method of Resource Manager."""

        def enter(request: Request, match: re.Match[str]) -> tuple[Caller, Callable[[], Response]]:
            caller = self._arm_caller(request)
            return caller, lambda: handler(caller, _with_api_version(request), match)

        return self._entered(enter)

    def demand(self, caller: Caller, action: str, scope: str) -> None:
        """Raise a Refusal unless the caller may do a management action at a scope."""
        if not self.rights.may(caller.id, action, scope):
            raise arm_denied(caller.app_id, caller.id, action, scope)

    def caller_of(self, claims: Json) -> Caller:
        """Return whom an access token speaks for. It outlives its principal's end, the principal's permissions do not."""
        principal = self.state.principals.get(str(claims.get("oid")))
        permissions = principal.permissions if principal else frozenset()
        app_id = str(claims.get("appid"))
        name = str(claims.get("upn") or app_id)
        return Caller(id=str(claims.get("oid")), app_id=app_id, name=name, permissions=permissions)

    def _entered(self, enter: Callable[[Request, re.Match[str]], tuple[Caller, Callable[[], Response]]]) -> Answering:
        def answer(request: Request, match: re.Match[str]) -> Response:
            named: dict[str, str] = {}
            try:
                with self.world.lock:
                    caller, act = enter(request, match)
                    named[PRINCIPAL] = caller.name
                    return _named(act(), named)
            except Refusal as refusal:
                return _named(refusal.response, named)

        return answer

    def _graph_caller(self, request: Request) -> Caller:
        token = bearer(request)
        if not token:
            raise graph(401, "InvalidAuthenticationToken", "Access token is empty.")
        claims = self.signer.any(token)
        if claims is None or claims.get("iss") != self.issuer:
            raise graph(401, "InvalidAuthenticationToken", "IDX14100: JWT is not well formed, there are no dots (.).")
        if str(claims["aud"]).rstrip("/") not in self.cloud.graph_audiences:
            raise graph(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
        if self.signer.ended(claims):
            raise graph(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        return self.caller_of(claims)

    def _arm_caller(self, request: Request) -> Caller:
        token = bearer(request)
        challenge = f'Bearer authorization_uri="https://{self.cloud.logins[0]}/{self.state.tenant}", error="invalid_token"'
        if not token:
            words = "Authentication failed. The 'Authorization' header is missing."
            raise arm(401, "AuthenticationFailed", words, www_authenticate=challenge)
        claims = self.signer.any(token)
        if claims is None or claims.get("iss") != self.issuer:
            raise arm(401, "InvalidAuthenticationToken", "The access token is invalid.", www_authenticate=challenge)
        if str(claims["aud"]).rstrip("/") not in self.cloud.audiences:
            words = (
                "The access token has been obtained for wrong audience or resource "
                f"'{claims['aud']}'. It should exactly match with one of the allowed audiences "
                f"'{','.join(f'{audience}/' for audience in self.cloud.audiences)}'."
            )
            raise arm(401, "InvalidAuthenticationTokenAudience", words, www_authenticate=challenge)
        if self.signer.ended(claims):
            raise arm(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now.")
        return self.caller_of(claims)


def body_of(request: Request) -> Json:
    """Return a Graph request's JSON object. Raises Refusal when it is none."""
    try:
        document = request.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise graph_bad(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
            "JSON format."
        )
    return document


def arm_body(request: Request) -> Json:
    """Return a Resource Manager request's JSON object. Raises Refusal when it is none."""
    try:
        document = request.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise arm(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
    return document


def bearer(request: Request) -> str:
    """Return the token of a Bearer header, empty when there is none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _with_api_version(request: Request) -> Request:
    version = request.one("api-version")
    if not version:
        words = "The api-version query parameter (?api-version=) is required for all requests."
        raise arm(400, "MissingApiVersionParameter", words)
    if not re.fullmatch(r"20\d\d-\d\d-\d\d(?:-preview)?", version, re.ASCII):
        raise arm(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
    return request


def _named(response: Response, headers: dict[str, str]) -> Response:
    return replace(response, headers={**response.headers, **headers})
