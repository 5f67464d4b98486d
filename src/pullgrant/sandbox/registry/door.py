"""Who may pass at a registry: reads the Authorization header and asks the gate, in the gate's style."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry.place import Desk, Map, Place
from pullgrant.sandbox.registry.tokens import Grant, Tokens
from pullgrant.sandbox.registry.words import API, basic, bearer, challenge, error, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Somebody may do what was asked at a place; `visitor` None is anonymous."""

    place: Place
    visitor: Visitor | None


class Door:
    """Admits or refuses. Every refusal of somebody known carries the name for the call log."""

    def __init__(self, *, places: Map, tokens: Tokens) -> None:
        self._places, self._tokens = places, tokens

    def ping(self, request: Request) -> Response:
        """Answer `GET /v2/`: 200 for who is signed in, else the challenge."""
        desk, gate = self._places.desk(request), self._places.gate(request.host)
        if desk.basic and gate is not None:
            visitor = _signed_in(request, gate, request.host)
            return (
                signed(Response(json={}, headers=API), visitor) if visitor else _stranger(request, gate, request.host, desk)
            )
        token = bearer(request)
        grant = self._tokens.read(token, service=desk.service)
        if grant is None:
            return challenge(desk, reason="invalid_token" if token else "")
        return signed(Response(json={}, headers=API), grant.visitor)

    def may_list(self, request: Request) -> bool:
        """Say whether the caller's token, or password at a `basic` gate, is for the list of all repositories."""
        gate = self._places.gate(request.host)
        if gate is not None and gate.style == "basic":
            may_list: Callable[[str, Visitor | None], bool] | None = getattr(gate, "may_list", None)
            return may_list is not None and may_list(request.host, _signed_in(request, gate, request.host))
        grant = self._tokens.read(bearer(request), service=self._places.desk(request).service)
        return grant is not None and grant.catalog

    def enter(self, request: Request, shown: str, actions: Sequence[str], door: str = "") -> Entered | Response:
        """Return who may do the actions in a repository, or the refusal. The last action is the one that matters most.

        `door` is where the request came in, for a `basic` gate that asks for finer actions there.
        """
        place, desk = self._places.place(request.host, shown), self._places.desk(request)
        if place is None:
            return error(404, "NAME_UNKNOWN", "repository name not known to registry")
        if desk.basic:
            asks: Mapping[str, str] = getattr(place.gate, "asks", {})
            return _by_password(request, place, desk, asks.get(door, actions[-1]))
        scope = f"repository:{shown}:{','.join(actions)}"
        token = bearer(request)
        grant = self._tokens.read(token, service=desk.service) if token else None
        if grant is None:
            return challenge(desk, scope=scope, reason="invalid_token" if token else "")
        if not _enough(grant, place, actions):
            return signed(challenge(desk, scope=scope, reason="insufficient_scope"), grant.visitor)
        if place.gate.style == "jwt":
            return Entered(place=place, visitor=grant.visitor)
        return _judged(place, grant.visitor, actions[-1])


def _enough(grant: Grant, place: Place, actions: Sequence[str]) -> bool:
    granted = grant.access.get(place.shown, frozenset())
    match place.gate.style:
        case "jwt":
            if getattr(place.gate, "wildcard", False):
                granted |= grant.access.get("*", frozenset())
            return granted.issuperset(actions)
        case "opaque-refusing":
            return actions[-1] in granted
        case _:
            return True  # such a token carries no rights: the registry asks the cloud


def _by_password(request: Request, place: Place, desk: Desk, action: str) -> Entered | Response:
    visitor = _signed_in(request, place.gate, place.host)
    if visitor is None and action not in place.gate.actions(place.host, None, place.name):
        return _stranger(request, place.gate, place.host, desk)
    return _judged(place, visitor, action)


def _signed_in(request: Request, gate: Gate, host: str) -> Visitor | None:
    try:
        login = basic(request)
    except ValueError:
        return None
    return gate.sign_in(host, *login) if login else None


def _stranger(request: Request, gate: Gate, host: str, desk: Desk) -> Response:
    """Return the refusal of a login that nobody has; a gate may have its own words for one that was good once."""
    words: Callable[[str, str, str], Response | None] | None = getattr(gate, "refused_login", None)
    try:
        login = basic(request)
    except ValueError:
        login = None
    return (words(host, *login) if words and login else None) or challenge(desk)


def _judged(place: Place, visitor: Visitor | None, action: str) -> Entered | Response:
    if action in place.gate.actions(place.host, visitor, place.name):
        return Entered(place=place, visitor=visitor)
    return signed(place.gate.refusal(place.host, visitor, place.name, action), visitor)
