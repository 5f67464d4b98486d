"""How AWS says no: one exception, and its two shapes, XML for the query protocol and JSON 1.1.

Codes and statuses: docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html; JSON services answer all of these with 400.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Shape: TypeAlias = Literal["query", "json"]

_STALE = "The security token included in the request is invalid"
_EXPIRED = "The security token included in the request is expired"
_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)


class Refusal(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def denied(shape: Shape, words: str) -> Refusal:
    """Return the refusal of a caller that lacks a right."""
    return _either(shape, ("AccessDenied", 403), "AccessDeniedException", words)


def unknown_key(shape: Shape) -> Refusal:
    """Return the refusal of a key or session that is not there, not yet seen, or inactive."""
    return _either(shape, ("InvalidClientTokenId", 403), "UnrecognizedClientException", f"{_STALE}.")


def expired_session(shape: Shape) -> Refusal:
    """Return the refusal of a session that has ended."""
    return _either(shape, ("ExpiredToken", 403), "ExpiredTokenException", _EXPIRED)


def unsigned(shape: Shape) -> Refusal:
    """Return the refusal of a request without a signature."""
    words = "Request is missing Authentication Token" if shape == "query" else "Missing Authentication Token"
    return _either(shape, ("MissingAuthenticationToken", 403), "MissingAuthenticationTokenException", words)


def half_signed(shape: Shape) -> Refusal:
    """Return the refusal of an Authorization header that cannot be read."""
    words = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters."
    return _either(shape, ("IncompleteSignature", 400), "IncompleteSignatureException", words)


def wrong_signature(shape: Shape, words: str = _SIGNATURE) -> Refusal:
    """Return the refusal of a signature that was made with another secret, for another region or too long ago."""
    return _either(shape, ("SignatureDoesNotMatch", 403), "InvalidSignatureException", words)


def throttled(shape: Shape) -> Refusal:
    """Return the refusal of a caller that asks too often."""
    return _either(shape, ("Throttling", 400), "ThrottlingException", "Rate exceeded")


def unreadable(shape: Shape) -> Refusal:
    """Return the refusal of a body that is not of the protocol."""
    return _either(shape, ("MalformedInput", 400), "SerializationException", "The body cannot be read.")


def unknown_operation(shape: Shape, operation: str) -> Refusal:
    """Return the refusal of an operation that a service does not have."""
    return _either(
        shape,
        ("InvalidAction", 400),
        "UnknownOperationException",
        f"Could not find operation {operation or '(none)'}.",
    )


def _either(shape: Shape, query: tuple[str, int], json: str, words: str) -> Refusal:
    return Refusal(query[0], words, query[1]) if shape == "query" else Refusal(json, words)
