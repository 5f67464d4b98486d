"""The command that would make a reader for an image, by its registry's host. Patterns match a host whole."""

from __future__ import annotations

import re
from collections.abc import Collection

from pullgrant.model.image import DOCKER_HUB, Image

_GCR = re.compile(r"(?:us\.|eu\.|asia\.)?gcr\.io", re.ASCII)
_PKG = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev", re.ASCII)
_ACR = re.compile(r"[a-z0-9]+\.azurecr\.(?:io|cn|us)", re.ASCII)
_ECR = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?", re.ASCII)


def bootstrap_for(image: Image, providers: Collection[str]) -> str:
    """Return the command line of the narrowest provider among `providers`; what only the user knows is in capitals."""
    provider, options = _options(image)
    if provider not in providers:
        provider, options = "private", _private(image)
    return f"pullgrant {provider}.bootstrap {options}"


def _options(image: Image) -> tuple[str, str]:
    host, names = image.host, image.repository.split("/")
    if _GCR.fullmatch(host):
        project = f"{names[0]}:{names[1]}" if "." in names[0] and len(names) > 1 else names[0]
        return "gcp", f"--project {project} --registry {host}"
    if _PKG.fullmatch(host) and len(names) > 1:
        return "gcp", f"--project {names[0]} --registry {host}/{names[0]}/{names[1]}"
    if _ACR.fullmatch(host):
        return "azure", f"--registry {host}"
    if found := _ECR.fullmatch(host):
        return "ecr", f"--region {found[2]} --registry-id {found[1]} --repository {image.repository}"
    if host == DOCKER_HUB:
        owner, name = ("ORGANIZATION", "REPOSITORY") if names[0] == "library" else (names[0], "/".join(names[1:]))
        return "dockerhub", f"--organization {owner} --repository {name}"
    if host == "ghcr.io":
        return "ghcr", f"--owner {names[0]} --token env:NAME"
    if host == "registry.gitlab.com" and len(names) > 1:
        return "gitlab", f"--project {names[0]}/{names[1]}"
    if host == "quay.io" and len(names) > 1:
        return "quay", f"--organization {names[0]} --repository {'/'.join(names[1:])}"
    return "private", _private(image)


def _private(image: Image) -> str:
    reference = f"@{image.reference}" if ":" in image.reference else f":{image.reference}"
    where = f"--image {image.repository}{reference}"
    return f"--server https://{image.host} --username USER --password env:NAME {where}"
