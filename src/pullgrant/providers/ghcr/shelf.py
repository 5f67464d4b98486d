"""Finds an image to prove with, by the token's own eyes."""

from __future__ import annotations

from itertools import islice

from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.ghcr.seam import Seam
from pullgrant.providers.ghcr.settings import HOST, Settings

_ASKED = 8  # packages that are looked into


def find(seam: Seam, settings: Settings) -> Images:
    """Return what there is. Raises GitHub's refusal when the token may not list and no image was named."""
    if settings.image is not None:
        return Images(inside=settings.image)
    below = settings.owner.lower()
    private = (one for one in seam.list_packages() if one.get("visibility") != "public")
    for package in islice(private, _ASKED):
        name = str(package.get("name"))
        for version in islice(seam.list_versions(str(package["kind"]), name), 30):
            tags = ((version.get("metadata") or {}).get("container") or {}).get("tags") or ()
            if tags:
                return Images(inside=Image(host=HOST, repository=f"{below}/{name}", reference=str(tags[0])))
    return Images(why=f"the token sees no private image in {HOST}/{below}; name one with --image")
