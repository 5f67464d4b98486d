"""Names, ids and secrets as Azure has them."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def new_id() -> str:
    """Return a fresh GUID."""
    return str(uuid.uuid4())


def same(one: str | None, other: str) -> bool:
    """Return whether two names are one to Azure, which keeps case and ignores it."""
    return one is not None and one.casefold() == other.casefold()


def new_client_secret() -> str:
    """Return a client secret in Entra's form: a hint of three characters, then a part with a tilde."""
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    start = "".join(secrets.choice(alphabet) for _ in range(3))
    rest = "".join(secrets.choice(f"{alphabet}_~.-") for _ in range(34))
    return f"{start}8Q~{rest}"
