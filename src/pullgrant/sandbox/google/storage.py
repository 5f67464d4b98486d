"""storage.googleapis.com v1: the buckets of the old Container Registry and their policies.

Source: discovery document storage.v1. Here the policy is the body itself, it is written by PUT, and a lost etag is a 412.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.callers import (
    CLOUD_PLATFORM,
    CLOUD_PLATFORM_READ,
    STORAGE_FULL,
    STORAGE_READ,
    STORAGE_WRITE,
    Caller,
)
from pullgrant.sandbox.google.desk import Desk, Handler, body_of
from pullgrant.sandbox.google.refusal import Json, Refusal, invalid, not_found
from pullgrant.sandbox.google.state import Bucket

_HOST = r"(?:storage|www)\.googleapis\.com"
_BUCKET = r"/storage/v1/b/(?P<bucket>[^/]+)"
_ANY = (CLOUD_PLATFORM, CLOUD_PLATFORM_READ, STORAGE_FULL, STORAGE_READ, STORAGE_WRITE)
_FULL = (CLOUD_PLATFORM, STORAGE_FULL)
_SINCE = "2020-01-01T00:00:00.000Z"


class Storage:
    """The service."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""

        def of(kind: str, method: str, path: str, handler: Handler, scopes: Sequence[str]) -> Route:
            answering = self._desk.endpoint(handler, scopes=scopes, shape="storage")
            return route(f"storage.{kind}", method, _HOST, path, answering)

        return [
            of("getBucket", "GET", _BUCKET, self.get, _ANY),
            of("getIamPolicy", "GET", _BUCKET + "/iam", self.get_policy, _FULL),
            of("setIamPolicy", "PUT", _BUCKET + "/iam", self.set_policy, _FULL),
            of("testIamPermissions", "GET", _BUCKET + "/iam/testPermissions", self.test_permissions, _ANY),
        ]

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return a bucket."""
        bucket = self._bucket(caller, match, "storage.buckets.get")
        return {
            "kind": "storage#bucket",
            "id": bucket.name,
            "name": bucket.name,
            "selfLink": f"https://www.googleapis.com/storage/v1/b/{bucket.name}",
            "projectNumber": self._desk.state.projects[bucket.project].number,
            "location": bucket.location,
            "locationType": "multi-region",
            "storageClass": "STANDARD",
            "metageneration": "1",
            "timeCreated": _SINCE,
            "updated": _SINCE,
            "etag": "CAE=",
        }

    def get_policy(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the policy of a bucket."""
        bucket = self._bucket(caller, match, "storage.buckets.getIamPolicy")
        version = request.one("optionsRequestedPolicyVersion")
        if bucket.policy.conditional and version != "3":  # storage.v1: a version that cannot show all of it fails
            raise invalid("The policy has conditions: it can be requested in version 3 only.")
        document = self._desk.policies.read(bucket.policy, version)
        return _policy_json(bucket, document)

    def set_policy(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Replace the policy of a bucket."""
        bucket = self._bucket(caller, match, "storage.buckets.setIamPolicy")
        body = body_of(request, ("bindings", "etag", "kind", "resourceId", "version"))
        return _policy_json(bucket, self._desk.policies.write(bucket.policy, body))

    def test_permissions(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Say what the caller may do on a bucket."""
        bucket = self._desk.state.bucket(match["bucket"])
        if bucket is None:
            raise not_found("The specified bucket does not exist.")
        policies = [bucket.policy, self._desk.state.projects[bucket.project].policy]
        asked = list(request.query.get("permissions", []))
        return {"kind": "storage#testIamPermissionsResponse", **self._desk.granted(caller, asked, policies)}

    def _bucket(self, caller: Caller, match: re.Match[str], permission: str) -> Bucket:
        bucket = self._desk.state.bucket(match["bucket"])
        if bucket is None:
            raise not_found("The specified bucket does not exist.")
        policies = [bucket.policy, self._desk.state.projects[bucket.project].policy]
        words = (
            f"{caller.email} does not have {permission} access to the Google Cloud Storage bucket. "
            f"Permission '{permission}' denied on resource (or it may not exist)."
        )
        self._desk.demand(caller, permission, policies, Refusal("PERMISSION_DENIED", words))
        return bucket


def _policy_json(bucket: Bucket, document: Json) -> Json:
    return {"kind": "storage#policy", "resourceId": f"projects/_/buckets/{bucket.name}", **document}
