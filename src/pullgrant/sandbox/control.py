"""The control API: what tests, tasks and other processes ask of a running sandbox, under /sandbox on 127.0.0.1."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from pullgrant.sandbox.country import Country
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.faults import checked
from pullgrant.sandbox.world import Fault, World

_MOST_SECONDS = 10 * 366 * 86400
_FAULT_TYPES: dict[str, type] = {
    "kind": str,
    "how": str,
    "times": int,
    "skip": int,
    "body": str,
    "headers": dict,
    "pid": int,
    "seconds": float,
}


class ControlDesk:
    """Answers the control API of one world; `forget` are further things to reset."""

    def __init__(self, *, world: World, countries: Sequence[Country], forget: Sequence[Callable[[], None]] = ()) -> None:
        self._world, self._countries, self._forget = world, tuple(countries), tuple(forget)

    def routes(self) -> tuple[Route, ...]:
        """Return the routes; their kinds begin with `sandbox.`, so they meet no fault and are not logged."""
        return (
            _post("reset", lambda _: self.reset()),
            _post("advance", self._advance),
            _post("settle", self._settle),
            _post("fail", self._fail),
            _post("latency", self._latency),
            _post("delete-key", self._delete_key),
            _get("calls", lambda: {"calls": [asdict(call) for call in list(self._world.calls)]}),
            _get("ready", lambda: {"ready": True, "countries": [country.name for country in self._countries]}),
        )

    def reset(self) -> None:
        """Return world, countries and registry to their first day."""
        with self._world.lock:
            self._world.reset()
            for country in self._countries:
                country.reset()
            for forget in self._forget:
                forget()

    def _advance(self, asked: dict[str, Any]) -> None:
        self._world.advance(timedelta(seconds=_seconds(asked, "seconds")))

    def _settle(self, asked: dict[str, Any]) -> None:
        reads = asked.get("reads", 0)
        if not isinstance(reads, int) or reads < 0:
            raise ValueError("reads is a number, 0 or more")
        self._world.settle_after(reads=reads, seconds=_seconds(asked, "seconds", 0.0))

    def _fail(self, asked: dict[str, Any]) -> None:
        if unknown := set(asked) - {field.name for field in fields(Fault)}:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        if isinstance(asked.get("how"), int):
            asked = {**asked, "how": str(asked["how"])}
        for name, value in asked.items():
            wanted = (int, float) if _FAULT_TYPES[name] is float else _FAULT_TYPES[name]
            if not isinstance(value, wanted):
                raise ValueError(f"{name} of a fault is a {_FAULT_TYPES[name].__name__}")
        if not asked.get("kind") or not asked.get("how"):
            raise ValueError("a fault needs kind and how")
        self._world.fail_next(checked(Fault(**asked)))

    def _delete_key(self, asked: dict[str, Any]) -> None:
        """Delete all keys of a reader behind everybody's back; a country may offer `delete_keys`, which counts them."""
        reader = asked.get("reader")
        if not isinstance(reader, str) or not reader:
            raise ValueError("reader is the name of a reader")
        with self._world.lock:
            gone = sum(getattr(country, "delete_keys", lambda _: 0)(reader) for country in self._countries)
        if not gone:
            raise ValueError(f"no reader {reader} has a key here")

    def _latency(self, asked: dict[str, Any]) -> None:
        self._world.latency = _seconds(asked, "seconds")


def _post(name: str, act: Callable[[dict[str, Any]], None]) -> Route:
    def answer(request: Request, _: re.Match[str]) -> Response:
        try:
            asked = request.json()
            if not isinstance(asked, dict):
                raise ValueError("the body is a JSON object")
            act(asked)
        except ValueError as error:
            return Response(status=400, json={"error": str(error)})
        return Response(json={})

    return route(f"sandbox.{name}", "POST", ".*", f"/sandbox/{name}", answer)


def _get(name: str, see: Callable[[], Any]) -> Route:
    return route(f"sandbox.{name}", "GET", ".*", f"/sandbox/{name}", lambda *_: Response(json=see()))


def _seconds(asked: dict[str, Any], name: str, default: float | None = None) -> float:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_SECONDS:
        raise ValueError(f"{name} is a number of seconds, 0 or more")
    return float(value)
