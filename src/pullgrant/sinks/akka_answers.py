"""What the words of a command line that failed mean: it has one exit status for everything.

It prints what its gRPC library made of an answer (grpc/grpc doc/http-grpc-status-mapping.md), as in
lightbend/kalix-jvm-sdk#79; nobody signed in may hide in a code of another name, as in akka/akka-sdk#397.
"""

from __future__ import annotations

import re

from pullgrant.errors import NotSignedIn, OutcomeUnknown, PullgrantError, RateLimited, SinkFailed, Unavailable

_SIGNED_OUT = re.compile(r"\bUnauthenticated\b|not logged in|REFRESH_TOKEN_NOT_FOUND|\bauth login\b")
_THROTTLED = re.compile(r"code = ResourceExhausted\b|HTTP status code 429\b")
_UNREACHED = re.compile(r"connection refused|no such host|network is unreachable|TLS handshake timeout")
_DOWN = re.compile(
    r"code = (?:Unavailable|DeadlineExceeded|Aborted|Canceled)\b|context deadline exceeded|HTTP status code 5\d\d\b"
    r"|i/o timeout|connection reset by peer|unexpected EOF|: EOF$"
)
_AGAIN = "Run the same command again in a while."


def refusal(program: str, doing: str, words: str, *, sign_in: str, changes: bool) -> PullgrantError:
    """Return the error that these words are; `words` are redacted already, `sign_in` says how one signs in.

    What was to change something, and may have done so before the answer was lost, is an OutcomeUnknown.
    """
    failed = f"{program} {doing} failed: {words}"
    if _SIGNED_OUT.search(words):
        return NotSignedIn(f"{program} is not signed in: {words}", hint=sign_in)
    if _THROTTLED.search(words):
        return RateLimited(failed, hint=_AGAIN)
    if _UNREACHED.search(words):
        return Unavailable(failed, hint=_AGAIN)
    if _DOWN.search(words):
        return OutcomeUnknown(failed) if changes else Unavailable(failed, hint=_AGAIN)
    return SinkFailed(failed)
