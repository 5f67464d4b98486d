"""What Google's refusals mean: gRPC and REST answers become the errors of this project.

Decided on status, code and the types of a PreconditionFailure; on the text only where Google gives nothing else. The sources
of the texts: docs.cloud.google.com/iam/docs/troubleshoot-org-policies; hashicorp/terraform-provider-google
google/transport/error_retry_predicates.go; kubeflow/pipelines#348; googleapis/google-api-dotnet-client#2027.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import (
    NotFound,
    NotSignedIn,
    NotVisibleYet,
    OutcomeUnknown,
    PermissionDenied,
    PolicyForbids,
    PullgrantError,
    QuotaReached,
    RateLimited,
    Refused,
    Unavailable,
)
from pullgrant.kit.http import Reply
from pullgrant.kit.redact import redact

SIGN_IN = "gcloud auth application-default login"
KEYLESS = "Give --credential access-token: a token of the same reader that lives one hour and needs no key."
_A_MINUTE, _A_DAY = 60.0, 3600.0 * 12
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}


class Conflict(Unavailable):
    """A policy was changed by another between our read and our write: read it again."""


class AlreadyThere(Refused):
    """Something with this name exists already; whose it is remains to be seen."""


class ServiceDisabled(NotFound):
    """A service that the step needs is not enabled in the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call in words for people, and what it needs: a service, a permission, and a role that has the permission.

    The role is wanted on the project, or on the service account `account` alone where the call acts as it.
    """

    doing: str
    service: str
    project: str
    permission: str = ""
    role: str = ""
    account: str = ""
    changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal as it came, over gRPC or REST. `retry_after` is in seconds."""

    status: int
    code: str
    message: str
    reasons: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    retry_after: float | None = None


def said_by_rest(reply: Reply) -> Said:
    """Return the refusal in a REST answer; Storage has its own form, with reasons and without a code."""
    body = reply.json()
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    details = [detail for detail in error.get("details") or () if isinstance(detail, dict)]
    return Said(
        status=reply.status,
        code=str(error.get("status") or _CODES.get(reply.status, "")),
        message=str(error.get("message") or ""),
        reasons=_texts([*details, *(error.get("errors") or ())], "reason"),
        violations=_texts([each for detail in details for each in detail.get("violations") or ()], "type"),
        retry_after=reply.retry_after or _seconds(details),
    )


def said_by_grpc(error: Any) -> Said:
    """Return the refusal in a google.api_core.exceptions.GoogleAPICallError."""
    details = list(error.details or ())
    delays = [detail.retry_delay.seconds for detail in details if hasattr(detail, "retry_delay")]
    return Said(
        status=int(error.code or 0),
        code=error.grpc_status_code.name if error.grpc_status_code else "UNKNOWN",
        message=str(error.message or ""),
        reasons=(error.reason,) if error.reason else (),
        violations=tuple(
            each.type for detail in details for each in getattr(detail, "violations", ()) if hasattr(each, "type")
        ),
        retry_after=float(delays[0]) if delays else None,
    )


def classify(said: Said, step: Step) -> PullgrantError:
    """Return the error that a refusal of this step is."""
    words = f"could not {step.doing}: {redact(said.message) or f'status {said.status}'}"
    return (
        _about_the_operator(said, step, words)
        or _about_limits(said, words)
        or _about_preconditions(said, step, words)
        or _about_the_thing(said, step, words)
        or _about_the_service(said, step, words)
    )


def _about_the_operator(said: Said, step: Step, words: str) -> PullgrantError | None:
    if said.code == "UNAUTHENTICATED" or said.status == 401:
        return NotSignedIn(f"Google Cloud does not accept your sign-in: {words}", hint=f"Sign in again: {SIGN_IN}")
    # Discovery documents and ErrorInfo of the domain googleapis.com; accessNotConfigured is the form of the older APIs.
    if {"SERVICE_DISABLED", "accessNotConfigured"} & set(said.reasons):
        return service_disabled(step.service, step.project)
    if said.status == 403 and not _throttled(said):
        return PermissionDenied(f"{words}{_or_missing(said)}", hint=lacking(step))
    return None


def _about_limits(said: Said, words: str) -> PullgrantError | None:
    if not _throttled(said):
        return None
    if (
        "Maximum number of" in said.message or (said.retry_after or 0) >= _A_DAY
    ):  # 2018: RESOURCE_EXHAUSTED, RetryInfo 86401 s
        return QuotaReached(words, hint="Delete what is no longer used, then run again.")
    return RateLimited(
        words, retry_after=said.retry_after or _A_MINUTE, hint="Wait a minute, then run the same command again."
    )


