"""Image references by docker's own rules, and registry hosts in the one spelling that this project compares."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError

DOCKER_HUB = "docker.io"
# distribution/reference: a first part is a host when it has a dot or a colon, or is `localhost`.
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(
    rf"(?:localhost|{_LABEL}(?:\.{_LABEL})+|{_LABEL}(?:\.{_LABEL})*(?=:\d)|\[[0-9a-f:]+\])(?::\d{{1,5}})?", re.ASCII
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}", re.ASCII)
_IMAGE_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)  # docker takes it for a local image
_LONGEST_REPOSITORY = 255
# Akka's and Kalix's own registries: "Authentication is built-in" (Akka documentation, container-registries).
_BUILT_IN = re.compile(r"acr\.[a-z0-9-]+\.akka\.io|kcr\.[a-z0-9-]+\.kalix\.io", re.ASCII)
_HUB_ALIASES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image on one registry; `reference` is a tag or a digest (`sha256:...`)."""

    host: str
    repository: str
    reference: str = "latest"

    def __str__(self) -> str:
        separator = "@" if ":" in self.reference else ":"
        return f"{self.host}/{self.repository}{separator}{self.reference}"


def canonical_host(text: str) -> str:
    """Return the registry host of a server text in lower case, without scheme or path; Docker Hub's names become docker.io.

    `https://us.gcr.io`, `us.gcr.io/` and `US.gcr.io` are one host. Raises UsageError for a text that is no host.
    """
    host = re.sub(r"^https?://", "", text.strip(), flags=re.IGNORECASE | re.ASCII).split("/", 1)[0].lower()
    # Some letters beyond ASCII become ASCII in lower case: the sign of Kelvin, in a name that looks like docker.io.
    if not text.isascii() or not _HOST.fullmatch(host):
        shown = text.rpartition("@")[2]  # before it may stand a password
        raise UsageError(
            f"{shown!r} is not a registry host", hint="Give a host such as gcr.io or registry.example.com:5000."
        )
    return DOCKER_HUB if host in _HUB_ALIASES else host


def parse_image(text: str) -> Image:
    """Return the image that docker would pull for this text: its default host, `library/` and `latest` rules included.

    Raises UsageError for a text that docker refuses.
    """
    rest, at, digest = text.strip().partition("@")
    first, slash, remainder = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = canonical_host(first), remainder
    else:
        host, path = DOCKER_HUB, rest
    name, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        name, tag = path, "latest"
    if host == DOCKER_HUB and "/" not in name:
        name = f"library/{name}"
    good_digest = not at or _DIGEST.fullmatch(digest)
    if not good_digest or not _TAG.fullmatch(tag) or not _is_repository(name) or _IMAGE_ID.fullmatch(rest):
        shown = text if good_digest else digest  # before an @ that begins no digest may stand a password
        raise UsageError(f"{shown!r} is not an image reference", hint="Give HOST/REPOSITORY:TAG in lower case.")
    return Image(host=host, repository=name, reference=digest or tag)


def _is_repository(name: str) -> bool:
    return len(name) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(name) is not None


def is_built_in(host: str) -> bool:
    """Return whether a host is a platform's own registry, of Akka or Kalix, whose images need no credential there."""
    return _BUILT_IN.fullmatch(host) is not None


def docker_key(host: str) -> str:
    """Return the key under which docker's config.json, kubelet and credential helpers look for this host.

    Docker Hub has one of its own (docker/cli config/credentials); every other registry is known by `host[:port]`.
    """
    return "https://index.docker.io/v1/" if canonical_host(host) == DOCKER_HUB else canonical_host(host)


def server_url(host: str) -> str:
    """Return the server as the Akka, Kalix, Akka Serverless and Akash documentation writes it: a full URL.

    Azure Container Registry is the one that they write bare, `NAME.azurecr.io`.
    """
    key = docker_key(host)
    if key.startswith("https://") or re.fullmatch(r"[a-z0-9-]+\.azurecr\.(?:io|cn|us|de)", key, re.ASCII):
        return key
    return f"https://{key}"
