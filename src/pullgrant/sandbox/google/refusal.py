"""How Google's APIs say no: one exception, the google.rpc.Status shape, and the sentences that clients rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from pullgrant.sandbox.exchange import Response

Json: TypeAlias = dict[str, Any]

# google.rpc.Code and its HTTP mapping (googleapis/googleapis google/rpc/code.proto).
HTTP_CODES = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
_STORAGE_REASONS = {400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 412: "conditionNotMet"}


class Refusal(Exception):
    """A call that is answered with an error; `status` is a name of google.rpc.Code."""

    def __init__(self, status: str, message: str, details: Sequence[Json] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = list(details)

    @property
    def code(self) -> int:
        """The HTTP status."""
        return HTTP_CODES[self.status]

    def response(self) -> Response:
        """Return the answer of all APIs but Cloud Storage."""
        error: Json = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return Response(status=self.code, json={"error": error}, headers={"content-type": "application/json; charset=UTF-8"})

    def storage_response(self) -> Response:
        """Return the answer in the older shape of Cloud Storage, which answers a lost etag with 412."""
        code = 412 if self.status == "ABORTED" else self.code
        message = "Precondition Failed" if code == 412 else self.message
        reason: Json = {"message": message, "domain": "global", "reason": _STORAGE_REASONS.get(code, "backendError")}
        if code == 412:
            reason |= {"locationType": "header", "location": "If-Match"}
        return Response(status=code, json={"error": {"code": code, "message": message, "errors": [reason]}})


def error_info(reason: str, domain: str, **metadata: str) -> Json:
    """Return a google.rpc.ErrorInfo detail."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain, "metadata": metadata}


def invalid(message: str) -> Refusal:
    """Return the refusal of a malformed argument."""
    return Refusal("INVALID_ARGUMENT", message)


def not_found(message: str = "Requested entity was not found.") -> Refusal:
    """Return the refusal of something that is not there."""
    return Refusal("NOT_FOUND", message)


def denied(permission: str, *, resource: str = "", domain: str = "iam.googleapis.com") -> Refusal:
    """Return the refusal of a caller that lacks a permission; it reads the same when the resource does not exist."""
    on = f"resource '{resource}'" if resource else "resource"
    info = error_info("IAM_PERMISSION_DENIED", domain, permission=permission, **({"resource": resource} if resource else {}))
    return Refusal("PERMISSION_DENIED", f"Permission '{permission}' denied on {on} (or it may not exist).", [info])


def unauthenticated(reason: str) -> Refusal:
    """Return the 401 of an absent or unusable bearer token."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return Refusal("UNAUTHENTICATED", message, [error_info(reason, "googleapis.com")])


def service_disabled(title: str, service: str, number: str) -> Refusal:
    """Return the 403 of a project in which an API is not enabled."""
    page = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
    message = (
        f"{title} has not been used in project {number} before or it is disabled. Enable it by visiting {page} then retry. "
        "If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
    )
    link = {
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [{"description": "Google developers console API activation", "url": page}],
    }
    info = error_info("SERVICE_DISABLED", "googleapis.com", service=service, consumer=f"projects/{number}")
    return Refusal("PERMISSION_DENIED", message, [link, info])