def _about_preconditions(said: Said, step: Step, words: str) -> PullgrantError | None:
    if said.code != "FAILED_PRECONDITION" and "failedPrecondition" not in said.reasons:
        return None
    constraint = next((kind for kind in said.violations if kind.startswith("constraints/")), "")
    managed = re.search(r"constraints/iam\.managed\.\w+", said.message)
    if constraint or managed:
        return forbidden(constraint or (managed[0] if managed else ""), step.doing)
    if step.permission == "iam.serviceAccountKeys.create":  # the eleventh key has no detail of its own
        return QuotaReached(words, hint="The account has ten keys, or a policy forbids keys. " + KEYLESS)
    return Refused(words, hint="Google Cloud gives no further reason.")


def _about_the_thing(said: Said, step: Step, words: str) -> PullgrantError | None:
    if said.code == "ALREADY_EXISTS":
        return AlreadyThere(words)
    if said.status in (409, 412) or said.code == "ABORTED":
        return Conflict(words, hint="Another change of the same policy won each time; run the same command again.")
    if said.status == 400 and "Service account" in said.message and "does not exist" in said.message:
        return NotVisibleYet(
            words, hint="A new service account needs a minute or more to be seen; run the same command again."
        )
    if said.status == 404:
        return NotFound(words, hint=f"Check the name and the project {step.project}.")
    return None


def _about_the_service(said: Said, step: Step, words: str) -> PullgrantError:
    lost = said.status in (0, 408, 499) or (said.status >= 500 and said.status != 501)
    if not lost:
        return Refused(words, hint="Google Cloud gives no further reason.")
    kind = OutcomeUnknown if step.changes else Unavailable
    return kind(words, hint="Run the same command again in a while.")


def service_disabled(service: str, project: str) -> ServiceDisabled:
    """Return the error for a service that the project has not enabled, with the command that enables it."""
    return ServiceDisabled(
        f"the service {service} is not enabled in the project {project}",
        hint=f"Enable it: gcloud services enable {service} --project {project}",
    )


def forbidden(constraint: str, doing: str) -> PolicyForbids:
    """Return the error for a constraint of the organisation; keys have a way on, accounts have none."""
    name = constraint.removeprefix("constraints/")
    keyless = KEYLESS if "Key" in name else "Ask the administrator of the organisation for an exception for this project."
    return PolicyForbids(f"the organisation's policy {name} forbids to {doing}", hint=keyless)


def lacking(step: Step) -> str:
    """Return the command that gives the operator what a step needs."""
    if not step.role:
        return ""
    command = f"gcloud projects add-iam-policy-binding {step.project}"
    if step.account:
        command = f"gcloud iam service-accounts add-iam-policy-binding {step.account} --project {step.project}"
    member = '--member "user:$(gcloud config get-value account)"'
    return f"You need {step.permission}, which {step.role} has: {command} {member} --role {step.role}"


def tried(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call with its error as a result: what one look lacks shall not lose what the others saw."""

    def caught() -> Any:
        try:
            return call()
        except PullgrantError as error:
            return error

    return caught


def there(answer: Any) -> Any:
    """Return what `tried` gave, None for what does not exist. Raises any other error."""
    if isinstance(answer, NotFound):
        return None
    if isinstance(answer, PullgrantError):
        raise answer
    return answer


def _or_missing(said: Said) -> str:
    """A missing project answers "permission denied", not "not found": discovery document cloudresourcemanager.v3."""
    return "" if "may not exist" in said.message else " (forbidden, or it does not exist)"


def _throttled(said: Said) -> bool:
    per_minute = "Quota exceeded for quota metric" in said.message and "per minute" in said.message
    return said.status == 429 or said.code == "RESOURCE_EXHAUSTED" or (said.status == 403 and per_minute)


def _texts(parts: Iterable[Any], name: str) -> tuple[str, ...]:
    return tuple(str(part[name]) for part in parts if isinstance(part, Mapping) and part.get(name))


def _seconds(details: list[dict[str, Any]]) -> float | None:
    delay = next((str(detail["retryDelay"]) for detail in details if detail.get("retryDelay")), "")
    return float(delay[:-1]) if re.fullmatch(r"\d+(\.\d+)?s", delay) else None
