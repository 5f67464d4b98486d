"""What AWS answered, as values: keys, sessions, tokens and policy documents."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

from pullgrant.errors import Unavailable
from pullgrant.secret import Secret

Kind: TypeAlias = Literal["role", "user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Credentials of AWS that are the reader's own: a session of its role, or an access key of its user."""

    id: str
    secret: Secret
    session: Secret | None = None
    expires_at: datetime | None = None

    def shown(self) -> dict[str, str]:
        """Return them, in the clear, as boto3 takes them."""
        keys = {"aws_access_key_id": self.id, "aws_secret_access_key": self.secret.reveal()}
        return keys | ({"aws_session_token": self.session.reveal()} if self.session else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What GetAuthorizationToken gave."""

    username: str
    password: Secret
    expires_at: datetime


def read_keys(made: Mapping[str, Any]) -> Keys:
    """Return a new AccessKey of IAM."""
    return Keys(id=str(made["AccessKeyId"]), secret=Secret(str(made["SecretAccessKey"])))


def read_session(found: Mapping[str, Any]) -> Keys:
    """Return the Credentials of STS."""
    return Keys(
        id=str(found["AccessKeyId"]),
        secret=Secret(str(found["SecretAccessKey"])),
        session=Secret(str(found["SessionToken"])),
        expires_at=_utc(found["Expiration"]),
    )


def read_token(answer: Mapping[str, Any], doing: str) -> Token:
    """Return the token of an answer, which ECR gives in a list and ECR Public alone.

    It is split at the first colon: a password may hold one (external-secrets/external-secrets generators/v1/ecr/ecr.go).
    Raises Unavailable for half an answer.
    """
    found: Any = answer.get("authorizationData")
    found = found[0] if isinstance(found, list) and found else found
    try:
        username, colon, password = base64.b64decode(str(found["authorizationToken"])).decode().partition(":")
        ends = _utc(found["expiresAt"])
    except (KeyError, TypeError, ValueError):
        raise Unavailable(f"could not {doing}: half an answer came") from None
    if not colon or not password:
        raise Unavailable(f"could not {doing}: an answer without a password came")
    return Token(username=username, password=Secret(password), expires_at=ends)


def read_document(found: Any) -> Mapping[str, Any]:
    """Return a policy document that came as a text, with or without percent escapes, or was read already."""
    if isinstance(found, Mapping):
        return found
    text = str(found)
    read = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    return read if isinstance(read, dict) else {}


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
