"""JSON documents at /platforms/NAME, one per platform, changed under If-Match so that no writer undoes another."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

from pullgrant.sandbox.exchange import Request, Response, Route, route

_PATH = r"/platforms/(?P<name>[a-z][a-z0-9-]*)"


class Documents:
    """The states of the fake platforms. A platform that has never written is {}, with the ETag of version 0."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._held: dict[str, tuple[int, dict[str, Any]]] = {}

    def routes(self) -> Sequence[Route]:
        """Return the routes; kinds `platforms.read` and `platforms.write`."""
        return (
            route("platforms.read", "GET", "(?!)", _PATH, self._read),
            route("platforms.write", "PUT", "(?!)", _PATH, self._write),
        )

    def document(self, name: str) -> dict[str, Any]:
        """Return a platform's document."""
        return self._held.get(name, (0, {}))[1]

    def forget(self) -> None:
        """Drop all documents. Versions go on, so that a writer from before is told."""
        with self._lock:
            self._held = {name: (version + 1, {}) for name, (version, _) in self._held.items()}

    def _read(self, _: Request, match: re.Match[str]) -> Response:
        version, document = self._held.get(match["name"], (0, {}))
        return Response(json=document, headers={"etag": _tag(version)})

    def _write(self, request: Request, match: re.Match[str]) -> Response:
        try:
            document = request.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return Response(status=400, json={"error": "a platform's document is a JSON object"})
        with self._lock:
            version = self._held.get(match["name"], (0, {}))[0]
            if request.headers.get("if-match", "*") not in ("*", _tag(version)):
                return Response(status=412, json={"error": "changed meanwhile"}, headers={"etag": _tag(version)})
            self._held[match["name"]] = (version + 1, document)
        return Response(json={}, headers={"etag": _tag(version + 1)})


def _tag(version: int) -> str:
    return f'"{version}"'
