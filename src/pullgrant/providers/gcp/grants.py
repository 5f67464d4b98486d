"""Writes policies: read, changed and written back under their etag, each of the three kinds of resource by its own calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from pullgrant.errors import NotFound, PermissionDenied, PullgrantError
from pullgrant.kit.together import together
from pullgrant.providers.gcp import policy as policies
from pullgrant.providers.gcp.answers import tried
from pullgrant.providers.gcp.policy import Policy
from pullgrant.providers.gcp.seam import Seam
from pullgrant.providers.gcp.settings import OBJECT_VIEWER, Settings
from pullgrant.providers.gcp.target import Target
from pullgrant.providers.gcp.waits import Waits

Change: TypeAlias = "Callable[[Policy], tuple[Policy, bool]]"


class Grants:
    """The policies in which one reader may stand."""

    def __init__(self, settings: Settings, seam: Seam, *, waits: Waits) -> None:
        self._settings, self._seam, self._waits = settings, seam, waits

    def change(self, place: Target, change: Change, *, known: Policy | None = None) -> None:
        """Change one policy; `known` is what was just read of it. Raises the last real error when its budget is spent."""
        first = [known] if known is not None else []

        def attempt() -> None:
            changed, differs = change(first.pop() if first else self._read(place))
            if differs:
                self._write(place, changed)

        self._waits.settled(attempt)

    def remove(self) -> None:
        """Take the account out of every policy in which a run of ours may have put it, at the same time.

        What does not exist is done. A policy that may not be read or written is an error where the grant must be; it is
        passed over where a grant could only be from before the registry moved.
        """
        places = self._places()
        failed = dict(zip(places, together(*(tried(partial(self._without, one)) for one in places.values())), strict=True))
        for kind, error in failed.items():
            passed = NotFound if kind == self._wanted(failed) else (NotFound, PermissionDenied)
            if isinstance(error, PullgrantError) and not isinstance(error, passed):
                raise error

    def _wanted(self, failed: Mapping[str, Any]) -> str:
        if self._settings.scope == "project":
            return "project"
        on_buckets = "repository" not in failed or ("bucket" in failed and isinstance(failed["repository"], NotFound))
        return "bucket" if on_buckets else "repository"

    def _places(self) -> Mapping[str, Target]:
        settings, registry = self._settings, self._settings.registry
        places = {"project": Target(kind="project", role="", resource=registry.project)}
        if settings.role != OBJECT_VIEWER:
            places["repository"] = Target(kind="repository", role="", resource=registry.resource)
        if registry.bucket:
            places["bucket"] = Target(kind="bucket", role="", resource=registry.bucket)
        return places

    def _without(self, place: Target) -> None:
        self.change(place, lambda policy: policies.without_member(policy, self._settings.email))

    def _read(self, place: Target) -> Mapping[str, Any]:
        match place.kind:
            case "bucket":
                return self._seam.get_bucket_policy(place.resource)
            case "project":
                return self._seam.get_project_policy(place.resource)
            case "repository":
                return self._seam.get_repository_policy(place.resource)

    def _write(self, place: Target, policy: Policy) -> None:
        match place.kind:
            case "bucket":
                self._seam.set_bucket_policy(place.resource, policy)
            case "project":
                self._seam.set_project_policy(place.resource, policy)
            case "repository":
                self._seam.set_repository_policy(place.resource, policy)
