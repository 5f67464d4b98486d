"""Finds images to prove with: one of the project or group, and one of a private project beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from pullgrant.errors import PullgrantError
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.gitlab.seam import Seam
from pullgrant.providers.gitlab.settings import Settings

_ASKED = 8  # repositories that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises GitLab's refusal when the operator may not list and no image was named."""
    inside = settings.image or _first(seam, settings, seam.list_repositories())
    where = f"{settings.host}/{settings.path.lower()}"
    return Images(inside=inside, outside=_outside(seam, settings), why="" if inside else f"there is no image in {where} yet")


def _outside(seam: Seam, settings: Settings) -> Image | None:
    """Return an image of a sibling project; beside a group nothing can be found without searching all of GitLab."""
    group = settings.path.rpartition("/")[0]
    if settings.kind == "group" or not group:
        return None
    try:
        own = settings.path.lower()
        others = (one for one in seam.list_siblings(group) if not f"{one.get('path')}/".startswith(f"{own}/"))
        return _first(seam, settings, (one for one in islice(others, _ASKED) if _is_private(seam, one)))
    except PullgrantError:
        return None  # a personal namespace is no group, and not every operator may look into one


def _is_private(seam: Seam, repository: Mapping[str, Any]) -> bool:
    return not is_public(seam.get_project(int(repository.get("project_id") or 0)))


def _first(seam: Seam, settings: Settings, repositories: Iterable[Mapping[str, Any]]) -> Image | None:
    for one in islice(repositories, _ASKED):
        for tag in seam.list_tags(int(one.get("project_id") or 0), int(one.get("id") or 0)):
            return Image(host=settings.host, repository=str(one.get("path")), reference=str(tag.get("name")))
    return None


def is_public(scope: Mapping[str, Any]) -> bool:
    """Say whether everybody may pull from a project."""
    return scope.get("visibility") == "public" and scope.get("container_registry_access_level", "enabled") == "enabled"
