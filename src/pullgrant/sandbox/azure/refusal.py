"""How Azure says no: the error bodies of Microsoft Graph, Resource Manager and the sign-in, in their own words."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from pullgrant.sandbox.azure.basics import Json
from pullgrant.sandbox.exchange import Response


class Refusal(Exception):
    """A call that is answered with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status}")
        self.response = response


def graph(status: int, code: str, message: str, details: Sequence[Json] = (), **headers: str) -> Refusal:
    """Return a refusal of Microsoft Graph; azure-cli recording test_create_for_rbac_password_with_assignment."""
    error: Json = {"code": code, "message": message}
    if details:
        error["details"] = list(details)
    request_id = str(uuid.uuid4())
    error["innerError"] = {"date": _graph_date(), "request-id": request_id, "client-request-id": request_id}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(Response(status=status, json={"error": error}, headers={"request-id": request_id, **named}))


def graph_denied() -> Refusal:
    """Return the refusal of a caller that lacks rights in the directory."""
    return graph(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def graph_missing(value: str) -> Refusal:
    """Return the refusal of an object that is not there, or not yet."""
    words = f"Resource '{value}' does not exist or one of its queried reference-property objects are not present."
    return graph(404, "Request_ResourceNotFound", words)


def graph_bad(message: str, *, detail: str = "", target: str = "") -> Refusal:
    """Return the refusal of a malformed request."""
    details = [{"code": detail, "message": message, "target": target}] if detail else []
    return graph(400, "Request_BadRequest", message, details)


def arm(status: int, code: str, message: str, **headers: str) -> Refusal:
    """Return a refusal of Resource Manager."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request_id = {"x-ms-correlation-request-id": str(uuid.uuid4())}
    return Refusal(Response(status=status, json={"error": {"code": code, "message": message}}, headers=request_id | named))


def arm_denied(app_id: str, object_id: str, action: str, scope: str) -> Refusal:
    """Return the refusal of a caller that lacks an action at a scope; it reads the same when the scope does not exist."""
    return arm(
        403,
        "AuthorizationFailed",
        f"The client '{app_id}' with object id '{object_id}' does not have authorization to perform action '{action}' over "
        f"scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    )


def arm_missing(kind: str, name: str, group: str) -> Refusal:
    """Return the refusal of a resource that is not there."""
    return arm(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )


def sign_in(status: int, error: str, code: int, message: str, *, now: datetime, host: str) -> Refusal:
    """Return a refusal of the token endpoint: an AADSTS code and its sentence."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    at = f"{now:%Y-%m-%d %H:%M:%SZ}"
    words = f"AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
    body: Json = {"error": error, "error_description": words, "error_codes": [code], "timestamp": at, "trace_id": trace}
    body |= {"correlation_id": correlation, "error_uri": f"https://{host}/error?code={code}"}
    return Refusal(Response(status=status, json=body, headers={"cache-control": "no-store, no-cache", "pragma": "no-cache"}))


def _graph_date() -> str:
    return f"{datetime.now().astimezone():%Y-%m-%dT%H:%M:%S}"
