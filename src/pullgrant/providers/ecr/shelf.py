"""Finds images to prove with: one in the reader's scope, and one in another repository of the same registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pullgrant.errors import PullgrantError
from pullgrant.kit.together import all_of, together
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.ecr.seam import Seam
from pullgrant.providers.ecr.settings import Settings

_ASKED = 8  # repositories that are looked into for one image


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises AWS's refusal when the operator may not list and no image was named."""
    inside, outside = together(lambda: _inside(seam, settings), lambda: _outside(seam, settings))
    if isinstance(inside, PullgrantError):
        raise inside
    where = ", ".join(settings.repositories) or settings.registry.host
    return Images(inside=inside, outside=outside, why="" if inside else f"there is no image in {where} yet")


def _inside(seam: Seam, settings: Settings) -> Image | PullgrantError | None:
    if settings.image is not None:
        return settings.image
    try:
        names = list(settings.repositories) or [_path(one) for one in seam.list_repositories()]
    except PullgrantError as error:
        return error
    found = all_of(lambda name: _tried(seam, name), names[:_ASKED])
    image = next((one for one in found if isinstance(one, Image)), None)
    return image or next((one for one in found if isinstance(one, PullgrantError)), None)


def _outside(seam: Seam, settings: Settings) -> Image | None:
    """Return an image that a narrow reader must not reach; None where there is none, or the operator may not look."""
    if not settings.repositories:
        return None
    try:
        names = [_path(one) for one in seam.list_repositories()]
    except PullgrantError:
        return None
    others = [name for name in sorted(names) if name not in settings.repositories]
    found = all_of(lambda name: _tried(seam, name), others[:_ASKED])
    return next((one for one in found if isinstance(one, Image)), None)


def _tried(seam: Seam, name: str) -> Image | PullgrantError | None:
    """Return an image of one repository; at ECR Public its name begins with the alias of its owner."""
    try:
        reference = _reference(seam.list_images(name.partition("/")[2] if seam.registry.public else name))
    except PullgrantError as error:
        return error
    return Image(host=seam.registry.host, repository=name, reference=reference) if reference else None


def _path(found: Mapping[str, Any]) -> str:
    uri = str(found.get("repositoryUri", ""))
    return uri.partition("/")[2] or str(found.get("repositoryName", ""))


def _reference(images: Sequence[Mapping[str, Any]]) -> str:
    """Return the first tag, else the first digest."""
    tags = [str(tag) for one in images for tag in one.get("imageTags") or ()]
    digests = [str(one["imageDigest"]) for one in images if one.get("imageDigest")]
    return next(iter((*tags, *digests)), "")
