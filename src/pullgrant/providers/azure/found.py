"""What Azure's services answer, as values; only the parts that matter here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from pullgrant.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry: `id` is its resource id, `abac` says that it asks role assignments for repositories."""

    id: str
    name: str
    login_server: str
    abac: bool = False
    anonymous: bool = False
    admin_user: bool = False
    private: bool = False

    @property
    def group(self) -> str:
        """The resource group in the id."""
        return self.id.split("/")[4]

    @property
    def subscription(self) -> str:
        """The subscription in the id."""
        return self.id.split("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A password of an application or a service principal, without its text."""

    id: str
    note: str = ""
    starts_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application: `id` is that of the object, `app_id` what its service principal signs in with."""

    id: str
    app_id: str
    name: str
    unique_name: str = ""
    tags: tuple[str, ...] = ()
    passwords: tuple[Password, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A service principal: `id` is what role assignments name."""

    id: str
    app_id: str
    enabled: bool = True
    passwords: tuple[Password, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """A password that was just made."""

    id: str
    secret: Secret
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A role assignment: `name` is its own guid, `role` the guid of the role."""

    id: str
    name: str
    scope: str
    role: str
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What one role lets the operator do on a resource; a `*` stands for any text."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Say whether an action is among these. A deny assignment may still stand against it."""
        return _matches(action, self.actions) and not _matches(action, self.not_actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPassword:
    """What one of the two password slots of a token holds, without the text."""

    slot: str
    created_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token of a registry: `scope_map` is the resource id of what it may do."""

    name: str
    scope_map: str
    enabled: bool = True
    passwords: tuple[SlotPassword, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSlotPassword:
    """A token's password that was just made."""

    username: str
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeMap:
    """What a token may do."""

    id: str
    name: str
    description: str = ""
    actions: tuple[str, ...] = field(default=())


def _matches(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
