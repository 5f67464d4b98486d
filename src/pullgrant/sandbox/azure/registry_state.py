"""What one registry of the fake Azure knows: its images, scope maps and tokens."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from pullgrant.sandbox.azure.basics import digest_of

Mode: TypeAlias = Literal["LegacyRegistryPermissions", "AbacRepositoryPermissions"]

SLOTS = ("password1", "password2")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPassword:
    """The password of one slot of a registry token; `expires_at` None: it never ends."""

    digest: bytes
    created: datetime
    expires_at: datetime | None

    def is_(self, secret: str) -> bool:
        """Return whether this is the secret."""
        return hmac.compare_digest(self.digest, digest_of(secret))


@dataclass(slots=True, kw_only=True)
class ScopeMap:
    """A named set of actions on repositories."""

    name: str
    actions: tuple[str, ...]
    created: datetime
    description: str = ""
    built_in: bool = False


@dataclass(slots=True, kw_only=True)
class RegistryToken:
    """A token of a registry; `used` are the slots that ever held a password."""

    name: str
    scope_map: str
    created: datetime
    enabled: bool = True
    passwords: dict[str, TokenPassword] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Registry:
    """A container registry; `images` is repository -> tags. `label` is the hash in its host, where it has one."""

    subscription: str
    group: str
    name: str
    mode: Mode
    created: datetime
    images: Mapping[str, tuple[str, ...]]
    location: str = "westeurope"
    sku: str = "Premium"
    anonymous_pull: bool = False
    arm_audience: bool = True
    label: str = ""
    scope_maps: dict[str, ScopeMap] = field(default_factory=dict)
    tokens: dict[str, RegistryToken] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The resource id."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{group}/providers/Microsoft.ContainerRegistry/registries/{self.name}"

    @property
    def host_name(self) -> str:
        """The first part of its login server."""
        return f"{self.name}-{self.label}" if self.label else self.name
