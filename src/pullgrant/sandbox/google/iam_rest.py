"""The REST face of the fake IAM, which gcloud speaks. The operations are those of gRPC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.accounts import Operation
from pullgrant.sandbox.google.callers import Caller
from pullgrant.sandbox.google.desk import Desk, body_of
from pullgrant.sandbox.google.refusal import Json

_HOST = r"iam\.googleapis\.com"
_PROJECT = r"/v1/(?P<name>projects/[^/:]+)/serviceAccounts"
_ACCOUNT = r"/v1/(?P<name>projects/[^/:]+/serviceAccounts/[^/:]+)"
_POLICY = r"/v1/(?P<resource>projects/[^/:]+/serviceAccounts/[^/:]+)"
_KEYS = _ACCOUNT + "/keys"
_KEY = r"/v1/(?P<name>projects/[^/:]+/serviceAccounts/[^/:]+/keys/[^/:]+)"


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a method looks in REST: verb, path, and the fields of its body and query."""

    method: str
    path: str
    body: tuple[str, ...] = ()
    query: tuple[str, ...] = ()


_SHAPES: dict[str, _Shape] = {
    "CreateServiceAccount": _Shape("POST", _PROJECT, ("accountId", "serviceAccount")),
    "ListServiceAccounts": _Shape("GET", _PROJECT, (), ("pageSize", "pageToken")),
    "GetServiceAccount": _Shape("GET", _ACCOUNT),
    "PatchServiceAccount": _Shape("PATCH", _ACCOUNT, ("serviceAccount", "updateMask")),
    "DeleteServiceAccount": _Shape("DELETE", _ACCOUNT),
    "DisableServiceAccount": _Shape("POST", _ACCOUNT + ":disable"),
    "EnableServiceAccount": _Shape("POST", _ACCOUNT + ":enable"),
    "UndeleteServiceAccount": _Shape("POST", _ACCOUNT + ":undelete"),
    "GetIamPolicy": _Shape("POST", _POLICY + ":getIamPolicy", (), ("options.requestedPolicyVersion",)),
    "SetIamPolicy": _Shape("POST", _POLICY + ":setIamPolicy", ("policy", "updateMask")),
    "TestIamPermissions": _Shape("POST", _POLICY + ":testIamPermissions", ("permissions",)),
    "CreateServiceAccountKey": _Shape("POST", _KEYS, ("privateKeyType", "keyAlgorithm")),
    "ListServiceAccountKeys": _Shape("GET", _KEYS, (), ("keyTypes",)),
    "GetServiceAccountKey": _Shape("GET", _KEY, (), ("publicKeyType",)),
    "DeleteServiceAccountKey": _Shape("DELETE", _KEY),
    "DisableServiceAccountKey": _Shape(
        "POST", _KEY + ":disable", ("serviceAccountKeyDisableReason", "extendedStatusMessage")
    ),
    "EnableServiceAccountKey": _Shape("POST", _KEY + ":enable"),
}


def routes(desk: Desk, operations: Mapping[str, Operation]) -> Sequence[Route]:
    """Return one route for each operation."""
    return [_route(desk, name, _SHAPES[name], operation) for name, operation in operations.items()]


def _route(desk: Desk, name: str, shape: _Shape, operation: Operation) -> Route:
    def handle(caller: Caller, request: Request, match: re.Match[str]) -> Json:
        return operation(caller, {**body_of(request, shape.body), **_asked(request, shape.query), **match.groupdict()})

    return route(f"iam.{name}", shape.method, _HOST, shape.path, desk.endpoint(handle))


def _asked(request: Request, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the query in the form that the messages have."""
    found: dict[str, Any] = {}
    for name in names:
        if name not in request.query:
            continue
        if name == "options.requestedPolicyVersion":
            found["options"] = {"requestedPolicyVersion": request.one(name)}
        else:
            found[name] = list(request.query[name]) if name == "keyTypes" else request.one(name)
    return found
