"""What a reader shall be allowed, and what its project answers when asked about it: pure readings of Google's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pullgrant.errors import NotFound, PullgrantError, QuotaReached, Refused
from pullgrant.model.reader import Grant, Key
from pullgrant.providers.gcp import policy as policies
from pullgrant.providers.gcp.answers import KEYLESS, ServiceDisabled, forbidden, service_disabled
from pullgrant.providers.gcp.settings import ARTIFACT_READER, OBJECT_VIEWER, READER_ROLES, Settings, useless_role

MOST_KEYS = 10
FORBID_KEYS = ("iam.disableServiceAccountKeyCreation", "iam.managed.disableServiceAccountKeyCreation")
# Discovery document artifactregistry.v1, ProjectSettings.legacyRedirectionState: in all other states Artifact Registry serves.
UNSAID = frozenset({"REDIRECTION_STATE_UNSPECIFIED", ""})
_ON_BUCKETS = UNSAID | {"REDIRECTION_FROM_GCR_IO_DISABLED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The one permission of the reader: a role on a repository, a bucket or a project."""

    kind: Literal["repository", "bucket", "project"]
    role: str
    resource: str

    @property
    def grant(self) -> Grant:
        """The permission in the words of the plan."""
        prefix = {"repository": "", "bucket": "bucket ", "project": "project "}[self.kind]
        return Grant(role=self.role, resource=f"{prefix}{self.resource}")


def target_of(settings: Settings, redirection: str) -> Target:
    """Return the target for a project whose gcr.io hosts are in this state. Raises UsageError for a role that is useless."""
    registry = settings.registry
    on_buckets = bool(registry.bucket) and redirection in _ON_BUCKETS
    if settings.role == OBJECT_VIEWER and not on_buckets:
        raise useless_role(registry)
    role = settings.role if settings.role != "auto" else OBJECT_VIEWER if on_buckets else ARTIFACT_READER
    if settings.scope == "project":
        return Target(kind="project", role=role, resource=registry.project)
    if role == OBJECT_VIEWER:
        return Target(kind="bucket", role=role, resource=registry.bucket)
    return Target(kind="repository", role=role, resource=registry.resource)


def excess_of(target: Target, project: str, policy: Mapping[str, Any], email: str) -> tuple[Grant, ...]:
    """Return the reader roles that the account has on the whole project and shall not have."""
    wanted = {target.role} if target.kind == "project" else set()
    held = set(policies.roles_of(policy, email)) & READER_ROLES
    return tuple(Grant(role=role, resource=f"project {project}") for role in sorted(held - wanted))


def services_of(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Return the cloud services that a run needs, by project: that of the account, and that of the registry."""
    needed: dict[str, tuple[str, ...]] = {settings.project: ("iam.googleapis.com",)}
    if settings.credential == "access-token":
        needed[settings.project] += ("iamcredentials.googleapis.com",)
    if settings.role != OBJECT_VIEWER:
        there = settings.registry.project
        needed[there] = (*needed.get(there, ()), "artifactregistry.googleapis.com")
    return needed


def disabled_service(
    states: Mapping[str, Mapping[str, str] | PullgrantError], *, on_buckets: bool
) -> ServiceDisabled | None:
    """Return the error for the first service that is disabled in one of the projects.

    Where the operator may not ask, the service's own refusal comes later.
    """
    for project, found in states.items():
        for service, state in {} if isinstance(found, PullgrantError) else found.items():
            if state == "DISABLED" and not (on_buckets and service == "artifactregistry.googleapis.com"):
                return service_disabled(service, project)
    return None


def missing_repository(settings: Settings, found: Sequence[Mapping[str, Any]] | PullgrantError) -> NotFound:
    """Return the error for a repository that is not there, naming those that are."""
    registry = settings.registry
    names = [] if isinstance(found, PullgrantError) else [str(one.get("name", "")).rpartition("/")[2] for one in found]
    there = f"there: {', '.join(sorted(names))}" if names else "the location shows none"
    create = f"gcloud artifacts repositories create {registry.repository} --repository-format docker"
    return NotFound(
        f"the repository {registry.resource} does not exist ({there})",
        hint=f"Give --registry one that exists, or: {create} --location {registry.location} --project {registry.project}",
    )


def cannot_issue(settings: Settings, rules: Sequence[Any], keys: Sequence[Key]) -> Refused | None:
    """Return the refusal that a new JSON key would meet; an access token meets none of them."""
    if settings.credential != "json-key":
        return None
    for constraint, answer in zip(FORBID_KEYS, rules, strict=True):
        if not isinstance(answer, PullgrantError) and _enforced(answer):
            return forbidden(constraint, f"create a key for {settings.email}")
    if len(keys) >= MOST_KEYS:
        return QuotaReached(
            f"{settings.email} has {len(keys)} keys, and Google allows {MOST_KEYS}",
            hint="Delete one that nothing uses: gcloud iam service-accounts keys list --iam-account "
            f"{settings.email}. Or: {KEYLESS}",
        )
    return None


def disabled_account(settings: Settings) -> Refused:
    """Return the refusal that a new key of a disabled account would meet: whoever disabled it may have had a reason."""
    return Refused(
        f"the service account {settings.email} is disabled, and none of its credentials works",
        hint=f"If that is over: gcloud iam service-accounts enable {settings.email} --project {settings.project}",
    )


def _enforced(answer: Mapping[str, Any]) -> bool:
    rules = (answer.get("spec") or {}).get("rules") or ()
    return any(rule.get("enforce") is True and not rule.get("condition") for rule in rules)


def key_of(found: Any) -> Key:
    """Return a ServiceAccountKey; without a limit of life it ends in the year 9999, which is never."""
    ends = found.valid_before_time
    return Key(
        id=str(found.name).rpartition("/")[2],
        created_at=_utc(found.valid_after_time),
        expires_at=_utc(ends) if ends and ends.year < 9999 else None,
        enabled=not found.disabled,
    )


def remarks_of(target: Target, excess: PullgrantError | None) -> tuple[str, ...]:
    """Return what the user is told of a scope that is wider than one repository, or could not be looked at."""
    told = []
    if target.kind == "project":
        what = "every repository of every format" if target.role == ARTIFACT_READER else "every object in every bucket"
        told.append(f"{target.role} on the project {target.resource} opens {what} in it; --scope repository is narrower")
    if target.kind == "bucket":
        told.append(f"a registry on a bucket cannot be narrowed further: all images in {target.resource} can be pulled")
    if excess is not None:
        told.append(f"whether the reader has roles on the whole project could not be seen: {excess.message}")
    return tuple(told)


def _utc(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp(), UTC)
