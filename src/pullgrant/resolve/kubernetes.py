"""What Kubernetes manifests pull, and whether the pull secrets beside them have a key for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pullgrant.errors import UsageError
from pullgrant.model.image import Image, parse_image
from pullgrant.resolve.documents import at, line_of
from pullgrant.resolve.found import Contents, Found
from pullgrant.resolve.keys import kubernetes_matches

_CONTAINERS = {"containers": "container", "initContainers": "init container", "ephemeralContainers": "debug container"}
# type of secret -> the entry that holds docker's configuration
_PULL_SECRETS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}


def is_one(document: Any) -> bool:
    """Say whether a document is a manifest."""
    return isinstance(document, dict) and isinstance(document.get("kind"), str) and "apiVersion" in document


def contents(documents: Sequence[Any], where: str) -> Contents:
    """Return the images of all pods and pod templates, of whatever kind of object they are a part."""
    objects = [one for document in documents for one in _objects(document)]
    secrets = {_name(one): keys for one in objects if (keys := _secret_keys(one)) is not None}
    found: list[Found] = []
    for one in objects:
        named = f"{one.get('kind')} {_name(one)[1]}"
        for pod in _pods(one):
            pull_secrets = [
                str(secret.get("name")) for secret in pod.get("imagePullSecrets") or () if isinstance(secret, dict)
            ]
            for text, line, what in _images(pod):
                note = _note(text, _name(one)[0], pull_secrets, secrets)
                found.append(Found(text=text, where=f"{at(where, line)} {named}, {what}", note=note))
    return Contents(found=tuple(found))


def _objects(document: Any) -> Iterator[Mapping[str, Any]]:
    if not is_one(document):
        return
    items = document.get("items")
    if str(document["kind"]).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item)
    else:
        yield document


def _name(one: Mapping[str, Any]) -> tuple[str, str]:
    metadata = one.get("metadata")
    if not isinstance(metadata, dict):
        return "", ""
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or metadata.get("generateName") or "")


def _pods(one: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping that holds containers: pods, the templates of workloads, and those of custom resources."""
    seen: set[int] = set()
    open_ones = [one]
    while open_ones:
        value = open_ones.pop(0)
        if id(value) in seen:
            continue  # an alias: without this a small file could be a tree without end
        seen.add(id(value))
        if isinstance(value, dict):
            if any(isinstance(value.get(key), list) for key in _CONTAINERS):
                yield value
            open_ones += [inner for inner in value.values() if isinstance(inner, dict | list)]
        elif isinstance(value, list):
            open_ones += [inner for inner in value if isinstance(inner, dict | list)]


def _images(pod: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    for key, what in _CONTAINERS.items():
        for container in pod.get(key) or ():
            if isinstance(container, dict) and isinstance(container.get("image"), str) and container["image"]:
                yield container["image"], line_of(container, "image"), f"{what} {container.get('name', '')}".strip()
    for volume in pod.get("volumes") or ():
        image = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(image, dict) and isinstance(image.get("reference"), str):
            yield image["reference"], line_of(image, "reference"), f"volume {volume.get('name', '')}".strip()


def _note(text: str, namespace: str, names: Sequence[str], secrets: Mapping[tuple[str, str], tuple[str, ...]]) -> str:
    if not names:
        return "no pull secret is named: the service account's are used"
    try:
        image = parse_image(text)
    except UsageError:
        return ""
    return "; ".join(_about(image, name, secrets.get((namespace, name))) for name in names)


def _about(image: Image, name: str, keys: tuple[str, ...] | None) -> str:
    if keys is None:
        return f"pull secret {name} is not in this file"
    matching = [key for key in keys if kubernetes_matches(key, image)]
    if matching:
        return f"pull secret {name} has the key {matching[0]} for it"
    return f"pull secret {name} has no key that matches it, only {', '.join(keys) or 'none at all'}"


def _secret_keys(one: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the keys of a pull secret, None for any other object. What stands behind the keys is not looked at."""
    entry = _PULL_SECRETS.get(str(one.get("type"))) if one.get("kind") == "Secret" else None
    if entry is None:
        return None
    try:
        plain, encoded = ((one.get(name) or {}).get(entry) for name in ("stringData", "data"))
        body = json.loads(str(plain) if plain else base64.b64decode(str(encoded)))
    except (ValueError, AttributeError, RecursionError):
        return ()
    entries = body.get("auths") if entry == ".dockerconfigjson" and isinstance(body, dict) else body
    return tuple(map(str, entries)) if isinstance(entries, dict) else ()
