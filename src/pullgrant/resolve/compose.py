"""What a compose file pulls (compose-spec, 05-services.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pullgrant.resolve.documents import at, line_of
from pullgrant.resolve.found import Contents, Found, Unread
from pullgrant.resolve.variables import OpenError, fill

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.ASCII)


def is_one(document: Any) -> bool:
    """Say whether a document is a compose file."""
    return isinstance(document, dict) and isinstance(document.get("services"), dict)


def contents(document: Any, where: str, values: Mapping[str, str]) -> Contents:
    """Return the images of all services, variables filled in from `values`."""
    found: list[Found] = []
    unread: list[Unread] = []
    for name, service in document["services"].items():
        if not isinstance(service, dict):
            continue
        image, build = service.get("image"), service.get("build")
        place = f"{at(where, line_of(service, 'image' if image else 'build'))} service {name}"
        if isinstance(image, str):
            try:
                found.append(Found(text=fill(image, values, escape="$"), where=place))
            except OpenError as error:
                unread.append(Unread(text=image, where=place, why=f"{error}: set it, or put it into .env"))
        elif build is not None:
            file = _dockerfile(build)
            unread.append(Unread(text=file, where=place, why=f"is built here; see: pullgrant resolve --from {file}"))
    for key in ("include", "extends"):
        if key in document:
            place = at(where, line_of(document, key))
            unread.append(Unread(text=key, where=place, why="names other files, which are not followed"))
    return Contents(found=tuple(found), unread=tuple(unread))


def variables(text: str) -> dict[str, str]:
    """Return the variables of a .env file as docker compose reads its plain lines; quotes are taken off."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            quoted = re.fullmatch(r"(['\"])(.*)\1(?:\s+#.*)?", match[2])
            found[match[1]] = quoted[2] if quoted else re.sub(r"\s+#.*", "", match[2])
    return found


def _dockerfile(build: Any) -> str:
    if not isinstance(build, dict):
        return f"{build}/Dockerfile"
    return f"{build.get('context', '.')}/{build.get('dockerfile', 'Dockerfile')}"
