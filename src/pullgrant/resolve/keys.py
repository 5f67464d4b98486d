"""Under which key each tool looks for the credential of an image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pullgrant.model.image import DOCKER_HUB, Image, docker_key, server_url

# A host may hold the brackets of a glob, which urllib takes for those of an IPv6 address.
_URL = re.compile(r"https?://(?P<host>\[[0-9a-f:]*\]|[^/:]*)(?::(?P<port>[^/]*))?(?P<path>(?:/.*)?)", re.ASCII | re.DOTALL)
_HUB_API = "registry-1.docker.io"
_HUB_KEY = "index.docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one image.

    `docker` is that of config.json and of credential helpers. `containerd_folder` holds its hosts.toml, `containerd_auth`
    is the name in `registry.configs` of releases that still read it (containerd docs/hosts.md, docs/cri/registry.md).
    `kubernetes` are the keys of a pull secret that match, in the order in which the kubelet tries them; a label of the
    host may also be a glob. `akka` and `akash` are the server or host as the platforms' documentation writes it.
    """

    docker: str
    containerd_folder: str
    containerd_auth: str
    kubernetes: tuple[str, ...]
    akka: str
    akash: str


def keys_of(image: Image) -> Keys:
    """Return the keys of an image."""
    return Keys(
        docker=docker_key(image.host),
        containerd_folder=f"/etc/containerd/certs.d/{image.host}",
        containerd_auth=_HUB_API if image.host == DOCKER_HUB else image.host,
        kubernetes=_kubernetes(image),
        akka=server_url(image.host),
        akash=server_url(image.host),
    )


def kubernetes_matches(key: str, image: Image) -> bool:
    """Say whether the kubelet would use a pull secret's key for an image.

    Ports are equal, hosts have equally many labels of which each matches as a glob, and the image's path begins with the
    key's as plain text (kubernetes/kubernetes pkg/credentialprovider/keyring.go). Docker Hub's images also have one key of
    their own, which counts when no other does.
    """
    host, port, path = _split(key if re.match(r"https?://", key) else f"https://{key}")
    wanted_host, wanted_port, wanted_path = _split(f"https://{image.host}/{image.repository}")
    labels, wanted_labels = host.split("."), wanted_host.split(".")
    if (
        port == wanted_port
        and len(labels) == len(wanted_labels)
        and all(fnmatchcase(one, glob.replace("[^", "[!")) for one, glob in zip(wanted_labels, labels, strict=True))
        and wanted_path.startswith(path)
    ):
        return True
    return image.host == DOCKER_HUB and (host, port, path) == (_HUB_KEY, "", "")


def _split(url: str) -> tuple[str, str, str]:
    """Return host, port and path; a first `/v1/` or `/v2/` of the path is no part of it."""
    parts = _URL.fullmatch(url)
    if not parts:
        return "", "", ""
    path = re.sub(r"\A/v[12]/", "/", parts["path"])
    return parts["host"], parts["port"] or "", "" if path == "/" else path


def _kubernetes(image: Image) -> tuple[str, ...]:
    """Longer keys of the same start come first: the kubelet sorts them in reverse."""
    names = image.repository.split("/")
    keys = [f"{image.host}/{'/'.join(names[:count])}" for count in range(len(names), 0, -1)]
    return (*keys, image.host, *([docker_key(image.host)] if image.host == DOCKER_HUB else []))
