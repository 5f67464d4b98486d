"""Google's discovery documents, as google-api-python-client ships them, as a judge of requests and answers.

`Discovery.request` and `Discovery.answer` return what is wrong, in words; an empty list means that nothing is.
`RecordingGoogle` is the fake Google Cloud with a memory of what went over its REST routes: hand it to a Sandbox as
`factories={"google": RecordingGoogle}` and judge `recorded` afterwards.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pullgrant.sandbox.exchange import Request, Response, Route
from pullgrant.sandbox.google import Google
from pullgrant.sandbox.google.refusal import HTTP_CODES

APIS = (
    "artifactregistry.v1",
    "cloudresourcemanager.v1",
    "cloudresourcemanager.v3",
    "iam.v1",
    "iamcredentials.v1",
    "orgpolicy.v2",
    "secretmanager.v1",
    "serviceusage.v1",
    "storage.v1",
)
# Not described by any discovery document: RFC 6749 and RFC 7523 are its source.
UNDESCRIBED = frozenset({"oauth.token"})

_FORMATS = {
    "google-datetime": lambda text: datetime.fromisoformat(text),
    "date-time": lambda text: datetime.fromisoformat(text),
    "google-duration": lambda text: re.fullmatch(r"-?\d+(\.\d+)?s", text) or _fail(text),
    "google-fieldmask": lambda text: re.fullmatch(r"[A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*", text) or _fail(text),
    "int64": int,
    "uint64": int,
    "byte": lambda text: base64.b64decode(text, validate=True),
}
_TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}


def _fail(text: str) -> None:
    raise ValueError(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of one API."""

    id: str
    verb: str
    path: re.Pattern[str]
    query: Mapping[str, Mapping[str, Any]]
    takes: str
    gives: str
    schemas: Mapping[str, Mapping[str, Any]]


class Discovery:
    """All documents of the APIs above."""

    def __init__(self) -> None:
        self._methods: dict[str, list[Method]] = {}
        for api in APIS:
            document = _document(api)
            host = document["rootUrl"].removeprefix("https://").strip("/")
            self._methods.setdefault(host, []).extend(_methods(document, document))

    def method(self, host: str, verb: str, path: str) -> Method | None:
        """Return the method that a request is, None when Google has no such method."""
        return next((each for each in self._methods.get(host, []) if each.verb == verb and each.path.fullmatch(path)), None)

    def request_to(self, host: str, request: Request) -> list[str]:
        """Return what is wrong with a request that was sent to 127.0.0.1 in place of a host."""
        return self.request(replace(request, host=host))

    def request(self, request: Request) -> list[str]:
        """Return what is wrong with a request: method, path, query, body."""
        method = self.method(request.host, request.method, request.path)
        if method is None:
            return [f"{request.host} has no {request.method} {request.path}"]
        wrong = [f"{method.id}: unknown query parameter {name}" for name in request.query if name not in method.query]
        for name, values in request.query.items():
            known = method.query.get(name, {})
            if len(values) > 1 and not known.get("repeated"):
                wrong.append(f"{method.id}: {name} is given {len(values)} times")
            wrong += [
                f"{method.id}: {name}={value} is not in its enum"
                for value in values
                if value not in known.get("enum", [value])
            ]
        if not method.takes:
            return wrong + ([f"{method.id}: takes no body"] if request.body not in (b"", b"{}") else [])
        try:
            return wrong + list(_wrong(method, {"$ref": method.takes}, request.json(), method.id, sending=True))
        except ValueError:
            return [*wrong, f"{method.id}: the body is not JSON"]

    def answer(self, request: Request, response: Response) -> list[str]:
        """Return what is wrong with an answer, a success or an error."""
        method = self.method(request.host, request.method, request.path)
        if method is None:
            return [f"{request.host} has no {request.method} {request.path}"]
        if response.status >= 400:
            storage = request.host.startswith("storage.")
            return [f"{method.id}: {each}" for each in (_wrong_storage_error if storage else _wrong_error)(response)]
        return list(_wrong(method, {"$ref": method.gives}, response.json, method.id, sending=False))


def _document(api: str) -> dict[str, Any]:
    import googleapiclient.discovery_cache

    folder = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
    document: dict[str, Any] = json.loads((folder / f"{api}.json").read_text())
    return document


