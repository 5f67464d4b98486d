"""What an Akash SDL file pulls, and for which host its services carry a credential (akash-network/chain-sdk go/sdl)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pullgrant.errors import UsageError
from pullgrant.model.image import canonical_host, parse_image
from pullgrant.resolve.documents import at, line_of
from pullgrant.resolve.found import Contents, Found


def is_one(document: Any) -> bool:
    """Say whether a document is an SDL file: compose files have services too, but no profiles for a deployment."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("services"), dict)
        and ("deployment" in document or isinstance(document.get("profiles"), dict))
    )


def contents(document: Any, where: str) -> Contents:
    """Return the images of all services."""
    found = []
    for name, service in document["services"].items():
        if isinstance(service, dict) and isinstance(service.get("image"), str):
            place = f"{at(where, line_of(service, 'image'))} service {name}"
            found.append(Found(text=service["image"], where=place, note=_note(service)))
    return Contents(found=tuple(found))


def _note(service: Mapping[str, Any]) -> str:
    credentials = service.get("credentials")
    if not isinstance(credentials, dict):
        return "the service carries no credentials"
    try:
        host = canonical_host(str(credentials.get("host", "")))
        wanted = parse_image(service["image"]).host
    except UsageError:
        return ""
    return f"the service carries credentials for {host}" + ("" if host == wanted else f", which is not {wanted}")
