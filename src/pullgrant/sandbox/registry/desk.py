"""The token service: distribution/distribution docs/content/spec/auth/token.md and oauth.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry.place import Map, Place
from pullgrant.sandbox.registry.scopes import Scope, read_scopes
from pullgrant.sandbox.registry.tokens import Grant, Tokens, lasting
from pullgrant.sandbox.registry.words import basic, error, signed
from pullgrant.sandbox.world import World

Style: TypeAlias = Literal["jwt", "opaque-refusing", "opaque", "basic"]
Judge: TypeAlias = Callable[
    [str, "tuple[str, str] | None", Mapping[Scope, Place]], "tuple[Visitor | None, Mapping[str, frozenset[str]]] | Response"
]
_SECONDS = 300
_NAMES = ("token", "access_token")
_WRONG = "authentication failed: no such credential, or it is disabled, deleted or expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A token request, read: the login (None: anonymous), whose registry, what is wanted there, and for which service.

    `catalog`: the list of all repositories is wanted too.
    """

    login: tuple[str, str] | None
    gate: Gate | None
    host: str
    wanted: Mapping[Scope, Place]
    service: str
    style: Style
    now: datetime
    catalog: bool = False


class TokenDesk:
    """Gives tokens to those who sign in at a gate, in that gate's style."""

    def __init__(self, *, world: World, places: Map, tokens: Tokens) -> None:
        self._world, self._places, self._tokens = world, places, tokens

    def give(self, request: Request, _: re.Match[str]) -> Response:
        """Answer a token request at a registry's own desk."""
        gate = self._places.gate(request.host)
        if request.method == "POST" and gate is not None and not getattr(gate, "oauth2", gate.style == "jwt"):
            return error(404, "UNSUPPORTED", "this token service knows GET only")
        try:
            return self._judged(self._asked(request, gate))
        except ValueError as reason:
            return error(400, "UNSUPPORTED", str(reason))

    def give_for(self, request: Request, match: re.Match[str]) -> Response:
        """Answer for a real registry elsewhere that trusts our certificate, in the name of a host that the sandbox plays.

        Its repositories are judged as PREFIX/NAME at HOST. Time is the machine's, as that registry knows no other.
        """
        place = match["place"] or f"{request.one('host')}/{request.one('prefix')}"
        host, _, prefix = place.strip("/").partition("/")
        gate = self._places.gate(host)
        if gate is None:
            return error(404, "NAME_UNKNOWN", f"the sandbox knows no registry {host}")
        try:
            login, scopes, service = _read(request, gate)
        except ValueError as reason:
            return error(400, "UNSUPPORTED", str(reason))
        wanted = {
            scope: Place(gate=gate, host=host, name=f"{prefix}/{scope.name}".strip("/"), shown=scope.name)
            for scope in scopes
            if scope.type == "repository"
        }
        now = datetime.now(UTC)
        return self._judged(Asked(login=login, gate=gate, host=host, wanted=wanted, service=service, style="jwt", now=now))

    def _asked(self, request: Request, gate: Gate | None) -> Asked:
        login, scopes, service = _read(request, gate)
        found = {scope: self._places.place(request.host, scope.name) for scope in scopes if scope.type == "repository"}
        there = [place for place in found.values() if place]
        host, gate = (there[0].host, there[0].gate) if there else (request.host, gate)
        return Asked(
            login=login,
            gate=gate,
            host=host,
            wanted={scope: place for scope, place in found.items() if place and place.host == host},
            service=service or self._places.desk(request).service,
            style=gate.style if gate else "opaque",
            now=self._world.now(),
            catalog=any((scope.type, scope.name) == ("registry", "catalog") for scope in scopes),
        )

    def _judged(self, asked: Asked) -> Response:
        judge: Judge | None = getattr(asked.gate, "judge_token", None)
        if judge is not None:
            judged = judge(asked.host, asked.login, asked.wanted)
            if isinstance(judged, Response):
                return judged
            return signed(self._token(asked, *judged), judged[0])
        visitor = None
        if asked.login is not None and asked.gate is not None:
            visitor = asked.gate.sign_in(asked.host, *asked.login)
            if visitor is None:
                return error(401, "UNAUTHORIZED", _WRONG)
        access: dict[str, frozenset[str]] = {}
        for scope, place in asked.wanted.items():
            allowed = place.gate.actions(asked.host, visitor, place.name)
            refused = [action for action in scope.actions if action not in allowed]
            if refused and asked.style == "opaque-refusing":
                return signed(place.gate.refusal(asked.host, visitor, place.name, refused[0]), visitor)
            if granted := allowed & frozenset(scope.actions):
                access[scope.name] = access.get(scope.name, frozenset()) | granted
        return signed(self._token(asked, visitor, access), visitor)

    def _token(self, asked: Asked, visitor: Visitor | None, access: Mapping[str, frozenset[str]]) -> Response:
        seconds = int(getattr(asked.gate, "token_seconds", _SECONDS))
        may_list = getattr(asked.gate, "may_list", None) if asked.catalog else None
        grant = Grant(
            visitor=visitor,
            service=asked.service,
            access=access,
            expires_at=lasting(asked.now, seconds),
            catalog=may_list is not None and may_list(asked.host, visitor),
        )
        token = self._tokens.signed(grant, now=asked.now) if asked.style == "jwt" else self._tokens.opaque(grant)
        names = getattr(asked.gate, "token_names", _NAMES)
        body: dict[str, object] = dict.fromkeys(names, token)
        if getattr(asked.gate, "tells_life", True):
            body |= {"expires_in": seconds, "issued_at": f"{asked.now:%Y-%m-%dT%H:%M:%SZ}"}
        return Response(json=body, headers={"cache-control": "no-store"})


def _read(request: Request, gate: Gate | None) -> tuple[tuple[str, str] | None, tuple[Scope, ...], str]:
    """Return login, scopes and service of a GET or POST request. Raises ValueError for a broken one."""
    if request.method != "POST":
        return basic(request), read_scopes(request.query.get("scope", [])), request.one("service")
    form = request.form()
    match form.get("grant_type"):
        case "password":
            login = (form.get("username", ""), form.get("password", ""))
        case "refresh_token":
            login = (str(getattr(gate, "refresh_user", "<token>")), form.get("refresh_token", ""))
        case _:
            raise ValueError("grant_type is password or refresh_token")
    return login, read_scopes([form.get("scope", "")]), form.get("service", "")