def _methods(document: Mapping[str, Any], resource: Mapping[str, Any]) -> Iterator[Method]:
    for entry in resource.get("methods", {}).values():
        path = "/" + document["servicePath"] + entry.get("flatPath", entry["path"])
        parameters = {**document.get("parameters", {}), **entry.get("parameters", {})}
        yield Method(
            id=entry["id"],
            verb=entry["httpMethod"],
            path=re.compile(re.sub(r"\\\{.*?\\\}", "[^/:]+", re.escape(path))),
            query={name: each for name, each in parameters.items() if each["location"] == "query"},
            takes=entry.get("request", {}).get("$ref", ""),
            gives=entry.get("response", {}).get("$ref", ""),
            schemas=document["schemas"],
        )
    for child in resource.get("resources", {}).values():
        yield from _methods(document, child)


def _wrong(method: Method, schema: Mapping[str, Any], value: Any, at: str, *, sending: bool) -> Iterator[str]:
    """Yield what a value has that its schema does not."""
    if "$ref" in schema:
        schema = method.schemas[schema["$ref"]]
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if not isinstance(value, _TYPES[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        yield f"{at}: {type(value).__name__} instead of {kind}"
        return
    if kind == "array":
        for index, each in enumerate(value):
            yield from _wrong(method, schema["items"], each, f"{at}[{index}]", sending=sending)
    elif kind == "object":
        yield from _wrong_fields(method, schema, value, at, sending=sending)
    elif kind == "string":
        yield from _wrong_text(schema, value, at)


def _wrong_fields(
    method: Method, schema: Mapping[str, Any], value: Mapping[str, Any], at: str, *, sending: bool
) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, each in value.items():
        if name not in known and others is None:
            yield f"{at}: unknown field {name}"
        elif sending and known.get(name, {}).get("readOnly"):
            yield f"{at}: {name} is read-only"
        else:
            yield from _wrong(method, known.get(name, others), each, f"{at}.{name}", sending=sending)


def _wrong_text(schema: Mapping[str, Any], value: str, at: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value} is not in its enum"
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield f"{at}: {value} does not match {schema['pattern']}"
    try:
        _FORMATS.get(schema.get("format", ""), str)(value)
    except (ValueError, binascii.Error):
        yield f"{at}: {value} is not of format {schema['format']}"


def _wrong_error(response: Response) -> Iterator[str]:
    """Yield what is wrong with the JSON form of google.rpc.Status (google.aip.dev/193)."""
    error = response.json.get("error") if isinstance(response.json, dict) else None
    if not isinstance(error, dict) or set(response.json) != {"error"}:
        yield f"{response.json} is no google.rpc.Status"
        return
    if not set(error) <= {"code", "message", "status", "details"}:
        yield f"unknown fields in {sorted(error)}"
    if error.get("code") != response.status or HTTP_CODES.get(error.get("status", "")) != response.status:
        yield f"code {error.get('code')} and status {error.get('status')} in an answer with {response.status}"
    if not error.get("message"):
        yield "no message"
    for detail in error.get("details", []):
        if not str(detail.get("@type", "")).startswith("type.googleapis.com/google.rpc."):
            yield f"detail without a type: {detail}"


def _wrong_storage_error(response: Response) -> Iterator[str]:
    error = response.json.get("error", {})
    if set(error) != {"code", "message", "errors"} or error["code"] != response.status:
        yield f"{response.json} is no error of Cloud Storage"
        return
    for each in error["errors"]:
        if not {"message", "domain", "reason"} <= set(each) <= {"message", "domain", "reason", "location", "locationType"}:
            yield f"{each} is no error of Cloud Storage"


class RecordingGoogle(Google):
    """The fake, with a memory of every REST request and its answer."""

    def routes(self) -> list[Route]:
        self.recorded: list[tuple[str, Request, Response]] = []
        return [replace(route, answer=self._recording(route)) for route in super().routes()]

    def _recording(self, route: Route) -> Any:
        def answer(request: Request, match: re.Match[str]) -> Response:
            response = route.answer(request, match)
            self.recorded.append((route.kind, request, response))
            return response

        return answer
