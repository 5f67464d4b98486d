"""Runs the real registry program, Debian's docker-registry, on 127.0.0.1, with a token service of its own kind."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from probe.served import Say, Seen, error
from pullgrant.kit.http import Http

SERVICE = "a registry"
ISSUER = "a token service"


def push_image(http: Http, host: str, repository: str, headers: Mapping[str, str]) -> str:
    """Put a smallest image with the tag `latest` into a repository; return its digest."""
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    put_blob(http, host, repository, headers, config)
    kind = "application/vnd.oci.image.manifest.v1+json"
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config), "size": len(config)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": described, "layers": []}).encode()
    url = f"http://{host}/v2/{repository}/manifests/latest"
    assert http.ask("PUT", url, headers={**headers, "content-type": kind}, content=manifest).status == 201
    return digest_of(manifest)


def put_blob(http: Http, host: str, repository: str, headers: Mapping[str, str], blob: bytes) -> None:
    """Upload one blob in one piece."""
    begun = http.ask("POST", f"http://{host}/v2/{repository}/blobs/uploads/", headers=headers)
    url = f"{begun.headers['location']}&digest={digest_of(blob)}"
    assert http.ask("PUT", url, headers={**headers, "content-type": "application/octet-stream"}, content=blob).status == 201


def digest_of(blob: bytes) -> str:
    """Return a digest as registries write it."""
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


@dataclass
class TokenService:
    """Signs JWTs (RS256, x5c) that Distribution believes; grants the intersection of asked and allowed."""

    users: Mapping[str, str]
    rights: Mapping[str, set[str]]
    opaque: bool = False
    key: Any = field(init=False, repr=False)
    certificate: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.x509.oid import NameOID

        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def bundle(self) -> bytes:
        """Return the certificate for the registry's `rootcertbundle`."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return bytes(self.certificate.public_bytes(Encoding.PEM))

    def __call__(self, seen: Seen) -> Say:
        user, password = seen.basic or ("", "")
        if user and self.users.get(user) != password:
            return error(401, "UNAUTHORIZED", "authentication required")
        access = []
        for scope in seen.query.get("scope", []):
            _, rest = scope.split(":", 1)
            name, asked = rest.rsplit(":", 1)
            actions = sorted(set(asked.split(",")) & self.rights.get(user, set()))
            access.append({"type": "repository", "name": name, "actions": actions})
        return Say(body={"token": self.sign(user, access), "expires_in": 300})

    def sign(self, subject: str, access: list[dict[str, Any]]) -> str:
        """Return a signed token."""
        import jwt
        from cryptography.hazmat.primitives.serialization import Encoding

        chain = [base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()]
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": subject,
            "nbf": now - 10,
            "iat": now,
            "exp": now + 300,
            "access": access,
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"x5c": chain})


def uploads_left(folder: Path) -> list[str]:
    """Return the unfinished uploads in a registry's storage."""
    return sorted(str(path) for path in (folder / "data").rglob("_uploads/*"))
