"""GitHub at api.github.com: the secrets of the repository `acme/app` and of its environment `production`.

What a client sends must open with the private key of the one public key that was given out, as GitHub's own would.
Source: docs.github.com/rest/actions/secrets.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Answering, Request, Response, Route, route
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

HOST = "api.github.com"
REPOSITORY = "acme/app"
_DOCS = "https://docs.github.com/rest"


class Github:
    """The country. `opened` holds the texts of all secrets by path, which only the sandbox can see.

    `tokens` says which token may write; `echo` refuses each write in words that repeat the opened secret.
    """

    name = "github"

    def __init__(self, world: World, authority: object) -> None:
        self._world = world
        self._key = PrivateKey.generate()
        self._key_id = str(secrets.randbelow(10**18))
        self._token = f"ghp_{secrets.token_hex(18)}"
        self.reset()

    def reset(self) -> None:
        """See Country."""
        self.opened: dict[str, str] = {}
        self._updated: dict[str, str] = {}
        self.tokens = {self._token: True}
        self.echo = False

    def routes(self) -> Sequence[Route]:
        """Return the calls on secrets; a path of another repository is not found, as one that may not be seen."""

        def of(kind: str, method: str, path: str, answer: Callable[[Request, str], Response]) -> Route:
            return route(f"github.{kind}", method, re.escape(HOST), path, self._guarded(answer))

        place = r"(/repos/[^/]+/[^/]+/(?:actions|environments/[^/]+)/secrets)"
        return (
            of("public-key", "GET", rf"{place}/public-key", self._public_key),
            of("secret.get", "GET", rf"({place}/[A-Z0-9_]+)", self._get),
            of("secret.put", "PUT", rf"({place}/[A-Z0-9_]+)", self._put),
            of("secret.delete", "DELETE", rf"({place}/[A-Z0-9_]+)", self._delete),
        )

    def gates(self) -> Sequence[Gate]:
        """Return none: ghcr.io is another service."""
        return ()

    def programs(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return the token as GitHub's own tools take it."""
        return {"GH_TOKEN": self._token}

    def _guarded(self, answer: Callable[[Request, str], Response]) -> Answering:
        def guarded(request: Request, match: re.Match[str]) -> Response:
            with self._world.lock:
                kind, _, token = request.headers.get("authorization", "").partition(" ")
                may = self.tokens.get(token) if kind.lower() in ("bearer", "token") else None
                if may is None:
                    return _refused(401, "Bad credentials")
                if not any(match[1].startswith(f"/repos/{REPOSITORY}/{part}/") for part in _PARTS):
                    return _refused(404, "Not Found")
                if not may:
                    return _refused(403, "Resource not accessible by personal access token")
                found = answer(request, match[1])
                return Response(status=found.status, json=found.json, headers={PRINCIPAL: "operator"})

        return guarded

    def _public_key(self, request: Request, path: str) -> Response:
        return Response(json={"key_id": self._key_id, "key": base64.b64encode(bytes(self._key.public_key)).decode()})

    def _get(self, request: Request, path: str) -> Response:
        if path not in self.opened:
            return _refused(404, "Not Found")
        stamp = self._updated.get(path, "2026-01-01T00:00:00Z")
        return Response(json={"name": path.rpartition("/")[2], "created_at": stamp, "updated_at": stamp})

    def _put(self, request: Request, path: str) -> Response:
        body: Any = request.json()
        if body.get("key_id") != self._key_id:
            return _refused(422, "Validation Failed")
        try:
            opened = SealedBox(self._key).decrypt(base64.b64decode(body.get("encrypted_value", ""), validate=True)).decode()
        except (ValueError, CryptoError):
            return _refused(422, "Bad Request: the value is not sealed for this key")
        if self.echo:
            return _refused(403, f"may not write {opened}")
        made = path not in self.opened
        self.opened[path], self._updated[path] = opened, self._world.now().isoformat(timespec="seconds")
        return Response(status=201, json={}) if made else Response(status=204)

    def _delete(self, request: Request, path: str) -> Response:
        if self.echo:
            return _refused(403, "may not delete")
        return _refused(404, "Not Found") if self.opened.pop(path, None) is None else Response(status=204)


_PARTS = ("actions", "environments/production")


def _refused(status: int, words: str) -> Response:
    return Response(status=status, json={"message": words, "documentation_url": _DOCS, "status": str(status)})
