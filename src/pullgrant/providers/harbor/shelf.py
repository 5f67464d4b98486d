"""Finds images to prove with: one of the project, and one of another project that is not public."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pullgrant.errors import PullgrantError
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.harbor.seam import Seam
from pullgrant.providers.harbor.settings import Settings

_ASKED = 5  # other projects that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises Harbor's refusal when the operator may not list and no image was named."""
    inside = settings.image or _first(seam, settings, settings.project)
    where = f"{settings.server.host}/{settings.project}"
    return Images(inside=inside, outside=_outside(seam, settings), why="" if inside else f"there is no image in {where} yet")


def _outside(seam: Seam, settings: Settings) -> Image | None:
    try:
        others = [
            str(one.get("name"))
            for one in seam.list_projects()
            if one.get("name") != settings.project and not is_public(one) and one.get("repo_count")
        ]
        images = (_first(seam, settings, name) for name in others[:_ASKED])
        return next((image for image in images if image is not None), None)
    except PullgrantError:
        return None  # an operator of one project alone may not look further


def _first(seam: Seam, settings: Settings, project: str) -> Image | None:
    for repository in seam.list_repositories(project):
        name = str(repository.get("name", "")).removeprefix(f"{project}/")
        for artifact in seam.list_artifacts(project, name):
            # Charts and signatures lie beside images.
            if artifact.get("type", "IMAGE") == "IMAGE" and (reference := _reference(artifact)):
                return Image(host=settings.server.host, repository=f"{project}/{name}", reference=reference)
    return None


def _reference(artifact: Mapping[str, Any]) -> str:
    tags = artifact.get("tags") or ()
    return str(tags[0]["name"]) if tags else str(artifact.get("digest") or "")


def is_public(project: Mapping[str, Any]) -> bool:
    """Say whether everybody may pull from a Project."""
    return (project.get("metadata") or {}).get("public") == "true"
