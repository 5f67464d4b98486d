"""What AWS's refusals mean: an error code, and what was being done, become the errors of this project.

Codes: docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, docs.aws.amazon.com/AmazonECR/latest/userguide/
common-errors.html and the API models of iam-2010-05-08, sts-2011-06-15 and ecr-2015-09-21. On a text only where the code
says nothing else, as ministryofjustice/cloud-platform#7245 records the texts of AccessDenied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    UsageError,
)
from pullgrant.kit.redact import redact

AGAIN = "Run the same command again in a while."
_UNKNOWN_KEY = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"})
_BAD_SIGN_IN = _UNKNOWN_KEY | {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
}
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
_ABSENT = frozenset({"NoSuchEntity", "RepositoryNotFoundException", "ImageNotFoundException", "RegistryNotFoundException"})
_FULL = frozenset({"LimitExceeded", "LimitExceededException"})


class AlreadyThere(Refused):
    """Something with this name exists already; whose it is remains to be seen."""


class NoPolicy(NotFound):
    """A repository has no policy of its own."""


class Conflict(Unavailable):
    """The same thing was changed by another at the same time."""


class UnknownPrincipal(NotVisibleYet):
    """A repository's policy names a principal that is not there, or not seen yet."""


class TooLong(Refused):
    """A session was asked for that is longer than the role, or a session that asks for it, may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call in words for people, and what it needs.

    `action` is what a policy must allow, on `resource`. `makes`: a repeat would make a second one. `as_reader`: the call is
    made as the new reader, so that an unknown key means that it is not seen yet.
    """

    doing: str
    action: str
    resource: str = "*"
    region: str = ""
    makes: bool = False
    as_reader: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal as it came. `status` is 0 when no answer came at all."""

    code: str
    message: str
    status: int


def classify(said: Said, step: Step) -> PullgrantError:
    """Return the error that a refusal of this step is."""
    words = f"could not {step.doing}: {redact(said.message) or said.code or f'status {said.status}'}"
    return (
        _about_the_caller(said, step, words)
        or _about_rights(said, step, words)
        or _about_the_thing(said, words)
        or _about_policies(said, words)
        or _about_the_service(said, step, words)
    )


def no_answer(step: Step, why: str) -> PullgrantError:
    """Return the error of a call that was sent and not answered whole; `why` is the kind of failure."""
    kind = OutcomeUnknown if step.makes else Unavailable
    return kind(f"could not {step.doing}: no whole answer came ({why})", hint=AGAIN)


def _about_the_caller(said: Said, step: Step, words: str) -> PullgrantError | None:
    if said.code in _UNKNOWN_KEY and step.as_reader:
        return NotVisibleYet(words, hint="A new key or session needs some seconds to be seen. " + AGAIN)
    if said.code in _BAD_SIGN_IN:
        where = f" (or {step.region} is not enabled for your account)" if said.code in _UNKNOWN_KEY and step.region else ""
        return NotSignedIn(f"AWS does not accept your sign-in{where}: {words}", hint=SIGN_IN)
    if said.code == "RegionDisabledException":
        return UsageError(f"{step.region or 'the region'} is not enabled for STS in your account", hint="Enable the region.")
    return None


def _about_rights(said: Said, step: Step, words: str) -> PullgrantError | None:
    if said.code in _THROTTLED or said.status == 429:
        return RateLimited(words, hint=AGAIN)
    if said.code not in _DENIED:
        return None
    if "service control policy" in said.message or "permissions boundary" in said.message:
        return PolicyForbids(words, hint="Ask the administrator of your AWS organization for an exception.")
    if step.as_reader:
        return PermissionDenied(words, hint="The reader lacks this right: run its bootstrap command again, which grants it.")
    return PermissionDenied(
        words, hint=f'Your sign-in needs {{"Effect": "Allow", "Action": "{step.action}", "Resource": "{step.resource}"}}.'
    )


def _about_the_thing(said: Said, words: str) -> PullgrantError | None:
    if said.code == "RepositoryPolicyNotFoundException":
        return NoPolicy(words)
    if said.code in _ABSENT:
        return NotFound(words, hint="Check its name, the region and the account.")
    if said.code == "EntityAlreadyExists":
        return AlreadyThere(words)
    if said.code in ("ConcurrentModification", "EntityTemporarilyUnmodifiable"):
        return Conflict(words, hint=AGAIN)
    if said.code == "DeleteConflict":
        return Refused(words, hint="Something was attached to it that is not ours: take that off, then run it again.")
    if said.code in _FULL:
        return QuotaReached(words, hint="Delete what is no longer used, or give fewer --repository names.")
    return None


def _about_policies(said: Said, words: str) -> PullgrantError | None:
    """AWS gives nothing but a text here: moto's and AWS's wording agree on these parts."""
    if said.code == "InvalidParameterException" and "Invalid repository policy" in said.message:
        return UnknownPrincipal(words, hint=AGAIN)
    if said.code == "MalformedPolicyDocument" and re.search("invalid principal", said.message, re.IGNORECASE):
        return Refused(words, hint="Check the ARNs of --trust: each must exist.")
    if said.code == "ValidationError" and re.search("DurationSeconds|role chaining", said.message):
        return TooLong(words)
    return None


def _about_the_service(said: Said, step: Step, words: str) -> PullgrantError:
    if said.status == 0 or said.status >= 500 or said.code in ("ServiceFailure", "InternalFailure", "ServerException"):
        kind = OutcomeUnknown if step.makes else Unavailable
        return kind(words, hint=AGAIN)
    return Refused(words, hint=f"AWS says {said.code or said.status} and gives no further reason.")


SIGN_IN = (
    "Sign in: aws sso login, or aws configure, or set AWS_PROFILE or AWS_ACCESS_KEY_ID. "
    "To try pullgrant without an account: invoke sandbox ecr.bootstrap --region us-east-1 --repository team/app"
)
