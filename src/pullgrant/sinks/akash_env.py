"""SDL files with placeholders: the values in a private file beside the template, and the whole put together for one use.

The file is `NAME='value'` lines that a shell can read too. A variable of the environment wins over the file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from pullgrant.errors import UsageError
from pullgrant.model.image import canonical_host
from pullgrant.secret import Secret
from pullgrant.sinks import akash_edit, akash_sdl, shared_file
from pullgrant.sinks.akash_target import env_file

_PLACEHOLDER = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_HEAD = "# Values for the placeholders of {name}, written by pullgrant. Keep it private and out of git.\n"


def names(host: str) -> dict[str, str]:
    """Return the variables of one registry: field of the credentials -> name."""
    stem = "PULLGRANT_" + re.sub(r"[^A-Z0-9]", "_", canonical_host(host).upper())
    return {"username": f"{stem}_USERNAME", "password": f"{stem}_PASSWORD"}


def placeholders(host: str) -> dict[str, str]:
    """Return what stands in the template for the credentials of one registry."""
    return {field: f"${{{name}}}" for field, name in names(host).items()}


def parse(content: bytes | None, where: str) -> dict[str, Secret]:
    """Return the variables of a file, {} for none. Raises UsageError for lines that this module does not write."""
    try:
        words = shlex.split((content or b"").decode(), comments=True)
    except ValueError:
        words = ["?"]
    pairs = [word.partition("=") for word in words]
    if not all(equals and _NAME.fullmatch(name) for name, equals, _ in pairs):
        raise UsageError(f"{where} has lines that are no NAME='value'", hint="Mend the file by hand; nothing was changed.")
    return {name: Secret(value) for name, _, value in pairs}


def render(values: Mapping[str, Secret], template: Path) -> bytes:
    """Return the file of these variables."""
    lines = [f"{name}={shlex.quote(value.reveal())}\n" for name, value in values.items()]
    return (_HEAD.format(name=template.name) + "".join(lines)).encode() if lines else b""


def fill(template: Path, environment: Mapping[str, str]) -> str:
    """Return the template's text with every placeholder in a service's credentials replaced.

    Raises UsageError when there is no such file, no placeholder, or a value is missing; the message holds none of them.
    """
    content = shared_file.read(template)
    if content is None:
        raise UsageError(f"there is no file {template}")
    text = content.decode("utf-8", "replace")
    file = env_file(template)
    values = parse(shared_file.read(file), str(file)) | {name: Secret(value) for name, value in environment.items()}
    wanted = {
        service.name: fields
        for service in akash_sdl.read(text, str(template)).services
        if (fields := _resolved(service.credentials or {}, values, template))
    }
    if not wanted:
        raise UsageError(f"{template} has no placeholders", hint="Was it delivered with the target FILE,via-env?")
    return akash_edit.put(text, str(template), wanted)


def resolve(credentials: akash_sdl.Login, values: Mapping[str, Secret]) -> dict[str, str]:
    """Return the fields of credentials, those that are placeholders with a known value as that value."""
    return {
        str(field): values[name].reveal() if (name := _placeholder(text)) in values else str(text)
        for field, text in credentials.items()
    }


def _resolved(credentials: akash_sdl.Login, values: Mapping[str, Secret], template: Path) -> dict[str, str]:
    fields = {str(field): name for field, text in credentials.items() if (name := _placeholder(text))}
    missing = sorted(set(fields.values()) - set(values))
    if missing:
        raise UsageError(
            f"{template} needs {', '.join(missing)}", hint=f"Set it, or deliver again: {env_file(template)} lacks it."
        )
    return {field: values[name].reveal() for field, name in fields.items()}


def _placeholder(text: object) -> str:
    found = _PLACEHOLDER.fullmatch(str(text))
    return found[1] if found else ""
