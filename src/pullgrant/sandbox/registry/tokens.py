"""Registry tokens: signed ones per distribution/distribution docs/content/spec/auth/jwt.md, and opaque ones."""

from __future__ import annotations

import base64
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pullgrant.sandbox.country import Visitor
from pullgrant.sandbox.world import World

ISSUER = "pullgrant-sandbox"
_SIGNER = "token.sandbox.invalid"


class Certifies(Protocol):
    """The part of an authority that signing needs."""

    def leaf(self, host: str) -> tuple[bytes, bytes]:
        """Return a certificate and its private key, both PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token says: whose it is, for which service, and the actions on each repository as the caller names it.

    `catalog`: it may also list the repositories of the registry.
    """

    visitor: Visitor | None
    service: str
    access: Mapping[str, frozenset[str]]
    expires_at: datetime
    catalog: bool = False


class Tokens:
    """Issues and reads registry tokens. A token lives until it expires, whatever became of the credential behind it."""

    def __init__(self, *, world: World, authority: Certifies) -> None:
        self._world, self._authority = world, authority
        self._opaque: dict[str, Grant] = {}

    def opaque(self, grant: Grant) -> str:
        """Return a new token that says nothing to its bearer."""
        token = secrets.token_urlsafe(48)
        with self._world.lock:
            self._opaque[token] = grant
        return token

    def signed(self, grant: Grant, *, now: datetime) -> str:
        """Return a JWT with the grant as its `access` claim; `now` is the issuing clock's time."""
        import jwt

        certificate, key = self._authority.leaf(_SIGNER)
        claims = {
            "iss": ISSUER,
            "sub": grant.visitor.name if grant.visitor else "",
            "aud": grant.service,
            "exp": int(grant.expires_at.timestamp()),
            "nbf": int(now.timestamp()) - 10,
            "iat": int(now.timestamp()),
            "jti": secrets.token_hex(16),
            "access": [
                *([{"type": "registry", "name": "catalog", "actions": ["*"]}] if grant.catalog else []),
                *(
                    {"type": "repository", "name": name, "actions": sorted(actions)}
                    for name, actions in grant.access.items()
                ),
            ],
        }
        der = ssl.PEM_cert_to_DER_cert(certificate.decode())
        return jwt.encode(claims, key, algorithm="ES256", headers={"x5c": [base64.b64encode(der).decode()]})

    def read(self, token: str, *, service: str) -> Grant | None:
        """Return what a token grants at a service now, None when it is foreign, forged or expired."""
        with self._world.lock:
            grant = self._opaque.get(token)
        if grant is None and token.count(".") == 2:
            grant = self._verified(token, service)
        if grant is None or grant.service != service or grant.expires_at <= self._world.now():
            return None
        return grant

    def certificate(self) -> bytes:
        """Return the PEM certificate of the signing key: a registry's `rootcertbundle`."""
        return self._authority.leaf(_SIGNER)[0]

    def forget(self) -> None:
        """Make every opaque token foreign."""
        with self._world.lock:
            self._opaque.clear()

    def _verified(self, token: str, service: str) -> Grant | None:
        import jwt
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = x509.load_pem_x509_certificate(self.certificate()).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        checks = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}  # by the world's clock, not the machine's
        try:
            claims = jwt.decode(token, pem, algorithms=["ES256"], audience=service, issuer=ISSUER, options=checks)  # type: ignore[arg-type]
        except jwt.InvalidTokenError:
            return None
        access = [entry for entry in claims["access"] if entry["type"] == "repository"]
        return Grant(
            visitor=Visitor(name=claims["sub"]) if claims["sub"] else None,
            service=service,
            access={entry["name"]: frozenset(entry["actions"]) for entry in access},
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            catalog=len(access) < len(claims["access"]),
        )


def lasting(now: datetime, seconds: int) -> datetime:
    """Return when a token that is issued now expires, in whole seconds as a JWT counts."""
    return now.replace(microsecond=0) + timedelta(seconds=seconds)
