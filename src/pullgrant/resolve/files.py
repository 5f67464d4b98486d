"""Reads a file of any of the known forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pullgrant.errors import UsageError
from pullgrant.resolve import akash, compose, dockerfile, kubernetes
from pullgrant.resolve.documents import documents
from pullgrant.resolve.found import Contents

FORMS = "a Dockerfile, a compose file, Kubernetes manifests or an Akash SDL file"
_DOCKERFILE = re.compile(r"(?:dockerfile|containerfile)(?:\..+)?|.+\.(?:dockerfile|containerfile)", re.IGNORECASE)
_YAML = re.compile(r".+\.(?:ya?ml|json)", re.IGNORECASE)


def contents(text: str, where: str, values: Mapping[str, str]) -> Contents:
    """Return what a file pulls; `where` is its path, `values` the variables for a compose file.

    Raises UsageError for a file that cannot be read or is none of the known forms. What it holds is not shown.
    """
    name = where.rpartition("/")[2]
    if _DOCKERFILE.fullmatch(name) or (not _YAML.fullmatch(name) and dockerfile.is_one(text)):
        return dockerfile.contents(text, where)
    read = documents(text, where)
    manifests = [one for one in read if kubernetes.is_one(one)]
    parts = [kubernetes.contents(manifests, where)] if manifests else []
    parts += [part for one in read if (part := _other(one, where, values)) is not None]
    if not parts:
        raise UsageError(f"{where} is none of the forms that are read here", hint=f"Give {FORMS}.")
    return Contents(
        found=tuple(found for part in parts for found in part.found),
        unread=tuple(unread for part in parts for unread in part.unread),
    )


def _other(document: Any, where: str, values: Mapping[str, str]) -> Contents | None:
    if kubernetes.is_one(document):
        return None
    if akash.is_one(document):
        return akash.contents(document, where)
    return compose.contents(document, where, values) if compose.is_one(document) else None
