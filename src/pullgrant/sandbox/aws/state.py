"""What the sandbox keeps of AWS beside moto: sessions of roles, ECR's tokens, images, and how often somebody asked."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_LETTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose rights count: an IAM user or role.

    `arn` is the entity's own, `id` its unique id, so that a new entity of the same name is another.
    """

    kind: str
    account: str
    partition: str
    name: str
    arn: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session of a role. `policies` are session policies, one document each; none when it has all that the role has."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    identity: Identity
    name: str
    policies: tuple[Mapping[str, Any], ...]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes a call."""

    identity: Identity
    session: Session | None = None

    @property
    def arn(self) -> str:
        """The ARN that sts:GetCallerIdentity and refusals name."""
        if self.session is None:
            return self.identity.arn
        who = self.identity
        return f"arn:{who.partition}:sts::{who.account}:assumed-role/{who.name}/{self.session.name}"

    @property
    def user_id(self) -> str:
        """The unique id that sts:GetCallerIdentity names."""
        return f"{self.identity.id}:{self.session.name}" if self.session else self.identity.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A password for the user AWS.

    It serves every private registry of a region, or public.ecr.aws when `region` is empty. It dies with the session that took
    it: AWS does not say so, but the life of such a token is promised no longer than that.
    """

    caller: Caller
    region: str
    expires_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it stops working."""
        session = self.caller.session
        return min(self.expires_at, session.expires_at) if session else self.expires_at


@dataclass(slots=True, kw_only=True)
class State:
    """`images` are repository -> tags by account and region; `asked` the fill of each token bucket."""

    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    images: dict[tuple[str, str], dict[str, tuple[str, ...]]] = field(default_factory=dict)
    asked: dict[str, tuple[float, datetime]] = field(default_factory=dict)


def new_key_id(prefix: str) -> str:
    """Return a new access key id."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(16))


def new_secret() -> str:
    """Return a new secret access key."""
    return secrets.token_urlsafe(30)
