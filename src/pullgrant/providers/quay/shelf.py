"""Finds images to prove with: one that the reader shall pull, and one of another private repository."""

from __future__ import annotations

from pullgrant.errors import PullgrantError
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.quay.seam import Seam
from pullgrant.providers.quay.settings import Settings

_ASKED = 5  # other repositories that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises Quay's refusal when the operator may not list and no image was named."""
    inside = settings.image
    for repository in settings.repositories:
        inside = inside or _first(seam, settings, repository)
    why = "" if inside else f"there is no image in {', '.join(settings.repositories)} yet"
    return Images(inside=inside, outside=_outside(seam, settings), why=why)


def _outside(seam: Seam, settings: Settings) -> Image | None:
    try:
        names = [
            str(one.get("name"))
            for one in seam.list_repositories()
            if one.get("name") not in settings.repositories and one.get("is_public") is False
        ]
        images = (_first(seam, settings, name) for name in names[:_ASKED])
        return next((image for image in images if image is not None), None)
    except PullgrantError:
        return None


def _first(seam: Seam, settings: Settings, repository: str) -> Image | None:
    for tag in seam.list_tags(repository):
        name = f"{settings.organization}/{repository}"
        return Image(host=settings.server.host, repository=name, reference=str(tag.get("name")))
    return None
