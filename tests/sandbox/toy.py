"""A tiny country with one registry of each style, to try the server and the registry without any cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.country import Visitor
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.world import World

Style = Literal["jwt", "opaque-refusing", "opaque", "basic"]
ACTIONS = {
    "reader": {"demo/app": frozenset({"pull"})},
    "pusher": {"demo/app": frozenset({"pull", "push", "delete"}), "demo/new": frozenset({"pull", "push", "delete"})},
    "nobody": {},
}


class ToyGate:
    """Reader may pull demo/app, pusher may do all there, nobody nothing; demo/open is public, demo/other is for none."""

    lists_children = True

    def __init__(self, world: World, host: str, style: Style) -> None:
        self.world, self.host, self.style = world, host, style
        self.expiries: dict[str, datetime] = {}
        self.gone: set[str] = set()
        self.granted = dict(ACTIONS)

    def serves(self, host: str) -> bool:
        return host == self.host

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        return {"demo/app": ["v1", "v2"], "demo/other": ["v1"], "demo/open": ["v1"]}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        end = self.expiries.get(username)
        dead = username in self.gone or (end is not None and end <= self.world.now())
        good = username in ACTIONS and password == f"{username}-password" and not dead
        return Visitor(name=f"user:{username}") if good else None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        if repository == "demo/open":
            return frozenset({"pull"})
        name = visitor.name.removeprefix("user:") if visitor else ""
        return self.granted.get(name, {}).get(repository, frozenset())

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        words = f"Permission '{action}' denied on {repository}"
        return Response(status=403, json={"errors": [{"code": "DENIED", "message": words}]})


class Toy:
    """Counts on a counter, so that a test sees whether a call had its effect."""

    name = "toy"

    def __init__(self, world: World, authority: Authority) -> None:
        self.world, self.authority = world, authority
        self.count = 0
        self.tunnel_ports: dict[str, int] = {}
        styles: tuple[tuple[str, Style], ...] = (
            ("jwt.test", "jwt"),
            ("gcr.io", "opaque-refusing"),
            ("opaque.test", "opaque"),
            ("basic.test", "basic"),
        )
        self.by_host = {host: ToyGate(world, host, style) for host, style in styles}
        self.closed = False

    def routes(self) -> Sequence[Route]:
        return (
            route("toy.count", "POST", r"api\.toy\.test", "/v1/count", self._count),
            route("toy.echo", "POST", r"api\.toy\.test", "/v1/echo/(?P<word>[^/]+)", self._echo),
            route("toy.look", "GET", r"[a-z]+\.toy\.test", "/v1/look", self._look),
            route("toy.broken", "GET", r"api\.toy\.test", "/v1/broken", self._broken),
        )

    def gates(self) -> Sequence[ToyGate]:
        return tuple(self.by_host.values())

    def programs(self) -> Mapping[str, str]:
        return {"toy": "import os, sys\nprint(os.environ['PULLGRANT_SANDBOX_URL'], *sys.argv[1:])\n"}

    def tunnels(self) -> Mapping[str, int]:
        return self.tunnel_ports

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        (folder / "signed-in").write_text(url)
        return {"TOY_FILE": str(folder / "signed-in")}

    def reset(self) -> None:
        self.count = 0

    def close(self) -> None:
        self.closed = True

    def _count(self, request: Request, match: re.Match[str]) -> Response:
        self.count += 1
        return Response(json={"count": self.count}, headers={"x-sandbox-principal": "user:toy", "X-Kept": "yes"})

    def _echo(self, request: Request, match: re.Match[str]) -> Response:
        size = len(request.body)
        return Response(json={"word": match["word"], "query": request.query, "size": size, "host": request.host})

    def _look(self, request: Request, match: re.Match[str]) -> Response:
        return Response(json={"settled": self.world.settled("thing")})

    def _broken(self, request: Request, match: re.Match[str]) -> Response:
        raise RuntimeError("the password is hunter2")
