"""One look at all that a reader's plan needs, with every read at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pullgrant.errors import NotFound, PermissionDenied, PullgrantError, Refused
from pullgrant.kit.together import together
from pullgrant.model.reader import Key
from pullgrant.providers.gcp import target as targets
from pullgrant.providers.gcp.answers import ServiceDisabled, there, tried
from pullgrant.providers.gcp.policy import Policy
from pullgrant.providers.gcp.seam import Seam
from pullgrant.providers.gcp.settings import OBJECT_VIEWER, Settings
from pullgrant.providers.gcp.target import Target

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen. `policy` is that of the target, None where `refusal` says that there is no target.

    `refusal` is what a new credential would meet: a service or a resource that is not there, a disabled account, a policy,
    a limit. `whole` is the policy of the project, or why it could not be read.
    """

    target: Target
    account: Any
    keys: tuple[Key, ...]
    policy: Policy | None
    whole: Policy | PullgrantError
    refusal: Refused | None


def look(seam: Seam, settings: Settings) -> Seen:
    """Return what is there. What the operator may lack the right to see is done without; other errors are raised."""
    registry, email = settings.registry, settings.email
    needed = targets.services_of(settings)
    account, keys, state, repository, whole, *more = together(
        tried(lambda: seam.get_account(email)),
        tried(lambda: seam.list_keys(email)),
        tried(lambda: seam.get_project_settings(registry.project) if registry.bucket else {}),
        tried(lambda: {} if settings.role == OBJECT_VIEWER else seam.get_repository_policy(registry.resource)),
        tried(lambda: seam.get_project_policy(registry.project)),
        *(tried(partial(_rule, seam, settings, name)) for name in targets.FORBID_KEYS),
        *(tried(partial(seam.get_services, project, services)) for project, services in needed.items()),
    )
    rules, states = more[: len(targets.FORBID_KEYS)], more[len(targets.FORBID_KEYS) :]
    found, mine = there(account), tuple(targets.key_of(key) for key in there(keys) or ())
    wanted = _target(settings, state, repository)
    on_buckets = wanted.role == OBJECT_VIEWER
    policy = _policy(seam, settings, wanted, repository, whole)
    absent = policy if isinstance(policy, NotFound) else None
    disabled = targets.disabled_service(dict(zip(needed, states, strict=True)), on_buckets=on_buckets)
    off = found is not None and bool(found.disabled)
    return Seen(
        target=wanted,
        account=found,
        keys=tuple(replace(key, enabled=key.enabled and not off) for key in mine),
        policy=None if isinstance(policy, NotFound) else policy,
        whole=whole,
        refusal=disabled
        or absent
        or (targets.disabled_account(settings) if off else None)
        or targets.cannot_issue(settings, rules, mine),
    )


def _rule(seam: Seam, settings: Settings, constraint: str) -> Mapping[str, Any]:
    return seam.get_effective_policy(settings.project, constraint) if settings.credential == "json-key" else {}


def _target(settings: Settings, state: Any, repository: Any) -> Target:
    """Return the target. Artifact Registry serves a project that says nothing of its hosts but has the repository,

    one whose settings may not be read, and one where the service is disabled.
    """
    if isinstance(state, PullgrantError):
        if not isinstance(state, PermissionDenied | ServiceDisabled):
            raise state
        return targets.target_of(settings, _UNKNOWN)
    redirection = str(state.get("legacyRedirectionState", ""))
    if redirection in targets.UNSAID and settings.role == "auto" and not isinstance(repository, PullgrantError):
        redirection = _UNKNOWN
    return targets.target_of(settings, redirection)


def _policy(seam: Seam, settings: Settings, wanted: Target, repository: Any, whole: Any) -> Policy | NotFound:
    """Return the policy of the target, or the error for one that is not there. Raises any other error."""
    if wanted.kind == "bucket":
        answer = tried(lambda: seam.get_bucket_policy(wanted.resource))()
    else:
        answer = repository if wanted.kind == "repository" else whole
    if isinstance(answer, NotFound) and wanted.kind == "repository" and not isinstance(answer, ServiceDisabled):
        registry = settings.registry
        answer = targets.missing_repository(
            settings, tried(lambda: seam.list_repositories(registry.project, registry.location))()
        )
    if isinstance(answer, PullgrantError) and not isinstance(answer, NotFound):
        raise answer
    return answer  # type: ignore[no-any-return]
