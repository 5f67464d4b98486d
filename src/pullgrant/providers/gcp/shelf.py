"""Finds images to prove with: one in the reader's scope, and one in another repository of the same project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pullgrant.errors import NotFound, PullgrantError
from pullgrant.kit.together import all_of, together
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.gcp import hosts
from pullgrant.providers.gcp import policy as policies
from pullgrant.providers.gcp.answers import tried
from pullgrant.providers.gcp.seam import Seam
from pullgrant.providers.gcp.settings import Settings

_ASKED = 8  # repositories beside ours that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises the cloud's refusal when the operator may not list and no image was named."""
    inside, outside = together(lambda: _inside(seam, settings), lambda: _outside(seam, settings))
    if isinstance(inside, PullgrantError):
        raise inside
    where = f"{settings.registry.host}/{settings.registry.path}"
    return Images(inside=inside, outside=outside, why="" if inside else f"there is no image in {where} yet")


def _inside(seam: Seam, settings: Settings) -> Image | PullgrantError | None:
    if settings.image is not None:
        return settings.image
    registry = settings.registry
    try:
        found = _first(seam, registry.project, registry.location, registry.repository)
    except NotFound as error:
        return _on_bucket(seam, settings) if registry.bucket else error
    except PullgrantError as error:
        return error
    return found or (_on_bucket(seam, settings) if registry.bucket else None)


def _on_bucket(seam: Seam, settings: Settings) -> Image | PullgrantError | None:
    """Return an image of the old Container Registry, whose tag lists name what lies below a path as `child`."""
    registry = settings.registry
    try:
        for name in sorted(seam.list_children(registry.host, registry.path).get("child") or ()):
            path = f"{registry.path}/{name}"
            for tag in seam.list_children(registry.host, path).get("tags") or ():
                return Image(host=registry.host, repository=path, reference=str(tag))
    except NotFound:
        return None
    except PullgrantError as error:
        return error
    return None


def _outside(seam: Seam, settings: Settings) -> Image | None:
    """Return an image that a narrow reader must not reach; None where there is none, or the operator may not look."""
    if settings.scope != "repository":
        return None
    registry = settings.registry
    try:
        found = seam.list_repositories(registry.project, registry.location)
    except PullgrantError:
        return None
    names = [
        str(one.get("name", "")).rpartition("/")[2]
        for one in found
        if one.get("format") == "DOCKER" and not str(one.get("name", "")).endswith(f"/{registry.repository}")
    ]
    images = all_of(lambda name: _closed(seam, registry, name), names[:_ASKED])
    return next((image for image in images if image is not None), None)


def _closed(seam: Seam, registry: hosts.Registry, name: str) -> Image | None:
    """Return an image of a repository that is known not to be public: any reader at all may pull from one that is.

    A repository that somebody opened to this very reader is not left out: the reader then has more than it was given here,
    and the proof must say so.
    """
    resource = f"projects/{registry.project}/locations/{registry.location}/repositories/{name}"
    image, policy = together(
        tried(lambda: _first(seam, registry.project, registry.location, name)),
        tried(lambda: seam.get_repository_policy(resource)),
    )
    if isinstance(image, PullgrantError) or isinstance(policy, PullgrantError) or policies.is_open(policy):
        return None
    return image  # type: ignore[no-any-return]


def _first(seam: Seam, project: str, location: str, repository: str) -> Image | None:
    for found in seam.list_images(f"projects/{project}/locations/{location}/repositories/{repository}"):
        name, _, digest = str(found.get("name", "")).rpartition("/dockerImages/")[2].partition("@")
        reference = _reference(found, digest)
        if name and reference:
            return hosts.image_of(project, location, repository, name.replace("%2F", "/"), reference)
    return None


def _reference(found: Mapping[str, Any], digest: str) -> str:
    tags = found.get("tags") or ()
    return str(tags[0]) if tags else digest
