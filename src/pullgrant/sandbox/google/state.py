"""What the fake Google Cloud knows: projects, accounts, keys, repositories, buckets and tokens. Guarded by world.lock."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pullgrant.sandbox.google.keys import PublicNumbers
from pullgrant.sandbox.google.policy import Binding, Policy, new_etag

MAX_KEYS = 10
MAX_ACCOUNTS = 100


@dataclass(slots=True, kw_only=True)
class AccountKey:
    """One key of an account; one that Google manages itself has no numbers here. `valid_before` None: never ends."""

    id: str
    numbers: PublicNumbers | None
    valid_after: datetime
    valid_before: datetime | None = None
    disabled: bool = False
    user_managed: bool = True


@dataclass(slots=True, kw_only=True)
class Account:
    """A service account, known by its email; `unique_id` tells it from an earlier one of the same email."""

    project: str
    email: str
    unique_id: str
    policy: Policy
    display_name: str = ""
    description: str = ""
    disabled: bool = False
    etag: bytes = field(default_factory=new_etag)
    keys: dict[str, AccountKey] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource name."""
        return f"projects/{self.project}/serviceAccounts/{self.email}"

    @property
    def member(self) -> str:
        """How policies write it."""
        return f"serviceAccount:{self.email}"

    @property
    def deleted_member(self) -> str:
        """How policies write it once it is deleted."""
        return f"deleted:serviceAccount:{self.email}?uid={self.unique_id}"


@dataclass(slots=True, kw_only=True)
class Repository:
    """An Artifact Registry repository; `images` is image -> tags."""

    project: str
    location: str
    id: str
    policy: Policy
    images: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """The resource name."""
        return f"projects/{self.project}/locations/{self.location}/repositories/{self.id}"


@dataclass(slots=True, kw_only=True)
class Bucket:
    """A Cloud Storage bucket of the old Container Registry; `images` is image -> tags."""

    project: str
    name: str
    location: str
    policy: Policy
    images: Mapping[str, tuple[str, ...]]


@dataclass(slots=True, kw_only=True)
class StoredSecret:
    """A secret of Secret Manager; its versions are numbered from 1, each with its data and its state."""

    labels: dict[str, str]
    created: datetime
    versions: list[tuple[bytes, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Project:
    """A project; `constraints` are the organisation policies enforced on it, `key_life` how long its keys may live."""

    id: str
    policy: Policy
    services: set[str]
    redirection: str = "REDIRECTION_FROM_GCR_IO_ENABLED"
    constraints: frozenset[str] = frozenset()
    key_life: timedelta | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    deleted: dict[str, Account] = field(default_factory=dict)
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    secrets: dict[str, StoredSecret] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """The project number: twelve digits that depend on the id alone."""
        return str(100_000_000_000 + int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % 900_000_000_000)

    @property
    def on_buckets(self) -> bool:
        """Whether its gcr.io hosts are still served from buckets."""
        return self.redirection == "REDIRECTION_FROM_GCR_IO_DISABLED"

    def policies(self) -> Iterator[Policy]:
        """Iterate over the policies of the project and of everything in it."""
        yield self.policy
        yield from (each.policy for each in self.accounts.values())
        yield from (each.policy for each in self.repositories.values())
        yield from (each.policy for each in self.buckets.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An OAuth access token; `unique_id` is empty for a person, `expires_at` None for a token that never ends."""

    member: str
    unique_id: str
    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(slots=True, kw_only=True)
class State:
    """All of it."""

    projects: dict[str, Project] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)

    def account(self, who: str) -> Account | None:
        """Return the living account of an email or unique id."""
        for project in self.projects.values():
            for account in project.accounts.values():
                if who in (account.email, account.unique_id):
                    return account
        return None

    def project_by(self, name: str) -> Project | None:
        """Return the project of an id or number."""
        return self.projects.get(name) or next((each for each in self.projects.values() if each.number == name), None)

    def bucket(self, name: str) -> Bucket | None:
        """Return a bucket of any project."""
        return next((each.buckets[name] for each in self.projects.values() if name in each.buckets), None)

    def rename_member(self, old: str, new: str) -> None:
        """Write a member differently in all policies: a deleted account, or one that came back."""
        for project in self.projects.values():
            for policy in project.policies():
                if old in policy.members:
                    policy.bindings = tuple(_renamed(policy.bindings, old, new))
                    policy.etag = new_etag()


def _renamed(bindings: tuple[Binding, ...], old: str, new: str) -> Iterator[Binding]:
    for binding in bindings:
        yield replace(binding, members=tuple(new if member == old else member for member in binding.members))


def new_account(project: str, account_id: str) -> Account:
    """Return a fresh account without keys of its own and with a policy that grants nothing."""
    email = f"{account_id}@{project}.iam.gserviceaccount.com"
    unique_id = "1" + "".join(secrets.choice("0123456789") for _ in range(20))
    return Account(project=project, email=email, unique_id=unique_id, policy=Policy(resource=f"account/{unique_id}"))
