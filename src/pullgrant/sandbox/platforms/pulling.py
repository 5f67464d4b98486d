"""Pulls an image as a platform would, with the credential that was registered there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pullgrant.sandbox.country import Country
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.platforms.keepers import logins
from pullgrant.sandbox.registry import Registry
from pullgrant.sandbox.registry.place import Place


def pull_routes(countries: Mapping[str, Country], registry: Registry) -> tuple[Route, ...]:
    """Return the route of /sandbox/platform-pull, none when the sandbox has no platforms."""
    if "platforms" not in countries:
        return ()

    def answer(request: Request, _: re.Match[str]) -> Response:
        try:
            asked = request.json()
            platform, image = str(asked["platform"]), str(asked["image"])
        except (ValueError, KeyError, TypeError):
            return Response(status=400, json={"error": "say platform and image"})
        try:
            found = logins(countries, platform, image)
        except ValueError as error:
            return Response(json={"pulled": False, "words": str(error)})
        return Response(json=pull(registry, image, found))

    return (route("sandbox.platform-pull", "POST", ".*", "/sandbox/platform-pull", answer),)


def pull(registry: Registry, image: str, logins: list[tuple[str, str]]) -> dict[str, Any]:
    """Return how a pull ends: `pulled`, and the registry's `words` when it is refused. Each login is tried, else none."""
    host, _, rest = image.partition("/")
    name, colon, tag = rest.rpartition(":")
    name, tag = (name, tag) if colon else (rest, "latest")
    gate = registry.places.gate(host)
    if gate is None or not name:
        return {"pulled": False, "words": f"the sandbox knows no registry {host}"}
    place = Place(gate=gate, host=host, name=name, shown=name)
    words = ""
    tried: list[tuple[str, str] | None] = [*logins] or [None]
    for login in tried:
        words = _attempt(registry, place, tag, login)
        if not words:
            return {"pulled": True, "words": ""}
    return {"pulled": False, "words": words}


def _attempt(registry: Registry, place: Place, tag: str, login: tuple[str, str] | None) -> str:
    visitor = place.gate.sign_in(place.host, *login) if login else None
    if login and visitor is None:
        return "unauthorized: authentication failed"
    if "pull" not in place.gate.actions(place.host, visitor, place.name):
        refusal = place.gate.refusal(place.host, visitor, place.name, "pull")
        return _first_message(refusal)
    return "" if registry.store.manifest(place, tag) else f"manifest unknown: {place.name}:{tag}"


def _first_message(refusal: Response) -> str:
    try:
        return str(refusal.json["errors"][0]["message"])
    except (KeyError, IndexError, TypeError):
        return refusal.body.decode("utf-8", "replace") or f"denied: {refusal.status}"
