"""Vault at vault.example: the engine `secret` is KV version 2, `old` is version 1 and `team/kv` shows that mounts have slashes.

Every write needs a token whose policy allows it. Sealed, the server answers 503 to everything, as a real one does.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Answering, Request, Response, Route, route
from pullgrant.sandbox.vault.engine import Engine, refused
from pullgrant.sandbox.world import World

HOST = "vault.example"
_VERSIONS = {"secret": "2", "team/kv": "2", "old": "1"}
_DENIED = "1 error occurred:\n\t* permission denied\n\n"


class Vault:
    """The country. `policies` gives each token the capabilities it has on every path.

    `sealed` closes it; `echo` refuses each write in words that repeat what was sent, which a careful client must not show.
    """

    name = "vault"

    def __init__(self, world: World, authority: object) -> None:
        self._world = world
        self._token = f"hvs.{secrets.token_urlsafe(24)}"
        self.reset()

    def reset(self) -> None:
        """See Country."""
        self.engines = {mount: Engine() for mount, version in _VERSIONS.items() if version == "2"}
        self.policies: dict[str, frozenset[str]] = {self._token: frozenset({"create", "read", "update"})}
        self.sealed = self.echo = False
        self.marks = True

    def routes(self) -> Sequence[Route]:
        """Return the calls that a client of KV version 2 makes."""

        def of(kind: str, method: str, path: str, answer: Callable[[Request, re.Match[str]], Response], need: str) -> Route:
            return route(f"vault.{kind}", method, re.escape(HOST), f"/v1/{path}", self._guarded(answer, need))

        mounts = "|".join(re.escape(mount) for mount in self.engines)
        data, metadata = rf"({mounts})/data/(.+)", rf"({mounts})/metadata/(.+)"
        return (
            of("mount", "GET", r"sys/internal/ui/mounts/(.+)", self._mount, ""),
            of("capabilities", "POST", r"sys/capabilities-self", self._capabilities, ""),
            of("lookup-self", "GET", r"auth/token/lookup-self", lambda *_: Response(json={"data": {}}), ""),
            of("kv.read", "GET", data, lambda _, match: self._engine(match).read(match[2]), "read"),
            of("kv.write", "POST", data, self._write, "update"),
            of(
                "kv.delete",
                "DELETE",
                data,
                lambda _, match: self._engine(match).delete(match[2], self._world.now()),
                "update",
            ),
            of("kv.describe", "POST", metadata, self._describe, "update"),
        )

    def gates(self) -> Sequence[Gate]:
        """Return none: Vault is no registry."""
        return ()

    def programs(self) -> Mapping[str, str]:
        """Return none."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return address and token, as users of Vault set them."""
        return {"VAULT_ADDR": f"https://{HOST}", "VAULT_TOKEN": self._token}

    def _guarded(self, answer: Callable[[Request, re.Match[str]], Response], need: str) -> Answering:
        def guarded(request: Request, match: re.Match[str]) -> Response:
            with self._world.lock:
                found = admitted(request, match)
            # hvac reads a refusal as JSON under this very header only, and Vault sends no other.
            return Response(status=found.status, json=found.json, headers={"content-type": "application/json"})

        def admitted(request: Request, match: re.Match[str]) -> Response:
            if self.sealed:
                return refused(503, "Vault is sealed")
            held = self.policies.get(request.headers.get("x-vault-token", ""))
            if held is None:
                return refused(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
            if need and need not in held:
                return refused(403, _DENIED)
            if self.echo and need == "update":
                return refused(403, f"{_DENIED}{request.body.decode()}")
            return answer(request, match)

        return guarded

    def _mount(self, request: Request, match: re.Match[str]) -> Response:
        path = f"{match[1]}/"
        for mount, version in _VERSIONS.items():
            if path.startswith(f"{mount}/"):
                return Response(json={"data": {"path": f"{mount}/", "type": "kv", "options": {"version": version}}})
        return refused(403, "preflight capability check returned 403, please ensure client's policies grant access to path")

    def _capabilities(self, request: Request, match: re.Match[str]) -> Response:
        held = sorted(self.policies[request.headers["x-vault-token"]]) or ["deny"]
        paths: list[str] = request.json().get("paths", [])
        return Response(json={"data": dict.fromkeys(paths, held), **dict.fromkeys(paths, held)})

    def _write(self, request: Request, match: re.Match[str]) -> Response:
        return self._engine(match).write(match[2], _body(request), self._world.now())

    def _describe(self, request: Request, match: re.Match[str]) -> Response:
        return self._engine(match).describe(match[2], _body(request)) if self.marks else refused(403, _DENIED)

    def _engine(self, match: re.Match[str]) -> Engine:
        return self.engines[match[1]]


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
