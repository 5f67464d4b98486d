"""What Azure's refusals mean: answers of Microsoft Graph and Resource Manager become the errors of this project.

Decided on status and code; on the text only where Azure gives nothing else. Sources of codes and texts:
hashicorp/terraform-provider-azuread service_principal_resource.go; azure-cli command_modules/role/custom.py;
hashicorp/vault-plugin-secrets-azure client.go; OfficeDev/microsoft-365-agents-toolkit#10998; aka.ms/docs-principaltype;
openshift/cloud-credential-operator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
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
from pullgrant.kit.redact import redact

SIGN_IN = "az login"
OTHER_WAY = "Give --method token: a token of the registry itself, which needs no rights in the directory."
PASSWORDLESS = "Give --method token: a token of the registry itself, to which the policy on applications does not apply."
GRAPH_RIGHT = (
    "You need the directory role Application Developer, or, as a program, the Graph permission "
    f"Application.ReadWrite.OwnedBy. {OTHER_WAY}"
)
LATER = "Run the same command again in a while."
_SOME_SECONDS = 2.0
_DEEPEST = 20  # errors in errors in errors


class AlreadyThere(Refused):
    """The same thing exists under another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call in words for people. `right` is the hint for an operator who may not make it.

    `young`: what the call names was made a moment ago, so that "not found" means "not seen yet".
    """

    doing: str
    right: str = ""
    changes: bool = False
    young: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal as it came: its codes are the outer one and those of its details. `retry_after` is in seconds."""

    status: int
    message: str = ""
    codes: tuple[str, ...] = ()
    retry_after: float | None = None


@contextmanager
def translated(step: Step) -> Iterator[None]:
    """Turn the errors of azure-core into ours; what a changing call did stays unknown when its answer was lost."""
    from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

    try:
        yield
    except HttpResponseError as error:
        raise classify(_said(error), step) from None
    except ServiceRequestError as error:
        if not _was_sent(error.inner_exception):
            raise Unavailable(f"could not {step.doing}: no connection ({type(error).__name__})", hint=LATER) from None
        raise lost(step, f"no whole answer ({type(error).__name__})") from None
    except ValueError as error:  # a yes in a body that the SDK cannot read
        raise lost(step, f"half an answer ({type(error).__name__})") from None
    except AzureError as error:  # the answer was lost on its way: ServiceResponseError and its like
        raise lost(step, f"no whole answer ({type(error).__name__})") from None


