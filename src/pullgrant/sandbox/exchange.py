"""Requests, responses and routes of the sandbox's server: what a fake service is written in."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it arrived; `headers` have lower-case names, `path` has no query and keeps its percent escapes decoded."""

    method: str
    host: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON, {} when it is empty. Raises ValueError when it is not JSON."""
        return jsonlib.loads(self.body) if self.body else {}

    def form(self) -> dict[str, str]:
        """Return the body as a form, the last value of each name."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.query.get(name, [default])[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer: `json` when given, else `body`."""

    status: int = 200
    json: Any = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answering: TypeAlias = Callable[[Request, "re.Match[str]"], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one API. `kind` names it in the call log and in fault injection: `iam.CreateServiceAccountKey`.

    `host` and `path` are matched whole. A request sent straight to 127.0.0.1 (an endpoint override of a vendor's tool) is
    matched by method and path alone, in the order of the routes. `names` gives the kind of each request where one path serves
    many methods of an API, as AWS does.
    """

    kind: str
    method: str
    host: re.Pattern[str]
    path: re.Pattern[str]
    answer: Answering
    names: Callable[[Request], str] | None = None


def route(kind: str, method: str, host: str, path: str, answer: Answering) -> Route:
    """Return a Route from plain regular expressions; a literal host needs its dots escaped."""
    return Route(kind=kind, method=method, host=re.compile(host, re.ASCII), path=re.compile(path, re.ASCII), answer=answer)
