"""The writing half of a registry: uploads, and manifests put and deleted."""

from __future__ import annotations

import json
import re
from typing import Any

from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry.door import Door
from pullgrant.sandbox.registry.images import MANIFEST_TYPE, Manifest, digest_of
from pullgrant.sandbox.registry.place import Map, Place
from pullgrant.sandbox.registry.store import Store
from pullgrant.sandbox.registry.words import API, error, signed

_PUSH = ("pull", "push")  # what distribution asks for a write: registry/handlers/app.go, appendAccessRecords


class Pushes:
    """Answers `POST`, `PATCH`, `PUT` and `DELETE`, each after the door has let its caller pass."""

    def __init__(self, *, places: Map, door: Door, store: Store) -> None:
        self._places, self._door, self._store = places, door, store

    def start(self, request: Request, match: re.Match[str]) -> Response:
        """Open an upload; with `digest` and a body it is finished at once."""
        entered = self._door.enter(request, match["name"], _PUSH, "upload")
        if isinstance(entered, Response):
            return entered
        if request.one("digest") and request.body:
            return signed(self._keep(entered.place, request.one("digest"), request.body), entered.visitor)
        return signed(self._upload_answer(202, entered.place, self._store.start_upload()), entered.visitor)

    def status(self, request: Request, match: re.Match[str]) -> Response:
        """Say how much of an upload has come."""
        return self._on_upload(request, match, 204)

    def write(self, request: Request, match: re.Match[str]) -> Response:
        """Take a piece of an upload."""
        return self._on_upload(request, match, 202)

    def finish(self, request: Request, match: re.Match[str]) -> Response:
        """Take the last piece of an upload and keep the blob when its digest is right."""
        entered = self._door.enter(request, match["name"], _PUSH, "upload")
        if isinstance(entered, Response):
            return entered
        received = self._store.upload(match["upload"])
        if received is None:
            return signed(_no_upload(), entered.visitor)
        self._store.end_upload(match["upload"])
        return signed(self._keep(entered.place, request.one("digest"), bytes(received) + request.body), entered.visitor)

    def cancel(self, request: Request, match: re.Match[str]) -> Response:
        """Forget an upload. Where tokens carry rights this needs `delete`, which a pusher may lack."""
        place = self._places.place(request.host, match["name"])
        actions = ("delete",) if place is not None and place.gate.style == "jwt" else _PUSH
        entered = self._door.enter(request, match["name"], actions, "upload")
        if isinstance(entered, Response):
            return entered
        known = self._store.upload(match["upload"]) is not None
        self._store.end_upload(match["upload"])
        return signed(Response(status=204, headers=API) if known else _no_upload(), entered.visitor)

    def put_manifest(self, request: Request, match: re.Match[str]) -> Response:
        """Keep a manifest whose blobs are all here."""
        entered = self._door.enter(request, match["name"], _PUSH, "put")
        if isinstance(entered, Response):
            return entered
        media_type = request.headers.get("content-type", MANIFEST_TYPE)
        manifest = Manifest(media_type=media_type, body=request.body)
        if wrong := self._wrong(entered.place, manifest, match["reference"]):
            return signed(wrong, entered.visitor)
        self._store.put_manifest(entered.place, match["reference"], manifest)
        headers = {
            "docker-content-digest": manifest.digest,
            "location": f"/v2/{entered.place.shown}/manifests/{manifest.digest}",
        }
        return signed(Response(status=201, headers=API | headers), entered.visitor)

    def delete_manifest(self, request: Request, match: re.Match[str]) -> Response:
        """Delete a pushed manifest by digest."""
        entered = self._door.enter(request, match["name"], ("delete",))
        if isinstance(entered, Response):
            return entered
        if self._store.manifest(entered.place, match["reference"]) is None:
            return signed(error(404, "MANIFEST_UNKNOWN", "manifest unknown"), entered.visitor)
        if not self._store.drop_manifest(entered.place, match["reference"]):
            return signed(error(405, "UNSUPPORTED", "only what was pushed can be deleted, by digest"), entered.visitor)
        return signed(Response(status=202, headers=API), entered.visitor)

    def _on_upload(self, request: Request, match: re.Match[str], status: int) -> Response:
        entered = self._door.enter(request, match["name"], _PUSH, "upload")
        if isinstance(entered, Response):
            return entered
        received = self._store.upload(match["upload"])
        if received is None:
            return signed(_no_upload(), entered.visitor)
        received += request.body if request.method == "PATCH" else b""
        return signed(self._upload_answer(status, entered.place, match["upload"]), entered.visitor)

    def _upload_answer(self, status: int, place: Place, upload: str) -> Response:
        received = self._store.upload(upload) or b""
        headers = {
            "location": f"/v2/{place.shown}/blobs/uploads/{upload}",
            "docker-upload-uuid": upload,
            "range": f"0-{max(len(received) - 1, 0)}",
        }
        return Response(status=status, headers=API | headers)

    def _keep(self, place: Place, digest: str, body: bytes) -> Response:
        if digest != digest_of(body):
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self._store.put_blob(place, digest, body)
        headers = {"docker-content-digest": digest, "location": f"/v2/{place.shown}/blobs/{digest}"}
        return Response(status=201, headers=API | headers)

    def _wrong(self, place: Place, manifest: Manifest, reference: str) -> Response | None:
        if reference.startswith("sha256:") and reference != manifest.digest:
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        try:
            needed = _blobs_of(json.loads(manifest.body))
        except (ValueError, KeyError, TypeError, AttributeError):
            return error(400, "MANIFEST_INVALID", "manifest invalid")
        missing = [digest for digest in needed if self._store.blob(place, digest) is None]
        return error(400, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {missing[0]}") if missing else None


def _blobs_of(manifest: dict[str, Any]) -> list[str]:
    """Return the digests of config and layers; an index has none of its own."""
    if "manifests" in manifest:
        return []
    return [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]


def _no_upload() -> Response:
    return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
