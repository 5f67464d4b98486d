"""Finds who answers a request, and answers it under the world's latency and faults, with a line in the call log."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from pullgrant.sandbox.country import Country
from pullgrant.sandbox.exchange import Request, Response, Route
from pullgrant.sandbox.faults import Met, meet
from pullgrant.sandbox.world import Call, Fault, World

PRINCIPAL = "x-sandbox-principal"
_LOG = logging.getLogger("pullgrant.sandbox")
_UNLOGGED = "sandbox."


class Switchboard:
    """All routes of one sandbox.

    `control` and `registry` are answered for loopback requests before and after the countries' own routes; `registry`
    also behind the host names that a gate of a country serves.
    """

    def __init__(
        self, *, world: World, countries: Sequence[Country], control: Sequence[Route], registry: Sequence[Route]
    ) -> None:
        self._world = world
        self._own = tuple(route for country in countries for route in country.routes())
        self._gates = tuple(gate for country in countries for gate in country.gates())
        self._countries, self._control, self._registry = tuple(countries), tuple(control), tuple(registry)

    def knows(self, host: str) -> bool:
        """Say whether anything answers under a host name."""
        return bool(self._routes(host))

    def tunnel_of(self, host: str) -> int | None:
        """Return the local port to which a host's connections are passed through, None for most."""
        for country in self._countries:
            if (port := country.tunnels().get(host)) is not None:
                return port
        return None

    def refused(self, host: str) -> str:
        """Note in the call log that somebody wanted an unknown host; return the words of the refusal."""
        words = f"the sandbox does not know {printable(host)}"
        self._world.log(Call(kind="sandbox.unknown-host", host=host, path="", principal="", status=502))
        return words

    def answer(self, request: Request) -> Met[Response]:
        """Return the answer to a request and how it ends."""
        found = self._find(request)
        if found is None:
            missing = _no_route(request)
            self._note("unknown", request, missing.status, "")
            return Met(ending="answer", answer=_without_principal(missing, self._world.now())[1])
        route, match = found
        if route.kind.startswith(_UNLOGGED):
            return Met(ending="answer", answer=_safely(route, request, match))
        kind = route.names(request) if route.names else route.kind
        met = meet(self._world, kind, lambda: _safely(route, request, match))
        principal, answer = _without_principal(met.answer, self._world.now())
        if met.ending == "status" and met.fault is not None:
            answer = _of_fault(met.fault)
        self._note(kind, request, answer.status if answer else 0, principal)
        return Met(ending=met.ending, answer=answer, fault=met.fault)

    def _note(self, kind: str, request: Request, status: int, principal: str) -> None:
        self._world.log(Call(kind=kind, host=request.host, path=request.path, principal=principal, status=status))

    def _find(self, request: Request) -> tuple[Route, re.Match[str]] | None:
        routes = self._routes(request.host)
        wanted = ("HEAD", "GET") if request.method == "HEAD" else (request.method,)
        for method in wanted:
            for route in routes:
                if route.method == method and (match := route.path.fullmatch(request.path)):
                    return route, match
        return None

    def _routes(self, host: str) -> tuple[Route, ...]:
        if is_loopback(host):
            return (*self._control, *self._own, *self._registry)
        own = tuple(route for route in self._own if route.host.fullmatch(host))
        return own + (self._registry if any(gate.serves(host) for gate in self._gates) else ())


def is_loopback(host: str) -> bool:
    """Say whether a Host header names this machine."""
    return re.sub(r":\d+$", "", host).lower() in ("127.0.0.1", "localhost", "[::1]")


def printable(text: str) -> str:
    """Return a foreign name as it can stand in a status line."""
    return re.sub(r"[^A-Za-z0-9._:\[\]-]", "?", text)[:253]


def _safely(route: Route, request: Request, match: re.Match[str]) -> Response:
    try:
        return route.answer(request, match)
    except Exception as error:
        _LOG.exception("%s failed", route.kind)
        return Response(status=500, json={"error": f"the sandbox failed in {route.kind}: {type(error).__name__}"})


def _no_route(request: Request) -> Response:
    words = f"the sandbox has no {request.method} {request.path} at {request.host}"
    return Response(status=404, json={"error": words})


def _without_principal(answer: Response | None, now: datetime) -> tuple[str, Response | None]:
    """Return who called, and the answer as it goes out: with the time of the world."""
    if answer is None:
        return "", None
    lower = {"date": format_datetime(now, usegmt=True)} | {name.lower(): value for name, value in answer.headers.items()}
    principal = lower.pop(PRINCIPAL, "")
    return principal, Response(status=answer.status, json=answer.json, body=answer.body, headers=lower)


def _of_fault(fault: Fault) -> Response:
    kind = "application/json; charset=utf-8" if fault.body.startswith(("{", "[")) else "text/plain; charset=utf-8"
    headers = {"content-type": kind} | {name.lower(): value for name, value in fault.headers.items()}
    return Response(status=int(fault.how), body=fault.body.encode(), headers=headers)
