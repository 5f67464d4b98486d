"""oauth2.googleapis.com: access tokens for a signed assertion (RFC 7523) or a refresh token, with errors as in RFC 6749."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM
from pullgrant.sandbox.google.desk import Desk
from pullgrant.sandbox.google.keys import TOKEN_URI
from pullgrant.sandbox.serve import PRINCIPAL

_BY_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = timedelta(hours=1)
_SECONDS = 3599


class OAuth:
    """The token endpoint."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        return [route("oauth.token", "POST", r"oauth2\.googleapis\.com", "/token", self.token)]

    def token(self, request: Request, match: re.Match[str]) -> Response:
        """Give out an access token."""
        try:
            form = request.form()
        except UnicodeDecodeError:
            return _refused("invalid_request", "Bad Request")
        with self._desk.world.lock:
            match form.get("grant_type"):
                case kind if kind == _BY_ASSERTION:
                    return self._by_assertion(form.get("assertion", ""))
                case "refresh_token":
                    return self._by_refresh_token(form.get("refresh_token", ""))
                case other:
                    return _refused("unsupported_grant_type", f"Invalid grant_type: {other}")

    def _by_assertion(self, assertion: str) -> Response:
        found = self._desk.callers.signed_by(assertion, TOKEN_URI)
        if found is None:
            return _refused("invalid_grant", "Invalid JWT Signature.")
        account, claims = found
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return self._answer(account.member, account.unique_id, scopes)

    def _by_refresh_token(self, token: str) -> Response:
        member = self._desk.state.refresh_tokens.get(token)
        if member is None:
            return _refused("invalid_grant", "Token has been expired or revoked.")
        return self._answer(member, "", frozenset({CLOUD_PLATFORM}))

    def _answer(self, member: str, unique_id: str, scopes: frozenset[str]) -> Response:
        token = self._desk.callers.mint(member, unique_id, scopes, _LIFE)
        body = {"access_token": token, "expires_in": _SECONDS, "token_type": "Bearer", "scope": " ".join(sorted(scopes))}
        return Response(json=body, headers={PRINCIPAL: member.partition(":")[2]})


def _refused(error: str, description: str) -> Response:
    return Response(status=400, json={"error": error, "error_description": description})
