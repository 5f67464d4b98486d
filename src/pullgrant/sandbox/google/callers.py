"""Who calls: bearer tokens and self-signed JWTs, and what their scopes open."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from pullgrant.sandbox.google.keys import public_pem
from pullgrant.sandbox.google.refusal import Refusal, error_info, unauthenticated
from pullgrant.sandbox.google.state import Account, AccountKey, State, Token
from pullgrant.sandbox.world import World

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
CLOUD_PLATFORM_READ = "https://www.googleapis.com/auth/cloud-platform.read-only"
STORAGE_FULL = "https://www.googleapis.com/auth/devstorage.full_control"
STORAGE_WRITE = "https://www.googleapis.com/auth/devstorage.read_write"
STORAGE_READ = "https://www.googleapis.com/auth/devstorage.read_only"
_LONGEST_JWT = timedelta(hours=1)
_SKEW = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal of a call, as policies write it, and the scopes of its token."""

    member: str
    scopes: frozenset[str]

    @property
    def email(self) -> str:
        """The address behind the member."""
        return self.member.partition(":")[2]

    def demand(self, *scopes: str) -> None:
        """Raise Refusal unless the token has one of these scopes."""
        if not self.scopes.intersection(scopes):
            info = error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com")
            raise Refusal("PERMISSION_DENIED", "Request had insufficient authentication scopes.", [info])


class Callers:
    """Knows callers by what they show. Tokens live by the world's clock, JWTs by the real one that signed them."""

    def __init__(self, state: State, world: World) -> None:
        self._state = state
        self._world = world

    def authenticate(self, authorization: str, host: str) -> Caller:
        """Return who a request's Authorization header speaks for. Raises Refusal with UNAUTHENTICATED."""
        kind, _, bearer = authorization.partition(" ")
        if kind.lower() != "bearer" or not bearer:
            raise unauthenticated("CREDENTIALS_MISSING")
        caller = self.of_token(bearer) or self._of_jwt(bearer, host)
        if caller is None:
            raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        return caller

    def of_token(self, text: str) -> Caller | None:
        """Return whose access token this is, None for a wrong or expired one or one of a disabled or deleted account."""
        token = self._state.tokens.get(text)
        if token is None or (token.expires_at and token.expires_at <= self._world.now()):
            return None
        if token.unique_id:
            account = self._state.account(token.unique_id)
            if account is None or account.disabled:
                return None
        return Caller(member=token.member, scopes=token.scopes)

    def mint(self, member: str, unique_id: str, scopes: frozenset[str], life: timedelta | None) -> str:
        """Return a new access token; `life` None makes one that never ends."""
        text = f"ya29.{secrets.token_urlsafe(96)}"
        expires_at = self._world.now() + life if life else None
        self._state.tokens[text] = Token(member=member, unique_id=unique_id, scopes=scopes, expires_at=expires_at)
        return text

    def signed_by(self, text: str, audience: str | None) -> tuple[Account, dict[str, Any]] | None:
        """Return the account that signed a JWT with a living key, and the claims; None for anything else."""
        try:
            account = self._state.account(jwt.decode(text, options={"verify_signature": False}).get("iss", ""))
            key = account.keys.get(jwt.get_unverified_header(text).get("kid", "")) if account else None
            if account is None or key is None or key.numbers is None or not self.usable(account, key):
                return None
            options: Any = {"require": ["exp", "iat", "iss"], "verify_aud": audience is not None}
            pem = public_pem(key.numbers)
            claims = jwt.decode(text, pem, ["RS256"], options=options, audience=audience, leeway=_SKEW)
        except jwt.PyJWTError:
            return None
        life = datetime.fromtimestamp(claims["exp"], UTC) - datetime.fromtimestamp(claims["iat"], UTC)
        return (account, claims) if life <= _LONGEST_JWT else None

    def usable(self, account: Account, key: AccountKey) -> bool:
        """Return whether a key can sign its account in now."""
        ended = key.valid_before is not None and key.valid_before <= self._world.now()
        return not (account.disabled or key.disabled or ended)

    def _of_jwt(self, text: str, host: str) -> Caller | None:
        found = self.signed_by(text, None)
        if found is None:
            return None
        account, claims = found
        if claims.get("sub") != account.email:
            return None
        if scope := claims.get("scope"):
            return Caller(member=account.member, scopes=frozenset(scope.split()))
        return Caller(member=account.member, scopes=frozenset({CLOUD_PLATFORM})) if _is_for(claims, host) else None


def _is_for(claims: Mapping[str, Any], host: str) -> bool:
    """Return whether a JWT without scopes names the called service as its audience (google.aip.dev/auth/4111)."""
    audience = str(claims.get("aud", ""))
    service = audience.removeprefix("https://").split("/", 1)[0]
    direct = not host.endswith(".googleapis.com")  # an endpoint override of a vendor's tool
    return audience.startswith("https://") and (service == host or (direct and service.endswith(".googleapis.com")))
