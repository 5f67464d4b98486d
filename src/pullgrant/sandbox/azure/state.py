"""What one fake Azure cloud knows: its directory, subscriptions, registries and grants. Guarded by world.lock."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pullgrant.sandbox.azure.basics import Json, digest_of, same
from pullgrant.sandbox.azure.registry_state import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A client secret of an application or service principal."""

    key_id: str
    display_name: str | None
    start: datetime
    end: datetime
    hint: str
    digest: bytes

    def is_(self, secret: str) -> bool:
        """Return whether this is the secret."""
        return hmac.compare_digest(self.digest, digest_of(secret))


@dataclass(slots=True, kw_only=True)
class Application:
    """An application; `id` is the object id, `properties` what else its maker has set."""

    id: str
    app_id: str
    display_name: str
    created: datetime
    unique_name: str | None = None
    owners: frozenset[str] = frozenset()
    properties: Json = field(default_factory=dict)
    passwords: list[Password] = field(default_factory=list)
    refused_principals: int = 0

    @property
    def words(self) -> str:
        """All text that its maker has put on it."""
        return f"{self.display_name} {self.unique_name} {self.properties}"


@dataclass(slots=True, kw_only=True)
class Principal:
    """A service principal, or a person when `kind` is User; `permissions` are those on Microsoft Graph."""

    id: str
    app_id: str
    display_name: str
    created: datetime
    kind: Literal["ServicePrincipal", "User"] = "ServicePrincipal"
    enabled: bool = True
    permissions: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    properties: Json = field(default_factory=dict)
    passwords: list[Password] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Assignment:
    """A role assignment; `role` is the GUID of the role definition."""

    name: str
    scope: str
    role: str
    principal_id: str
    principal_type: str
    created: datetime
    updated: datetime
    created_by: str
    condition: str | None = None
    condition_version: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the tenant forbids for applications that mention `word` in a name, tag or note; an empty word means all of them.

    In Entra such a policy is the tenant's or is assigned to an application; one sandbox has one tenant, so the worlds are
    told apart by the registry that an application is made for.
    """

    word: str
    forbids_passwords: bool = False
    longest: timedelta | None = None
    denies: bool = False

    def concerns(self, words: str) -> bool:
        """Return whether a text mentions the word."""
        if not self.word:
            return True
        return re.search(rf"(?<![A-Za-z0-9]){re.escape(self.word)}(?![A-Za-z0-9])", words, re.IGNORECASE) is not None


@dataclass(slots=True, kw_only=True)
class Operation:
    """A long-running operation; `result` is the body when it has ended, `asked` how often somebody wanted to know."""

    id: str
    resource: str
    result: Json | None
    asked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultVersion:
    """One version of a secret in a key vault; `created` is in seconds since 1970."""

    id: str
    value: str
    created: int
    tags: Mapping[str, str]
    kind: str = ""


@dataclass(slots=True, kw_only=True)
class State:
    """All of one cloud. `polls` is how often a long-running operation is at least asked about before it has ended."""

    tenant: str
    domain: str
    subscriptions: dict[str, str] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    principals: dict[str, Principal] = field(default_factory=dict)
    refresh_tokens: dict[bytes, str] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    vaults: dict[tuple[str, str], list[VaultVersion]] = field(default_factory=dict)
    closed_vaults: set[str] = field(default_factory=set)
    polls: int = 0
    most_objects: int = 250
    most_passwords: int = 100

    def clear(self) -> None:
        """Forget everything but the tenant."""
        for held in (
            self.subscriptions,
            self.applications,
            self.principals,
            self.refresh_tokens,
            self.registries,
            self.assignments,
            self.operations,
            self.policies,
            self.vaults,
            self.closed_vaults,
        ):
            held.clear()
        self.polls, self.most_objects, self.most_passwords = 0, 250, 100

    def application_by(self, key: str, value: str) -> Application | None:
        """Return the application of a key: `id`, `appId` or `uniqueName`."""
        if key == "id":
            return self.applications.get(value.lower())
        name = {"appId": "app_id", "uniqueName": "unique_name"}[key]
        return next((each for each in self.applications.values() if same(getattr(each, name), value)), None)

    def principal_by(self, key: str, value: str) -> Principal | None:
        """Return the service principal of a key: `id` or `appId`."""
        if key == "id":
            return self.principals.get(value.lower())
        return next((each for each in self.principals.values() if each.app_id and same(each.app_id, value)), None)

    def registry_at(self, resource: str) -> Registry | None:
        """Return the registry of a resource id."""
        return next((each for each in self.registries.values() if same(each.id, resource)), None)

    def registry_of_host(self, host: str, suffix: str) -> Registry | None:
        """Return the registry with this login server."""
        return next((each for each in self.registries.values() if same(f"{each.host_name}.{suffix}", host)), None)

    def groups(self, subscription: str) -> list[str]:
        """Return the resource groups of a subscription."""
        return sorted({each.group for each in self.registries.values() if same(each.subscription, subscription)})

    def policies_for(self, words: str) -> Iterator[Policy]:
        """Iterate over the policies that concern an application with these words on it."""
        return (policy for policy in self.policies if policy.concerns(words))
