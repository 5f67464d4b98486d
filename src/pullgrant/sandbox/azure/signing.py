"""The JWTs of one cloud: access tokens of the sign-in, and refresh tokens of its registries. Time is the world's."""

from __future__ import annotations

import base64
import threading
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Protocol

from pullgrant.sandbox.azure.basics import Json, new_id
from pullgrant.sandbox.world import World


class Certifies(Protocol):
    """The part of an authority that signing needs."""

    def leaf(self, host: str) -> tuple[bytes, bytes]:
        """Return a certificate and its private key, both PEM."""


class Signer:
    """Signs with the key of one host, and reads what it signed.

    The sandbox signs with ES256, the real sign-in with RS256; a client takes such a token as opaque text.
    """

    def __init__(self, world: World, authority: Certifies, host: str) -> None:
        self._world, self._authority, self._host = world, authority, host
        self._once = threading.Lock()
        self._public: Any = None

    def signed(self, claims: Json, *, life: timedelta) -> str:
        """Return a token with these claims that lives so long from now."""
        import jwt

        now = int(self._world.now().timestamp())
        times = {"iat": now, "nbf": now, "exp": now + int(life.total_seconds()), "jti": new_id()}
        _, key = self._authority.leaf(self._host)
        return jwt.encode(claims | times, key, algorithm="ES256", headers={"kid": self._kid()})

    def read(self, token: str, *, audiences: Collection[str]) -> Json | None:
        """Return the claims of a token that is good now for one of these audiences, None for any other."""
        claims = self.any(token)
        if claims is None or str(claims.get("aud")).rstrip("/") not in audiences:
            return None
        return None if self.ended(claims) else claims

    def any(self, token: str) -> Json | None:
        """Return the claims of a token that was signed here, whomever it is for and however old; None for a foreign one."""
        import jwt

        checks: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            return dict(jwt.decode(token, self._key(), algorithms=["ES256"], options=checks))
        except jwt.InvalidTokenError:
            return None

    def ended(self, claims: Json) -> bool:
        """Return whether a token has expired."""
        return bool(claims["exp"] <= self._world.now().timestamp())

    def keys(self) -> Json:
        """Return the public key as a JWK set."""
        numbers = self._key().public_numbers()
        point = {name: _unpadded(getattr(numbers, name).to_bytes(32, "big")) for name in ("x", "y")}
        return {"keys": [{"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": self._kid(), **point}]}

    def _key(self) -> Any:
        from cryptography import x509

        with self._once:
            if self._public is None:
                self._public = x509.load_pem_x509_certificate(self._authority.leaf(self._host)[0]).public_key()
            return self._public

    def _kid(self) -> str:
        return _unpadded(self._key().public_numbers().x.to_bytes(32, "big")[:20])


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
