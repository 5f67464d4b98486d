"""What an API server refuses to store (kubernetes/kubernetes pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

import base64
import binascii
import json
import re

from pullgrant.sandbox.kubernetes.refusal import Json, bad, invalid

DOCKER_CONFIG = "kubernetes.io/dockerconfigjson"
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_MOST = 1024 * 1024
_REDACTED = '"<secret contents redacted>"'


def check(kind: str, new: Json, old: Json | None) -> None:
    """Raise a refusal for an object that may not be stored over `old`."""
    name = new["metadata"].get("name", "")
    if not _NAME.fullmatch(name):
        words = f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'
        raise invalid(kind, name, ("metadata.name", words))
    if kind == "Secret":
        _check_secret(name, new, old)


def fill_secret(new: Json) -> Json:
    """Return a secret as it is stored: with a type, and `stringData` moved into `data`."""
    data = dict(new.get("data") or {})
    data |= {key: base64.b64encode(str(text).encode()).decode() for key, text in (new.get("stringData") or {}).items()}
    rest = {key: value for key, value in new.items() if key not in ("stringData", "data")}
    return {**rest, "type": new.get("type") or "Opaque", **({"data": data} if data else {})}


def _check_secret(name: str, new: Json, old: Json | None) -> None:
    data = new.get("data") or {}
    problems: list[tuple[str, str]] = []
    if old is not None and old["type"] != new["type"]:
        problems.append(("type", f'Invalid value: "{new["type"]}": field is immutable'))
    if old is not None and old.get("immutable"):
        if not new.get("immutable"):
            problems.append(("immutable", "Forbidden: field is immutable when `immutable` is set"))
        if data != (old.get("data") or {}):
            problems.append(("data", "Forbidden: field is immutable when `immutable` is set"))
    problems += [(f"data[{key}]", f'Invalid value: "{key}": a valid config key must consist of alphanumeric characters')
                 for key in data if not _KEY.fullmatch(key)]  # fmt: skip
    plain = {key: _decoded(key, value) for key, value in data.items()}
    if sum(map(len, plain.values())) > _MOST:
        problems.append(("data", f"Too long: may not be more than {_MOST} bytes"))
    problems += _docker_problems(new["type"], plain)
    if problems:
        raise invalid("Secret", name, *problems)


def _docker_problems(kind: str, plain: dict[str, bytes]) -> list[tuple[str, str]]:
    field = "data[.dockerconfigjson]"
    if kind != DOCKER_CONFIG:
        return []
    if ".dockerconfigjson" not in plain:
        return [(field, "Required value")]
    try:
        json.loads(plain[".dockerconfigjson"])
    except ValueError:
        return [(field, f"Invalid value: {_REDACTED}: invalid character in literal")]
    return []


def _decoded(key: str, value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error:
        raise bad(f'Secret in version "v1" cannot be handled as a Secret: illegal base64 data in data.{key}') from None
