"""The reading half of a registry: manifests, blobs and lists of tags."""

from __future__ import annotations

import re
from typing import Any

from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry.door import Door
from pullgrant.sandbox.registry.images import Manifest
from pullgrant.sandbox.registry.place import Map, Place
from pullgrant.sandbox.registry.store import Store
from pullgrant.sandbox.registry.words import API, bearer, challenge, error, signed

_NOT_THERE = "repository name not known to registry"


class Pulls:
    """Answers `GET` and `HEAD`, each after the door has let its caller pass."""

    def __init__(self, *, places: Map, door: Door, store: Store) -> None:
        self._places, self._door, self._store = places, door, store

    def ping(self, request: Request, _: re.Match[str]) -> Response:
        """Answer `/v2/`."""
        return self._door.ping(request)

    def catalog(self, request: Request, _: re.Match[str]) -> Response:
        """Answer the list of all repositories to a token that is for it. A gate without `may_list` gives none out."""
        gate = self._places.gate(request.host)
        if gate is None or not self._door.may_list(request):
            reason = "insufficient_scope" if bearer(request) else ""
            return challenge(self._places.desk(request), scope="registry:catalog:*", reason=reason)
        names = [name for name in sorted(gate.images(request.host)) if name > request.one("last")]
        limit, headers = request.one("n"), dict(API)
        if limit.isascii() and limit.isdigit() and 0 < int(limit) < len(names):
            names = names[: int(limit)]
            headers["link"] = f'<{request.path}?last={names[-1]}&n={limit}&orderby=>; rel="next"'
        return Response(json={"repositories": names}, headers=headers)

    def manifest(self, request: Request, match: re.Match[str]) -> Response:
        """Answer a manifest by tag or digest."""
        entered = self._door.enter(request, match["name"], ("pull",), "manifest")
        if isinstance(entered, Response):
            return entered
        manifest = self._store.manifest(entered.place, match["reference"])
        answer = error(404, "MANIFEST_UNKNOWN", "manifest unknown") if manifest is None else _manifest(manifest)
        return signed(answer, entered.visitor)

    def blob(self, request: Request, match: re.Match[str]) -> Response:
        """Answer a blob."""
        entered = self._door.enter(request, match["name"], ("pull",), "blob")
        if isinstance(entered, Response):
            return entered
        body = self._store.blob(entered.place, match["digest"])
        answer = error(404, "BLOB_UNKNOWN", "blob unknown to registry") if body is None else _blob(match["digest"], body)
        return signed(answer, entered.visitor)

    def tags(self, request: Request, match: re.Match[str]) -> Response:
        """Answer the tags of a repository, a page of `n` after `last`."""
        entered = self._door.enter(request, match["name"], ("pull",), "tags")
        if isinstance(entered, Response):
            return entered
        place = entered.place
        children = self._store.children(place) if getattr(place.gate, "lists_children", False) else []
        known = self._store.exists(place) or children
        answer = self._tag_list(request, place, children) if known else error(404, "NAME_UNKNOWN", _NOT_THERE)
        return signed(answer, entered.visitor)

    def _tag_list(self, request: Request, place: Place, children: list[str]) -> Response:
        held = self._store.tags(place)
        tags = [tag for tag in held if tag > request.one("last")]
        limit, headers = request.one("n"), dict(API)
        if limit.isascii() and limit.isdigit() and len(tags) > int(limit):
            tags = tags[: int(limit)]
            last = tags[-1] if tags else ""
            headers["link"] = f'</v2/{place.shown}/tags/list?last={last}&n={limit}>; rel="next"'
        body: dict[str, Any] = {"name": place.shown, "tags": tags}
        if getattr(place.gate, "lists_children", False):
            body |= {"child": children, "manifest": self._by_digest(place, held)}
        return Response(json=body, headers=headers)

    def _by_digest(self, place: Place, held: dict[str, str]) -> dict[str, Any]:
        """Return Google's extension of the list: digest -> what a manifest is, google/go-containerregistry pkg/v1/google."""
        found: dict[str, Any] = {}
        for tag, digest in held.items():
            manifest = self._store.manifest(place, digest)
            if manifest is not None:
                entry = found.setdefault(digest, {"mediaType": manifest.media_type, "tag": []})
                entry["tag"].append(tag)
        return found


def _manifest(manifest: Manifest) -> Response:
    headers = API | {"content-type": manifest.media_type, "docker-content-digest": manifest.digest}
    return Response(body=manifest.body, headers=headers)


def _blob(digest: str, body: bytes) -> Response:
    return Response(body=body, headers=API | {"content-type": "application/octet-stream", "docker-content-digest": digest})