def said(status: int, body: bytes, headers: dict[str, str]) -> Said:
    """Return the refusal in an answer; `headers` have lower-case names."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    error = error if isinstance(error, dict) else {}
    details = [one for one in error.get("details") or () if isinstance(one, dict)]
    after = headers.get("retry-after", "")
    return Said(
        status=status,
        message=str(error.get("message") or ""),
        codes=tuple(str(one["code"]) for one in (error, *details) if one.get("code")),
        retry_after=float(after) if after.isascii() and after.isdigit() else None,
    )


def classify(answer: Said, step: Step) -> PullgrantError:
    """Return the error that a refusal of this step is."""
    words = f"could not {step.doing}: {redact(answer.message) or f'status {answer.status}'}"
    return (
        _about_time(answer, step, words)
        or _about_policies(answer, words)
        or _about_limits(answer, words)
        or _about_the_operator(answer, step, words)
        or _about_the_thing(answer, words)
        or _about_the_service(step, words)
    )


def _about_time(answer: Said, step: Step, words: str) -> PullgrantError | None:
    """Something was made and is not seen everywhere yet."""
    unseen = (
        {"NoBackingApplicationObject", "PrincipalNotFound"} & set(answer.codes)
        # Some tenants leave out the details; the second is spelt as Graph spells it.
        or (answer.status == 400 and "does not reference a valid application object" in answer.message)
        or (answer.status == 403 and "must in the local tenant" in answer.message)
        or (answer.status == 404 and step.young)
    )
    if not unseen:
        return None
    return NotVisibleYet(
        words, hint="What was just made needs some minutes to be seen everywhere; run the same command again."
    )


def _about_policies(answer: Said, words: str) -> PullgrantError | None:
    if "CredentialInvalidLifetimeAsPerAppPolicy" in answer.codes:
        return PolicyForbids(
            words, hint="The tenant limits the life of passwords: give a shorter --expires-in, such as 30d."
        )
    if "CredentialTypeNotAllowedAsPerAppPolicy" in answer.codes:
        return PolicyForbids(f"{words} (the tenant forbids passwords of applications)", hint=PASSWORDLESS)
    if "RequestDisallowedByPolicy" in answer.codes:
        return PolicyForbids(words, hint="Ask the administrator of the subscription for an exemption from this policy.")
    if answer.status == 400 and "serviceManagementReference" in answer.message.replace("ServiceM", "serviceM"):
        return PolicyForbids(
            words,
            hint="The tenant asks for a service management reference: make the application with `az ad sp create-for-rbac "
            "--service-management-reference`, then give --adopt.",
        )
    return None


def _about_limits(answer: Said, words: str) -> PullgrantError | None:
    if answer.status == 429:
        return RateLimited(words, retry_after=answer.retry_after or _SOME_SECONDS, hint=LATER)
    if "size of the object has exceeded its limit" in answer.message:
        return QuotaReached(
            words, hint="The application has too many passwords: `pullgrant rotate` ends those that are over."
        )
    if "Directory_QuotaExceeded" in answer.codes:
        return QuotaReached(words, hint="Delete applications that are no longer used, and purge the deleted ones.")
    if "RoleAssignmentLimitExceeded" in answer.codes:
        return QuotaReached(words, hint="The subscription has no role assignment left: delete some that are no longer used.")
    return None


def _about_the_operator(answer: Said, step: Step, words: str) -> PullgrantError | None:
    if answer.status == 401:
        return NotSignedIn(f"Azure does not accept your sign-in: {words}", hint=f"Sign in again: {SIGN_IN}")
    if answer.status == 403:
        return PermissionDenied(words, hint=step.right)
    return None


def _about_the_thing(answer: Said, words: str) -> PullgrantError | None:
    if "RoleAssignmentExists" in answer.codes:
        return AlreadyThere(words)
    if "RoleAssignmentUpdateNotPermitted" in answer.codes:
        return Refused(words, hint="Another role assignment has the name that ours would have: delete it, then run again.")
    if "ScopeLocked" in answer.codes:
        return Refused(words, hint="A lock on the registry or its resource group forbids it: ask its owner.")
    if "ObjectConflict" in answer.codes or "same value for property uniqueName" in answer.message:
        return Refused(
            words,
            hint="An application deleted in the last 30 days may hold the name: purge it, or give another --reader.",
        )
    if answer.status == 404:
        return NotFound(words, hint="Check the names of the registry and the resource group, and --subscription.")
    if answer.status in (409, 412):
        return Unavailable(words, hint=LATER)
    ended_badly = answer.status < 300 and answer.codes  # a long operation that was accepted, then failed
    if answer.status == 400 or 404 < answer.status < 500 or ended_badly:
        return Refused(words, hint="Azure gives no further reason.")
    return None


def _about_the_service(step: Step, words: str) -> PullgrantError:
    """The service failed, or said yes in a body that nobody can read: either way a changing call may have had its effect."""
    kind = OutcomeUnknown if step.changes else Unavailable
    return kind(words, hint=LATER)


def lost(step: Step, how: str) -> PullgrantError:
    """Return the error of a call whose answer did not come."""
    kind = OutcomeUnknown if step.changes else Unavailable
    return kind(f"could not {step.doing}: {how}", hint=LATER)


def _was_sent(error: BaseException | None) -> bool:
    """Say whether a request may have gone out.

    azure-core calls every error of a connection "request error", and requests one behind a proxy "unable to connect", be
    it that the answer was cut off: only what failed before there was a connection is known to have sent nothing.
    """
    from ssl import SSLCertVerificationError

    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    todo, seen = [error], 0
    while todo and seen < _DEEPEST:
        one, seen = todo.pop(), seen + 1
        if isinstance(one, ConnectTimeoutError | NewConnectionError | SSLCertVerificationError):
            return False
        if one is not None:
            todo += [arg for arg in (*one.args, getattr(one, "reason", None)) if isinstance(arg, BaseException)]
    return True


def _said(error: Any) -> Said:
    response = error.response
    if response is None:  # a poller that gave up: azure-core keeps no answer
        return Said(status=int(error.status_code or 0), message=str(error.message))
    body = response.body() if callable(getattr(response, "body", None)) else response.content
    headers = {name.lower(): value for name, value in response.headers.items()}
    found = said(response.status_code, body or b"", headers)
    code = getattr(getattr(error, "error", None), "code", "") or ""
    return found if found.codes or not code else Said(status=found.status, message=str(error.message), codes=(code,))
