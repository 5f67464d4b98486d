"""The few calls of GitHub's API that tell of a token and of packages: docs.github.com/rest/users, rest/packages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from pullgrant.sandbox.endpoint import Handler, RefusalError, endpoint
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.ghcr.state import API, Package, State, Token
from pullgrant.sandbox.registry.images import build
from pullgrant.sandbox.registry.words import bearer
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

_OWNER = r"/(?P<kind>orgs|users)/(?P<owner>[^/]+)/packages"


class Api:
    """The API of api.github.com."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        return (
            self._route("GetAuthenticatedUser", "/user", self._user),
            self._route("ListPackages", _OWNER, self._packages),
            self._route("ListPackageVersions", rf"{_OWNER}/container/(?P<name>.+)/versions", self._versions),
        )

    def _route(self, operation: str, path: str, handler: Handler) -> Route:
        def answer(request: Request, match: re.Match[str]) -> Response:
            token = self._token(request)
            told = _told(token)
            try:
                response = handler(request, match)
            except RefusalError as refusal:
                response = refusal.response
            return replace(response, headers={**response.headers, **told, PRINCIPAL: token.login or token.kind})

        return route(f"ghcr.{operation}", "GET", re.escape(API), path, endpoint(self._world, answer))

    def _token(self, request: Request) -> Token:
        token = self._state.tokens.get(bearer(request))
        if token is None or not token.alive(self._world.now()):
            raise _refused(401, "Bad credentials")
        return token

    def _user(self, request: Request, _: re.Match[str]) -> Response:
        token = self._token(request)
        if token.kind in ("app", "actions"):
            raise _refused(403, "Resource not accessible by integration")
        return Response(json={"login": token.login, "id": crc32(token.login.encode()), "type": "User"})

    def _packages(self, request: Request, match: re.Match[str]) -> Response:
        found = [_package(name, one) for name, one in self._seen(request, match)]
        return Response(json=found)

    def _versions(self, request: Request, match: re.Match[str]) -> Response:
        name = f"{match['owner']}/{match['name']}"
        package = dict(self._seen(request, match)).get(name)
        if package is None:
            raise _refused(404, "Package not found.")
        found = [
            {"id": number, "name": build(name, tag).manifest.digest, "metadata": {"container": {"tags": [tag]}}}
            for number, tag in enumerate(package.tags, 1)
        ]
        return Response(json=found)

    def _seen(self, request: Request, match: re.Match[str]) -> list[tuple[str, Package]]:
        token, owner = self._token(request), match["owner"]
        if (owner in self._state.organizations) != (match["kind"] == "orgs"):
            raise _refused(404, "Not Found")
        if not token.reads or token.kind == "actions":
            raise _refused(403, "You need at least read:packages scope to list packages.")
        return [
            (name, one)
            for name, one in self._state.packages.items()
            if name.startswith(f"{owner}/") and (one.public or token.login in one.readers)
        ]


def _told(token: Token) -> dict[str, str]:
    """Return the headers that go with every answer to a token."""
    told = {"x-oauth-scopes": ", ".join(sorted(token.scopes))} if token.kind == "classic" else {}
    if token.expires_at is not None:
        told["github-authentication-token-expiration"] = f"{token.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    return told


def _package(name: str, package: Package) -> dict[str, Any]:
    owner, _, short = name.partition("/")
    shown = {"id": crc32(name.encode()), "name": short, "package_type": "container", "owner": {"login": owner}}
    return {**shown, "visibility": "public" if package.public else "private"}


def _refused(status: int, message: str) -> RefusalError:
    return RefusalError(
        Response(status=status, json={"message": message, "documentation_url": "https://docs.github.com/rest"})
    )
