"""Pulls an image as a platform would, with the credential that was registered there."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pullgrant.sandbox.country import Country
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.platforms import Platforms
from pullgrant.sandbox.registry import Registry
from pullgrant.sandbox.registry.place import Place

_SERVER_NAMES = ("server", "docker-server", "serveraddress", "host")


def pull_routes(countries: Mapping[str, Country], registry: Registry) -> tuple[Route, ...]:
    """Return the route of /sandbox/platform-pull, none when the sandbox has no platforms."""
    platforms = countries.get("platforms")
    if not isinstance(platforms, Platforms):
        return ()

    def answer(request: Request, _: re.Match[str]) -> Response:
        try:
            asked = request.json()
            platform, image = str(asked["platform"]), str(asked["image"])
        except (ValueError, KeyError, TypeError):
            return Response(status=400, json={"error": "say platform and image"})
        logins = list(registered(platforms.documents.document(platform), image.partition("/")[0]))
        return Response(json=pull(registry, image, logins))

    return (route("sandbox.platform-pull", "POST", ".*", "/sandbox/platform-pull", answer),)


def registered(document: Any, host: str) -> Iterator[tuple[str, str]]:
    """Yield user and password of every credential for a host, wherever a platform's document holds one.

    A credential is an object with server, username and password, or an `auths` entry of a docker config.json. Where a
    platform keeps secrets and a list of those that are registry credentials, a secret off that list is none.
    """
    if isinstance(document, list):
        for item in document:
            yield from registered(item, host)
    if not isinstance(document, dict):
        return
    server = next((document[name] for name in _SERVER_NAMES if isinstance(document.get(name), str)), "")
    if server and _host(server) == host and "password" in document:
        yield str(document.get("username", "")), str(document["password"])
        return
    secrets, listed = document.get("secrets"), document.get("registries")
    if isinstance(secrets, dict) and isinstance(listed, list):
        kept = [secrets[name] for name in listed if name in secrets]
        document = {**document, "secrets": kept}
    for key, value in document.items():
        if isinstance(value, dict) and isinstance(value.get("auth"), str) and _host(key) == host:
            yield from _decoded(value["auth"])
        else:
            yield from registered(value, host)


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


def _host(server: str) -> str:
    return urlsplit(server if "//" in server else f"//{server}").netloc.lower()


def _decoded(auth: str) -> Iterator[tuple[str, str]]:
    try:
        user, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return
    yield user, password
