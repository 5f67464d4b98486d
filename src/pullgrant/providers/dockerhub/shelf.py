"""Finds images to prove with: one that the reader shall pull, and one of another private repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pullgrant.errors import PullgrantError
from pullgrant.model.image import DOCKER_HUB, Image
from pullgrant.model.reader import Images
from pullgrant.providers.dockerhub.seam import Seam
from pullgrant.providers.dockerhub.settings import Settings

_ASKED = 8  # repositories that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises Docker Hub's refusal when the operator may not list and no image was named."""
    if settings.kind == "personal":
        inside = settings.image or _any(seam, _private(seam.list_repositories(), settings))
        why = "" if inside else f"{settings.account} has no private image of its own; name one with --image"
        return Images(inside=inside, why=why)
    inside = settings.image or _any(seam, settings.repositories)
    why = "" if inside else f"there is no image in {', '.join(settings.repositories)} yet"
    return Images(inside=inside, outside=_outside(seam, settings), why=why)


def _outside(seam: Seam, settings: Settings) -> Image | None:
    try:
        names = [name for name in _private(seam.list_repositories(), settings) if name not in settings.repositories]
        return _any(seam, names)
    except PullgrantError:
        return None


def _private(found: Sequence[Mapping[str, Any]], settings: Settings) -> list[str]:
    return [f"{settings.account}/{one.get('name')}" for one in found if one.get("is_private") is True]


def _any(seam: Seam, repositories: Sequence[str]) -> Image | None:
    for repository in repositories[:_ASKED]:
        for tag in seam.list_tags(repository):
            return Image(host=DOCKER_HUB, repository=repository, reference=str(tag.get("name")))
    return None
