"""Judges the parameters of a call by botocore's own models: names, lengths, patterns, ranges and what must be there.

botocore's clients send what breaks a pattern; AWS refuses it, in the words below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pullgrant.sandbox.aws.calls import AwsCall
from pullgrant.sandbox.aws.refusal import Refusal, unknown_operation


class Shapes:
    """The models of the services, each loaded when first asked for."""

    def __init__(self) -> None:
        self._models: dict[str, Any] = {}

    def check(self, call: AwsCall) -> None:
        """Raise Refusal for an operation that the service does not have and for parameters that cannot be."""
        from botocore.model import OperationNotFoundError

        try:
            shape = self._model(call.service).operation_model(call.operation).input_shape
        except OperationNotFoundError:
            raise unknown_operation(call.shape, call.operation) from None
        if shape is None:
            return
        given = call.parameters if call.shape == "json" else structured(shape, call.parameters, "")
        wrong = next(_faults(shape, given, ""), None)
        if wrong:
            raise _refused(call, *wrong)

    def _model(self, service: str) -> Any:
        if service not in self._models:
            from botocore.loaders import Loader
            from botocore.model import ServiceModel

            self._models[service] = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        return self._models[service]


def structured(shape: Any, form: Mapping[str, Any], prefix: str) -> Any:
    """Return what a form of the query protocol says about a shape, None when nothing."""
    if shape.type_name == "structure":
        inner = {name: structured(member, form, _under(prefix, name)) for name, member in shape.members.items()}
        return {name: value for name, value in inner.items() if value is not None} or ({} if not prefix else None)
    if shape.type_name == "list":
        found: list[Any] = []
        while (value := structured(shape.member, form, f"{prefix}.member.{len(found) + 1}")) is not None:
            found.append(value)
        return found or None
    return form.get(prefix)


def _under(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _faults(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, value and broken constraint of everything that is wrong."""
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            yield from _of_structure(shape, value, path)
        case "list" if isinstance(value, list):
            if not _within(shape, len(value)):
                yield path, str(value), f"Member must have length {_range(shape)}"
            for place, each in enumerate(value, 1):
                yield from _faults(shape.member, each, f"{path}.{place}.member")
        case "string" if isinstance(value, str):
            yield from _of_text(shape, value, path)
        case "integer" | "long":
            if not re.fullmatch(r"-?\d{1,18}", str(value), re.ASCII) or not _within(shape, int(value)):
                yield path, str(value), f"Member must have value {_range(shape)}"
        case "structure" | "list" | "string":
            yield path, str(value), f"Member must be a {shape.type_name}"


def _of_structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _under(path, name), "null", "Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _faults(member, value[name], _under(path, name))


def _of_text(shape: Any, value: str, path: str) -> Iterator[tuple[str, str, str]]:
    if not _within(shape, len(value)):
        yield path, value, f"Member must have length {_range(shape)}"
    if shape.enum and value not in shape.enum:
        yield path, value, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern", "")
    if pattern and not _fits(pattern, value):
        yield path, value, f"Member must satisfy regular expression pattern: {pattern}"


def _fits(pattern: str, value: str) -> bool:
    """Return whether a text fits; a pattern that Python does not know, as `\\p{L}`, is fitted by all."""
    try:
        return re.fullmatch(pattern, value, re.ASCII) is not None
    except re.error:
        return True


def _within(shape: Any, size: int) -> bool:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    return (least is None or size >= least) and (most is None or size <= most)


def _range(shape: Any) -> str:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    words = [f"greater than or equal to {least}"] if least is not None else []
    words += [f"less than or equal to {most}"] if most is not None else []
    return " and ".join(words)


def _refused(call: AwsCall, path: str, value: str, words: str) -> Refusal:
    name = ".".join(part[:1].lower() + part[1:] for part in path.split("."))
    if call.shape == "json":
        code = "InvalidParameterException"
        return Refusal(code, f"Invalid parameter at '{name}' failed to satisfy constraint: '{words}'")
    return Refusal(
        "ValidationError",
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {words}",
    )
