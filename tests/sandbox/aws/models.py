"""Judges the fake's answers by botocore's models: nothing unknown, nothing missing, errors in their service's own shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

from botocore.loaders import Loader
from botocore.model import ServiceModel

from pullgrant.sandbox.aws import Aws
from pullgrant.sandbox.exchange import Request, Response, Route

# Errors of every service: docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
# docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html.
COMMON = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAction",
    "InvalidClientTokenId",
    "InvalidParameterException",
    "InvalidSignatureException",
    "MalformedInput",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "SignatureDoesNotMatch",
    "Throttling",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationError",
}


class Models:
    """botocore's models of the services."""

    def __init__(self) -> None:
        self._models: dict[str, Any] = {}

    def faults(self, kind: str, response: Response) -> list[str]:
        """Return what is wrong with the answer to a call of a kind, `ecr.GetAuthorizationToken`."""
        service, _, operation = kind.partition(".")
        model = self._model(service)
        described = model.operation_model(operation) if operation in model.operation_names else None
        if response.status >= 300:
            return list(_of_error(model, described, response))
        if described is None:
            return [f"{kind} is no operation, and was answered"]
        if model.protocol == "json":
            return list(_of_json(described.output_shape, json.loads(response.body), ""))
        return list(_of_xml_answer(described, response.body))

    def _model(self, service: str) -> Any:
        if service not in self._models:
            self._models[service] = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        return self._models[service]


class RecordingAws(Aws):
    """The fake, with a memory of every call and its answer."""

    def routes(self) -> list[Route]:
        self.recorded: list[tuple[str, Request, Response]] = []
        return [replace(route, answer=self._recording(route)) for route in super().routes()]

    def _recording(self, route: Route) -> Any:
        def answer(request: Request, match: re.Match[str]) -> Response:
            response = route.answer(request, match)
            assert route.names is not None
            self.recorded.append((route.names(request), request, response))
            return response

        return answer


def _of_error(model: Any, operation: Any, response: Response) -> Iterator[str]:
    if model.protocol == "json":
        document = json.loads(response.body)
        code, message = document.get("__type", ""), document.get("message", "")
    else:
        root = ElementTree.fromstring(response.body)
        error = root.find("{*}Error")
        if error is None or not root.tag.endswith("ErrorResponse") or root.find("{*}RequestId") is None:
            yield f"{response.body!r} is no ErrorResponse"
            return
        code, message = error.findtext("{*}Code") or "", error.findtext("{*}Message") or ""
        if error.findtext("{*}Type") not in ("Sender", "Receiver"):
            yield f"{response.body!r} has no type"
    named = (
        {shape.metadata.get("error", {}).get("code", shape.name) for shape in operation.error_shapes} if operation else set()
    )
    if code not in COMMON | named:
        yield f"{code} is no error of {operation.name if operation else 'an unknown operation'}"
    if not message:
        yield f"{code} has no words"


def _of_xml_answer(operation: Any, body: bytes) -> Iterator[str]:
    root = ElementTree.fromstring(body)
    namespace, _, tag = root.tag.partition("}")
    if tag != f"{operation.name}Response" or namespace != "{" + operation.service_model.metadata["xmlNamespace"]:
        yield f"{root.tag} is no answer to {operation.name}"
    if operation.output_shape is None:
        return
    result = root.find("{*}" + operation.output_shape.serialization.get("resultWrapper", f"{operation.name}Result"))
    if result is None:
        yield f"{operation.name} has no result"
    else:
        yield from _of_xml(operation.output_shape, result, "")


def _of_xml(shape: Any, element: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        held = {each.tag.partition("}")[2]: each for each in element}
        yield from _names(shape, held, path)
        for name, each in held.items():
            if name in shape.members:
                yield from _of_xml(shape.members[name], each, f"{path}.{name}")
    elif shape.type_name == "list":
        for each in element:
            if not each.tag.endswith("}member"):
                yield f"{path} holds {each.tag}"
            yield from _of_xml(shape.member, each, path)
    else:
        yield from _of_text(shape, element.text or "", path)


def _of_json(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _names(shape, value, path)
            for name, each in value.items():
                if name in shape.members:
                    yield from _of_json(shape.members[name], each, f"{path}.{name}")
        case "list":
            for each in value:
                yield from _of_json(shape.member, each, path)
        case "string" if isinstance(value, str):
            yield from _of_text(shape, value, path)
        case "timestamp" | "long" | "integer" | "float" if isinstance(value, (int, float)) and not isinstance(value, bool):
            return
        case "boolean" if isinstance(value, bool):
            return
        case "map" if isinstance(value, dict):
            return
        case _:
            yield f"{path} is {value!r}, no {shape.type_name}"


def _names(shape: Any, held: Any, path: str) -> Iterator[str]:
    for name in held:
        if name not in shape.members:
            yield f"{path} has no {name}"
    for name in shape.required_members:
        if name not in held:
            yield f"{path} lacks {name}"


def _of_text(shape: Any, text: str, path: str) -> Iterator[str]:
    if shape.type_name == "timestamp" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", text):
        yield f"{path} is no timestamp: {text}"
    if getattr(shape, "enum", None) and text not in shape.enum:
        yield f"{path} is none of {shape.enum}: {text}"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string" and not (least or 0) <= len(text) <= (most or len(text)):
        yield f"{path} has {len(text)} characters"
    if shape.type_name == "integer" and not re.fullmatch(r"-?\d+", text):
        yield f"{path} is no number: {text}"
    if shape.type_name == "boolean" and text not in ("true", "false"):
        yield f"{path} is no boolean: {text}"
