"""An image that an option names, in full or relative to what a reader may pull."""

from __future__ import annotations

import re

from pullgrant.errors import UsageError
from pullgrant.model.image import Image, parse_image


def image_within(text: str, *, host: str, path: str) -> Image | None:
    """Return the image of a `--image` text at `path` of `host` or below it; None for an empty text.

    `app:v1`, `PATH/app:v1` and `HOST/PATH/app:v1` are one image. Raises UsageError for one that lies elsewhere.
    """
    if not text:
        return None
    first = text.partition("/")[0] if "/" in text else ""
    if first.lower() == host:
        image = parse_image(text)
    else:
        inside = text == path or re.match(rf"{re.escape(path)}[/:@]", text) is not None
        image = parse_image(f"{host}/{text if inside else f'{path}/{text}'}")
    elsewhere = first.lower() != host and re.search(r"[.:]", first) is not None
    if elsewhere or (image.repository != path and not image.repository.startswith(f"{path}/")):
        raise UsageError(f"the image {text!r} does not lie in {host}/{path}", hint="Give --image REPOSITORY:TAG.")
    return image
