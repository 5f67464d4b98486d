"""Small real OCI images, made from nothing but their name: one layer, one config, one manifest, all digests true."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as stored."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """The digest of the body."""
        return digest_of(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image: its manifest, and its blobs by digest."""

    manifest: Manifest
    blobs: dict[str, bytes]


def digest_of(body: bytes) -> str:
    """Return `sha256:...` of some bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def build(repository: str, tag: str) -> Built:
    """Return the image of a name; the same name gives the same bytes."""
    tar = _tar("hello.txt", f"{repository}:{tag}\n".encode())
    layer = gzip.compress(tar, mtime=0)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"org.opencontainers.image.ref.name": f"{repository}:{tag}"}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _described(_CONFIG_TYPE, config),
            "layers": [_described(_LAYER_TYPE, layer)],
        }
    )
    blobs = {digest_of(blob): blob for blob in (config, layer)}
    return Built(manifest=Manifest(media_type=MANIFEST_TYPE, body=manifest), blobs=blobs)


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _described(media_type: str, body: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
