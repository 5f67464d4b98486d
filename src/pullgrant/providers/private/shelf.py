"""Finds an image to prove with, in the registry's own list where it has one."""

from __future__ import annotations

from typing import Any

from pullgrant.errors import Unavailable
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.private.seam import Seam
from pullgrant.providers.private.settings import Settings

_ASKED = 8  # repositories that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return the image that was named, else one that can be found by listing; nobody knows what lies outside."""
    if settings.image is not None:
        return Images(inside=settings.image)
    why = f"{settings.server.host} does not list its repositories to this user; name one with --image REPOSITORY:TAG"
    try:
        repositories = _listed(seam, "/v2/_catalog?n=100", "registry:catalog:*", "repositories")
        for name in repositories[:_ASKED]:
            tags = _listed(seam, f"/v2/{name}/tags/list", f"repository:{name}:pull", "tags")
            if tags:
                return Images(inside=Image(host=settings.server.host, repository=name, reference=tags[0]))
    except Unavailable as error:
        return Images(why=f"{why} ({error.message})")
    return Images(why=why)


def _listed(seam: Seam, path: str, scope: str, key: str) -> list[str]:
    reply = seam.list(path, scope)
    if reply is not None and reply.status != 200:
        raise Unavailable(f"it answers {reply.status}{', as to a wrong password' if reply.status == 401 else ''}")
    body: Any = reply.json() if reply is not None else None
    names = body.get(key) if isinstance(body, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
