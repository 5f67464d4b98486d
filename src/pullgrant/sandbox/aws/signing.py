"""Checks Signature Version 4 with botocore's own signer: the caller holds the secret, for this host, service and day.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html. The time of a signature is judged by the
machine's clock, not by the world's: clients know no other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pullgrant.sandbox.aws.calls import AwsCall
from pullgrant.sandbox.aws.refusal import half_signed, unsigned, wrong_signature
from pullgrant.sandbox.exchange import Request

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/\s,]+)/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z-]+)/aws4_request"
    r", ?SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_SKEW = timedelta(minutes=5)
_TIME = "%Y%m%dT%H%M%SZ"
_NEEDED = frozenset({"host", "x-amz-date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What an Authorization header says."""

    key_id: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str


def read(call: AwsCall) -> Signature:
    """Return the signature of a call. Raises Refusal when there is none, or when it cannot be read."""
    header = call.request.headers.get("authorization", "")
    if not header:
        raise unsigned(call.shape)
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        raise half_signed(call.shape)
    return Signature(
        key_id=found["key"],
        day=found["day"],
        region=found["region"],
        service=found["service"],
        headers=tuple(found["headers"].split(";")),
        value=found["signature"],
    )


def check(call: AwsCall, signature: Signature, secret: str) -> None:
    """Raise Refusal unless the signature was made with the secret, for this service and region, now and for this body."""
    request = call.request
    if not _NEEDED.issubset(signature.headers):
        raise half_signed(call.shape)
    # An endpoint override signs IAM for the client's own region.
    elsewhere = signature.region != call.region and not call.direct
    if signature.service != call.service or elsewhere:
        scoped = f"Credential should be scoped to a valid region, not '{signature.region}'."
        raise wrong_signature(call.shape, scoped)
    _check_time(call, signature)
    body = request.headers.get("x-amz-content-sha256", "")
    if body not in ("", "UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()):
        raise wrong_signature(call.shape)
    if not hmac.compare_digest(_made_with(request, signature, secret), signature.value):
        raise wrong_signature(call.shape)


def _check_time(call: AwsCall, signature: Signature) -> None:
    stamp, now = call.request.headers.get("x-amz-date", ""), datetime.now(UTC)
    try:
        made_at = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise half_signed(call.shape) from None
    if not stamp.startswith(signature.day) or not -_SKEW <= now - made_at <= _SKEW:
        limit = now - _SKEW
        raise wrong_signature(
            call.shape, f"Signature expired: {stamp} is now earlier than {limit:{_TIME}} ({now:{_TIME}} - 5 min.)"
        )


def _made_with(request: Request, signature: Signature, secret: str) -> str:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    query = urlencode([(name, each) for name, values in request.query.items() for each in values])
    url = f"https://{request.host}{request.path}" + (f"?{query}" if query else "")
    headers = {name: request.headers.get(name, "") for name in signature.headers}
    again: Any = AWSRequest(method=request.method, url=url, headers=headers, data=request.body)
    again.context["timestamp"] = request.headers.get("x-amz-date", "")
    auth: Any = SigV4Auth(Credentials(signature.key_id, secret), signature.service, signature.region)
    return str(auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again))
