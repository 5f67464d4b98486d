"""Reads a request as a call of an AWS API, and writes its answer, in the query protocol or JSON 1.1."""

from __future__ import annotations

import json as jsonlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from pullgrant.sandbox.aws.addresses import api_host, home_of, partition_of
from pullgrant.sandbox.aws.refusal import Refusal, Shape
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.world import Fault

_TARGETS = {
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "SpencerFrontendService": "ecr-public",
    "secretsmanager": "secretsmanager",
}
_VERSIONS = {"2010-05-08": "iam", "2011-06-15": "sts"}
_JSON_SERVICES = frozenset(_TARGETS.values())
_NAME = re.compile(r"[A-Za-z]{1,64}", re.ASCII)
_SCOPE = re.compile(r"Credential=[^/\s,]+/\d{8}/(?P<region>[a-z0-9-]+)/[a-z-]+/aws4_request", re.ASCII)
_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCall:
    """One call.

    `operation` is empty when the request names none, `readable` false when its body is none of the service's protocol;
    `direct` when it came to 127.0.0.1 under no name of AWS.
    """

    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    request: Request
    direct: bool
    readable: bool = True

    @property
    def shape(self) -> Shape:
        """How the service speaks."""
        return "json" if self.service in _JSON_SERVICES else "query"

    @property
    def partition(self) -> str:
        """The partition of the region."""
        return partition_of(self.region)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts of the query protocol, `Name.member.1` and so on."""
        found: list[str] = []
        while isinstance(value := self.parameters.get(f"{name}.member.{len(found) + 1}"), str):
            found.append(value)
        return found

    def text(self, name: str) -> str:
        """Return a parameter that is a text, empty when it is missing."""
        value = self.parameters.get(name, "")
        return value if isinstance(value, str) else ""


def name_of(request: Request) -> str:
    """Return the kind of a call for log and faults: `ecr.GetAuthorizationToken`."""
    call = read(request)
    return f"{call.service or 'aws'}.{call.operation or 'unknown'}"


def read(request: Request) -> AwsCall:
    """Return the call that a request makes. What cannot be read is empty: the service then says no in its own shape."""
    target, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    parameters = _of_json(request) if target else _of_form(request)
    if not target:
        operation = str((parameters or {}).get("Action", ""))
    asked = _TARGETS.get(target, "") if target else _VERSIONS.get(str((parameters or {}).get("Version", "")), "")
    host = api_host(request.host)
    service = host.service if host else asked
    region = host.region if host else _signed_region(request, service)
    known = service and asked == service and _NAME.fullmatch(operation)
    return AwsCall(
        service=service,
        operation=operation if known else "",
        region=region,
        parameters=parameters or {},
        request=request,
        direct=host is None,
        readable=parameters is not None,
    )


def answer(call: AwsCall, result: Mapping[str, Any]) -> Response:
    """Return the answer of a call that succeeded."""
    if call.shape == "json":
        return _json(200, result)
    inner = f"<{call.operation}Result>{_xml(result)}</{call.operation}Result>"
    return _xml_document(200, call, f"{call.operation}Response", f"{inner}<ResponseMetadata>{_id()}</ResponseMetadata>")


def refuse(call: AwsCall, refusal: Refusal) -> Response:
    """Return the answer of a call that was refused."""
    if call.shape == "json":
        return _json(refusal.status, {"__type": refusal.code, "message": refusal.message})
    kind = "Sender" if refusal.status < 500 else "Receiver"
    error = _xml({"Error": {"Type": kind, "Code": refusal.code, "Message": refusal.message}})
    return _xml_document(refusal.status, call, "ErrorResponse", error + _id())


def planned(kind: str, refusal: Refusal, *, times: int = 1) -> Fault:
    """Return a fault that lets the next calls of a kind, `iam.CreateAccessKey`, be refused in their service's own shape."""
    service, _, operation = kind.partition(".")
    nothing = Request(method="POST", host="", path="/")
    call = AwsCall(service=service, operation=operation, region="", parameters={}, request=nothing, direct=True)
    refused = refuse(call, refusal)
    return Fault(kind=kind, how=str(refusal.status), times=times, body=refused.body.decode(), headers=dict(refused.headers))


def _of_json(request: Request) -> Mapping[str, Any] | None:
    try:
        document = request.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _of_form(request: Request) -> Mapping[str, Any] | None:
    try:
        return request.form()
    except ValueError:
        return None


def _signed_region(request: Request, service: str) -> str:
    found = _SCOPE.search(request.headers.get("authorization", ""))
    region = found["region"] if found else "us-east-1"
    return home_of(region) if service == "iam" else region


def _json(status: int, document: Mapping[str, Any]) -> Response:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": str(uuid.uuid4())}
    return Response(status=status, body=jsonlib.dumps(document).encode(), headers=headers)


def _xml_document(status: int, call: AwsCall, root: str, inner: str) -> Response:
    namespace = _NAMESPACES.get(call.service, _NAMESPACES["iam"])
    body = f'<{root} xmlns="{namespace}">{inner}</{root}>'
    return Response(status=status, body=body.encode(), headers={"content-type": "text/xml"})


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return "".join(f"<member>{_xml(inner)}</member>" for inner in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _id() -> str:
    return f"<RequestId>{uuid.uuid4()}</RequestId>"
