"""What Azure's refusals mean."""

import json
from typing import Any

import pytest

from pullgrant import errors
from pullgrant.providers.azure.answers import AlreadyThere, Step, classify, said, translated

READ = Step(doing="look", right="You need a role.")
CHANGE = Step(doing="make it", right="You need a role.", changes=True)
YOUNG = Step(doing="make it", right="You need a role.", changes=True, young=True)
NO_APPLICATION = "The appId 'x' of the service principal does not reference a valid application object."
NOT_LOCAL = (
    "When using this permission, the backing application of the service principal being created must in the local tenant"
)


def answer(status: int, code: str = "", message: str = "", detail: str = "", **headers: str) -> Any:
    details = [{"code": detail, "message": message}] if detail else []
    body = {"error": {"code": code, "message": message, "details": details}}
    return said(status, json.dumps(body).encode(), headers)


@pytest.mark.parametrize(
    ("given", "step", "kind", "retried"),
    [
        (answer(400, "Request_BadRequest", NO_APPLICATION, "NoBackingApplicationObject"), YOUNG, errors.NotVisibleYet, True),
        (answer(400, "Request_BadRequest", NO_APPLICATION), YOUNG, errors.NotVisibleYet, True),
        (answer(403, "Authorization_RequestDenied", NOT_LOCAL), YOUNG, errors.NotVisibleYet, True),
        (answer(404, "Request_ResourceNotFound", "Resource 'x' does not exist"), YOUNG, errors.NotVisibleYet, True),
        (answer(409, "Directory_ConcurrencyViolation", "please retry"), CHANGE, errors.Unavailable, True),
        (
            answer(400, "PrincipalNotFound", "Principal x does not exist in the directory y."),
            CHANGE,
            errors.NotVisibleYet,
            True,
        ),
        (answer(409, "RoleAssignmentExists", "The role assignment already exists."), CHANGE, AlreadyThere, False),
        (
            answer(400, "CredentialInvalidLifetimeAsPerAppPolicy", "m", "InvalidKeyEndDate"),
            YOUNG,
            errors.PolicyForbids,
            False,
        ),
        (answer(400, "CredentialTypeNotAllowedAsPerAppPolicy", "m"), YOUNG, errors.PolicyForbids, False),
        (answer(403, "Authorization_RequestDenied", "Insufficient privileges"), YOUNG, errors.PermissionDenied, False),
        (answer(403, "AuthorizationFailed", "does not have authorization"), CHANGE, errors.PermissionDenied, False),
        (answer(403, "RequestDisallowedByPolicy", "m"), CHANGE, errors.PolicyForbids, False),
        (
            answer(400, "Request_BadRequest", "The size of the object has exceeded its limit."),
            YOUNG,
            errors.QuotaReached,
            False,
        ),
        (answer(403, "Directory_QuotaExceeded", "quota"), CHANGE, errors.QuotaReached, False),
        (answer(400, "RoleAssignmentLimitExceeded", "No more role assignments"), CHANGE, errors.QuotaReached, False),
        (answer(400, "Request_BadRequest", "x", "ObjectConflict"), CHANGE, errors.Refused, False),
        (answer(400, "B", "ServiceManagementReference field is required for Create"), CHANGE, errors.PolicyForbids, False),
        (answer(409, "ScopeLocked", "m"), CHANGE, errors.Refused, False),
        (answer(409, "RoleAssignmentUpdateNotPermitted", "m"), CHANGE, errors.Refused, False),
        (answer(404, "ResourceNotFound", "m"), CHANGE, errors.NotFound, False),
        (answer(401, "InvalidAuthenticationToken", "m"), READ, errors.NotSignedIn, False),
        (answer(429, "TooManyRequests", "m"), CHANGE, errors.RateLimited, True),
        (answer(500, "InternalServerError", "m"), READ, errors.Unavailable, True),
        (answer(503, "ServiceUnavailable", "m"), CHANGE, errors.OutcomeUnknown, False),
        (answer(200), CHANGE, errors.OutcomeUnknown, False),
        (answer(200, "Conflict", "the operation failed"), CHANGE, errors.Refused, False),
        (answer(400, "Request_BadRequest", "Invalid property"), CHANGE, errors.Refused, False),
    ],
)
def test_classes(given: Any, step: Step, kind: type[errors.PullgrantError], retried: bool) -> None:
    """If it failed, a lasting refusal would be waited for, or something that settles would be given up."""
    error = classify(given, step)
    assert type(error) is kind
    assert error.retryable is retried


def test_ways_on() -> None:
    """If it failed, a user whom a policy or a lacking right stops would not hear of the other method."""
    from pullgrant.providers.azure.answers import GRAPH_RIGHT

    forbidden = classify(answer(400, "CredentialTypeNotAllowedAsPerAppPolicy", "m"), YOUNG)
    denied = classify(answer(403, "Authorization_RequestDenied", "m"), Step(doing="x", right=GRAPH_RIGHT))
    short = classify(answer(400, "CredentialInvalidLifetimeAsPerAppPolicy", "m"), YOUNG)
    assert ["--method token" in one.hint for one in (forbidden, denied)] == [True, True]
    assert "--expires-in" in short.hint


def test_retry_after_is_obeyed() -> None:
    """If it failed, a throttled caller would come back too early, and be throttled longer."""
    asked = classify(answer(429, "x", "m", **{"retry-after": "17"}), READ)
    silent = classify(answer(429, "x", "m", **{"retry-after": "soon"}), READ)
    assert isinstance(asked, errors.RateLimited)
    assert isinstance(silent, errors.RateLimited)
    assert (asked.retry_after, silent.retry_after) == (17.0, 2.0)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "text"}', b'{"error": {"details": "x"}}', b"\xff"])
def test_odd_bodies(body: bytes) -> None:
    """If it failed, a proxy's error page would end in a traceback instead of a sentence."""
    assert "status 502" in str(classify(said(502, body, {}), READ))


def test_secrets_in_a_refusal_are_masked() -> None:
    """If it failed, a token that a service repeats in its error would reach the user's log."""
    error = classify(answer(400, "x", "bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"), CHANGE)
    assert "eyJhbGci" not in str(error)


def test_lost_answers() -> None:
    """If it failed, a create call whose answer was lost would be repeated blindly."""
    from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseTimeoutError
    from requests.exceptions import ProxyError
    from urllib3.exceptions import NewConnectionError, ProtocolError
    from urllib3.exceptions import ProxyError as InnerProxyError

    unreached = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    by_proxy = ProxyError(InnerProxyError("Unable to connect to proxy", unreached))
    cut = ProxyError(InnerProxyError("Unable to connect to proxy", ProtocolError("closed without response")))
    cases = [
        (ServiceRequestError("no route", error=unreached), CHANGE, errors.Unavailable),
        (ServiceRequestError("no proxy", error=by_proxy), CHANGE, errors.Unavailable),
        (ServiceRequestError("cut", error=cut), CHANGE, errors.OutcomeUnknown),
        (ServiceRequestError("cut", error=cut), READ, errors.Unavailable),
        (ValueError("no JSON"), CHANGE, errors.OutcomeUnknown),
        (ServiceResponseTimeoutError("silence"), CHANGE, errors.OutcomeUnknown),
        (ServiceResponseTimeoutError("silence"), READ, errors.Unavailable),
        (IncompleteReadError("half"), CHANGE, errors.OutcomeUnknown),
    ]
    for raised, step, kind in cases:
        with pytest.raises(errors.Unavailable) as caught, translated(step):
            raise raised
        assert type(caught.value) is kind
        assert caught.value.__cause__ is None
