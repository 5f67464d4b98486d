"""The reader: who may pull, what it may pull, and what a provider sees of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from pullgrant.errors import PullgrantError
from pullgrant.model.image import Image

Option: TypeAlias = "str | bool | int | tuple[str, ...] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A reader as asked for: all that is needed to find it, renew it and take it back, and no secret.

    `account` is where the identity lives: a project, a subscription's registry, an AWS account, an organisation.
    `repositories` is empty when the reader may pull all that `host` serves for that account.
    `options` are the provider's own settings as JSON values; its settings module reads and writes them.
    `rotate_every` is the age at which a long-lived key is replaced, `grace` how long its predecessor then stays valid.
    `unproven`: the user accepts a credential that could not be proven.
    """

    provider: str
    account: str
    name: str
    host: str
    repositories: tuple[str, ...] = ()
    options: dict[str, Option] = field(default_factory=dict)
    rotate_every: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(days=1)
    unproven: bool = False

    @property
    def id(self) -> str:
        """The one name of this reader in the ledger and in messages: `gcp:my-project/docker-reader`."""
        return f"{self.provider}:{self.account}/{self.name}"


class Ownership(StrEnum):
    """Whose identity a provider found under the wanted name."""

    ABSENT = "absent"
    OURS = "ours"
    OTHER_LEDGER = "other-ledger"
    UNMARKED = "unmarked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An identity that exists: `id` as its cloud addresses it (email, appId, ARN), `label` for people."""

    id: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One permission: a role, as its cloud names it, on a resource."""

    role: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One revocable secret of a reader, by its provider's name for it; never the secret.

    A token that nothing can revoke has `revocable=False`: it is dead at `expires_at` and not before.
    `note` is the id of the operation that made it, where the provider can store one.
    """

    id: str
    created_at: datetime | None = None
    expires_at: datetime | None = None
    note: str = ""
    revocable: bool = True
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a provider saw in one look, before any change.

    `grant` is the permission that the reader shall have, `granted` whether it has it, `excess` what it has beyond.
    `cannot_issue` is the refusal that a new key would meet (policy, quota), found without asking for one.
    `remarks` are plain sentences for the user, such as what a wide scope opens.
    """

    ownership: Ownership
    grant: Grant
    identity: Identity | None = None
    granted: bool = False
    excess: tuple[Grant, ...] = ()
    keys: tuple[Key, ...] = ()
    public: bool = False
    cannot_issue: PullgrantError | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Existing images to prove with: one that the reader must reach, and one that it must not, where there is one.

    `why` says why `inside` is None: nothing pushed yet, or the operator may not list.
    """

    inside: Image | None = None
    outside: Image | None = None
    why: str = ""
