"""The pull allowance: docker/docs content/manuals/docker-hub/usage/pulls.md. HEAD tells it, GET spends it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

from pullgrant.sandbox.dockerhub.gate import PREVIEW
from pullgrant.sandbox.dockerhub.state import REGISTRY, State
from pullgrant.sandbox.endpoint import endpoint
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.registry.images import build
from pullgrant.sandbox.registry.words import bearer, error
from pullgrant.sandbox.world import World

_MOST = {"": 100, "owner": 200}
_WINDOW = 21600
_OVER = (
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limits"
)


class Allowance:
    """The repository that is there to be asked about the limits."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def routes(self) -> Sequence[Route]:
        """Return the route of its manifest."""
        path = f"/v2/{re.escape(PREVIEW)}/manifests/latest"
        answer = endpoint(self._world, self._manifest)
        return (route("dockerhub.PullAllowance", "GET", re.escape(REGISTRY), path, answer),)

    def _manifest(self, request: Request, _: re.Match[str]) -> Response:
        name = _bearer_name(request)
        if name is None:
            return error(401, "UNAUTHORIZED", "authentication required")
        name = name if name in _MOST else ""
        if request.method == "GET" and not self._state.unlimited:
            self._state.pulls_left[name] = max(0, self._state.pulls_left[name] - 1)
        left = self._state.pulls_left[name]
        headers = {} if self._state.unlimited else {
            "ratelimit-limit": f"{_MOST[name]};w={_WINDOW}",
            "ratelimit-remaining": f"{left};w={_WINDOW}",
            "docker-ratelimit-source": name or "192.0.2.1",
        }  # fmt: skip
        if left == 0 and not self._state.unlimited:
            return Response(status=429, json={"errors": [{"code": "TOOMANYREQUESTS", "message": _OVER}]}, headers=headers)
        manifest = build(PREVIEW, "latest").manifest
        return Response(body=manifest.body, headers={**headers, "content-type": manifest.media_type})


def _bearer_name(request: Request) -> str | None:
    """Return whose token a request carries, empty for an anonymous one, None without a token."""
    parts = bearer(request).split(".")
    if len(parts) != 3:
        return None
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return str(claims.get("sub", ""))
