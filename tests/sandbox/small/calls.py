"""Calls a fake's routes in this process, as its server would."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, unquote

from pullgrant.sandbox.country import Country
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry.place import Place
from pullgrant.sandbox.registry.scopes import read_scopes


def call(country: Country, method: str, host: str, target: str, *, body: Any = None, **headers: str) -> Response:
    """Return the answer of the route that a request meets first; names of headers are given with underscores."""
    path, _, query = target.partition("?")
    request = Request(
        method=method,
        host=host,
        path=unquote(path),
        query=parse_qs(query, keep_blank_values=True),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=b"" if body is None else json.dumps(body).encode(),
    )
    for route in country.routes():
        match = route.path.fullmatch(request.path)
        if route.method == method and route.host.fullmatch(host) and match:
            return route.answer(request, match)
    raise AssertionError(f"no route for {method} {host}{path}")


def basic(user: str, password: str) -> str:
    """Return a Basic header."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def token_for(gate: Any, host: str, login: tuple[str, str] | None, *scopes: str) -> Any:
    """Return what a gate's token service decides: actions by repository, or the refusal."""
    wanted = {one: Place(gate=gate, host=host, name=one.name, shown=one.name) for one in read_scopes(scopes)}
    judged = gate.judge_token(host, login, wanted)
    return judged if isinstance(judged, Response) else judged[1]


def words(response: Response) -> str:
    """Return what a refusal says."""
    return json.dumps(response.json)
