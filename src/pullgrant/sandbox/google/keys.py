"""RSA key pairs made ahead of need, and Google's JSON key file."""

from __future__ import annotations

import json
import secrets
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PublicNumbers: TypeAlias = rsa.RSAPublicNumbers
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class KeyPool:
    """Key pairs of 2048 bits, a few always being made in the background: one takes a tenth of a second."""

    def __init__(self, ahead: int = 2) -> None:
        self._maker = ThreadPoolExecutor(max_workers=2, thread_name_prefix="google-keys")
        self._waiting: deque[Future[rsa.RSAPrivateKey]] = deque(self._order() for _ in range(ahead))

    def _order(self) -> Future[rsa.RSAPrivateKey]:
        return self._maker.submit(rsa.generate_private_key, public_exponent=65537, key_size=2048)

    def take(self) -> rsa.RSAPrivateKey:
        """Return a key pair that nobody else has."""
        self._waiting.append(self._order())
        return self._waiting.popleft().result()

    def close(self) -> None:
        """Stop making keys."""
        self._maker.shutdown(wait=False, cancel_futures=True)


def new_key_id() -> str:
    """Return a fresh private_key_id: 40 hexadecimal digits."""
    return secrets.token_hex(20)


def private_pem(pair: rsa.RSAPrivateKey) -> str:
    """Return the private key as Google writes it into key files: PKCS 8."""
    form = serialization.PrivateFormat.PKCS8
    return pair.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(numbers: PublicNumbers) -> bytes:
    """Return the public key as SubjectPublicKeyInfo."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return numbers.public_key().public_bytes(serialization.Encoding.PEM, form)


def public_numbers(pem: str) -> PublicNumbers | None:
    """Return what the public half of a private key would be, None for a text that is no RSA key."""
    try:
        pair = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        return None
    return pair.public_key().public_numbers() if isinstance(pair, rsa.RSAPrivateKey) else None


def key_file(*, project: str, email: str, unique_id: str, key_id: str, pair: rsa.RSAPrivateKey) -> bytes:
    """Return the JSON key file of TYPE_GOOGLE_CREDENTIALS_FILE."""
    document = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": key_id,
        "private_key": private_pem(pair),
        "client_email": email,
        "client_id": unique_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": TOKEN_URI,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{quote(email, safe='')}",
        "universe_domain": "googleapis.com",
    }
    return (json.dumps(document, indent=2) + "\n").encode()
