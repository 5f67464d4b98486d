"""What AWS's refusals become."""

from __future__ import annotations

import pytest

from pullgrant.errors import (
    NotFound,
    NotSignedIn,
    NotVisibleYet,
    OutcomeUnknown,
    PermissionDenied,
    PolicyForbids,
    QuotaReached,
    RateLimited,
    Refused,
    Unavailable,
    UsageError,
)
from pullgrant.providers.ecr.answers import (
    AlreadyThere,
    Conflict,
    NoPolicy,
    Said,
    Step,
    TooLong,
    UnknownPrincipal,
    classify,
    no_answer,
)

STEP = Step(doing="create the role r", action="iam:CreateRole", resource="arn:x", region="us-east-1")
DENIED = "User: arn:aws:iam::1:user/u is not authorized to perform: iam:CreateRole on resource: arn:x"


@pytest.mark.parametrize(
    ("code", "status", "message", "kind", "words"),
    [
        ("AccessDenied", 403, DENIED, PermissionDenied, '"Action": "iam:CreateRole", "Resource": "arn:x"'),
        ("AccessDeniedException", 400, DENIED, PermissionDenied, "not authorized to perform"),
        ("AccessDenied", 403, f"{DENIED} with an explicit deny in a service control policy", PolicyForbids, "administrator"),
        ("InvalidClientTokenId", 403, "The security token is invalid.", NotSignedIn, "us-east-1 is not enabled"),
        ("UnrecognizedClientException", 400, "invalid", NotSignedIn, "does not accept your sign-in"),
        ("ExpiredToken", 403, "expired", NotSignedIn, "aws sso login"),
        ("ExpiredTokenException", 400, "expired", NotSignedIn, "does not accept"),
        ("SignatureDoesNotMatch", 403, "no", NotSignedIn, "does not accept"),
        ("RegionDisabledException", 403, "STS is not activated", UsageError, "us-east-1 is not enabled"),
        ("Throttling", 400, "Rate exceeded", RateLimited, "in a while"),
        ("ThrottlingException", 400, "Rate exceeded", RateLimited, "Rate exceeded"),
        ("TooManyRequestsException", 429, "", RateLimited, "TooManyRequests"),
        ("NoSuchEntity", 404, "The role with name r cannot be found.", NotFound, "cannot be found"),
        ("RepositoryNotFoundException", 400, "does not exist", NotFound, "region"),
        ("RepositoryPolicyNotFoundException", 400, "does not exist", NoPolicy, "does not exist"),
        ("EntityAlreadyExists", 409, "exists", AlreadyThere, "exists"),
        ("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2", QuotaReached, "AccessKeysPerUser"),
        ("DeleteConflict", 409, "Cannot delete entity", Refused, "not ours"),
        ("ConcurrentModification", 409, "again", Conflict, "again"),
        ("InvalidParameterException", 400, "constraint: 'Invalid repository policy provided'", UnknownPrincipal, "policy"),
        ("MalformedPolicyDocument", 400, 'Invalid principal in policy: "AWS":"arn:y"', Refused, "--trust"),
        ("ValidationError", 400, "The requested DurationSeconds exceeds the MaxSessionDuration", TooLong, "Duration"),
        ("ValidationError", 400, "1 validation error detected", Refused, "ValidationError"),
        ("ServiceFailure", 500, "", Unavailable, "ServiceFailure"),
        ("", 502, "", Unavailable, "status 502"),
    ],
)  # fmt: skip
def test_a_refusal_is_the_error_that_it_is(code, status, message, kind, words):
    """A refusal would end with the wrong exit code, be repeated for ever, or leave the user alone."""
    error = classify(Said(code=code, message=message, status=status), STEP)
    assert (type(error), words in str(error), error.message.startswith("could not") or "could not" in error.message) in (
        (kind, True, True), (kind, True, False),
    )  # fmt: skip


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "UnrecognizedClientException"])
def test_a_new_key_is_not_the_operators_fault(code):
    """A key that IAM has not spread yet would send the operator to sign in again."""
    step = Step(doing="take a token", action="ecr:GetAuthorizationToken", as_reader=True)
    assert type(classify(Said(code=code, message="invalid", status=403), step)) is NotVisibleYet
    denied = classify(Said(code="AccessDeniedException", message="no", status=400), step)
    assert "bootstrap" in denied.hint


def test_a_create_whose_answer_was_lost_is_unknown():
    """A second key would be made because the first one's answer was lost."""
    making = Step(doing="create a key", action="iam:CreateAccessKey", makes=True)
    assert type(classify(Said(code="", message="", status=500), making)) is OutcomeUnknown
    assert (type(no_answer(making, "ReadTimeoutError")), type(no_answer(STEP, "ReadTimeoutError"))) == (
        OutcomeUnknown, Unavailable,
    )  # fmt: skip


def test_no_secret_comes_through_a_refusal():
    """AWS repeats the authorization header in the message of a bad signature."""
    told = "Authorization header Basic QVdTOmNhbmFyeS1jYW5hcnk= is wrong, X-Amz-Security-Token=canary-token"
    error = classify(Said(code="IncompleteSignature", message=told, status=400), STEP)
    assert ("QVdTOmNhbmFyeS1jYW5hcnk" in str(error), "canary-token" in str(error)) == (False, False)
