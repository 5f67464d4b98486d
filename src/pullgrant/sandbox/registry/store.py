"""What a registry holds: the images that a cloud's state names, and what was pushed since."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from pullgrant.sandbox.registry.images import Built, Manifest, build
from pullgrant.sandbox.registry.place import Place


@dataclass(slots=True, kw_only=True)
class Pushed:
    """What was pushed into one repository."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)


class Store:
    """Repositories by host and name. Images of the cloud's state are made when first asked for."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._built: dict[tuple[str, str], Built] = {}
        self._pushed: dict[tuple[str, str], Pushed] = {}
        self._uploads: dict[str, bytearray] = {}

    def forget(self) -> None:
        """Drop everything that was pushed, and open uploads."""
        with self._lock:
            self._pushed.clear()
            self._uploads.clear()

    def exists(self, place: Place) -> bool:
        """Say whether a repository is there."""
        return place.name in place.gate.images(place.host) or (place.host, place.name) in self._pushed

    def children(self, place: Place) -> list[str]:
        """Return the names directly below a place, sorted."""
        pushed = [name for host, name in self._pushed if host == place.host]
        below = f"{place.name}/"
        names = {*place.gate.images(place.host), *pushed}
        return sorted({name.removeprefix(below).split("/")[0] for name in names if name.startswith(below)})

    def tags(self, place: Place) -> dict[str, str]:
        """Return tag -> manifest digest."""
        tags = {tag: image.manifest.digest for tag, image in self._images(place).items()}
        return dict(sorted((tags | self._at(place).tags).items()))

    def manifest(self, place: Place, reference: str) -> Manifest | None:
        """Return a manifest by tag or digest, None when there is none."""
        digest = self.tags(place).get(reference, reference)
        if found := self._at(place).manifests.get(digest):
            return found
        images = self._images(place).values()
        return next((image.manifest for image in images if image.manifest.digest == digest), None)

    def blob(self, place: Place, digest: str) -> bytes | None:
        """Return a blob, None when there is none."""
        if (found := self._at(place).blobs.get(digest)) is not None:
            return found
        return next((image.blobs[digest] for image in self._images(place).values() if digest in image.blobs), None)

    def start_upload(self) -> str:
        """Return the name of a new upload."""
        name = secrets.token_hex(16)
        with self._lock:
            self._uploads[name] = bytearray()
        return name

    def upload(self, name: str) -> bytearray | None:
        """Return what an open upload has received, to add to; None when there is no such upload."""
        return self._uploads.get(name)

    def end_upload(self, name: str) -> None:
        """Forget an upload."""
        with self._lock:
            self._uploads.pop(name, None)

    def put_blob(self, place: Place, digest: str, body: bytes) -> None:
        """Keep a blob."""
        with self._lock:
            self._kept(place).blobs[digest] = body

    def put_manifest(self, place: Place, reference: str, manifest: Manifest) -> None:
        """Keep a manifest, and its tag when the reference is one."""
        with self._lock:
            pushed = self._kept(place)
            pushed.manifests[manifest.digest] = manifest
            if not reference.startswith("sha256:"):
                pushed.tags[reference] = manifest.digest

    def drop_manifest(self, place: Place, digest: str) -> bool:
        """Delete a pushed manifest and its tags; False for one that the cloud's own state names."""
        with self._lock:
            pushed = self._at(place)
            pushed.tags = {tag: held for tag, held in pushed.tags.items() if held != digest}
            return pushed.manifests.pop(digest, None) is not None

    def _images(self, place: Place) -> dict[str, Built]:
        with self._lock:
            tags = place.gate.images(place.host).get(place.name, ())
            for tag in tags:
                if (place.name, tag) not in self._built:
                    self._built[place.name, tag] = build(place.name, tag)
            return {tag: self._built[place.name, tag] for tag in tags}

    def _at(self, place: Place) -> Pushed:
        return self._pushed.get((place.host, place.name)) or Pushed()

    def _kept(self, place: Place) -> Pushed:
        return self._pushed.setdefault((place.host, place.name), Pushed())
