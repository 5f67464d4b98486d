"""The CI/CD variables of GitLab's projects.

Source: docs.gitlab.com/api/project_level_variables; which values can be masked: docs.gitlab.com/ci/variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from pullgrant.sandbox.exchange import Answering, Request, Response, Route, route
from pullgrant.sandbox.gitlab.state import HOST, MAINTAINER, State
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

Json: TypeAlias = dict[str, Any]
_FIRST: Json = {
    "variable_type": "env_var", "protected": False, "masked": False, "hidden": False, "raw": False,
    "environment_scope": "*", "description": None,
}  # fmt: skip
_MASKABLE, _RAW_MASKABLE = re.compile(r"[A-Za-z0-9+/=@:.~_-]{8,}", re.ASCII), re.compile(r"\S{8,}")


class Variables:
    """The API. `kept` holds the variables of all projects by project, name and scope.

    `old` is a GitLab that masks only what is in its short alphabet; `echo` refuses each write and repeats what was sent.
    """

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world
        self.reset()

    def reset(self) -> None:
        """Return to the first day: no variable."""
        self.kept: dict[tuple[str, str, str], Json] = {}
        self.old = self.echo = False

    def routes(self) -> Sequence[Route]:
        """Return the calls on variables."""

        def of(kind: str, method: str, path: str, answer: Callable[[Request, str, str], Response]) -> Route:
            return route(f"gitlab.{kind}Variable", method, re.escape(HOST), path, self._guarded(answer))

        place = r"/api/v4/projects/(?P<project>.+)/variables"
        one = place + r"/(?P<key>[A-Za-z0-9_]+)"
        return (
            of("List", "GET", place, self._list),
            of("Create", "POST", place, self._create),
            of("Get", "GET", one, self._get),
            of("Update", "PUT", one, self._update),
            of("Delete", "DELETE", one, self._delete),
        )

    def _guarded(self, answer: Callable[[Request, str, str], Response]) -> Answering:
        def guarded(request: Request, match: re.Match[str]) -> Response:
            with self._world.lock:
                user = self._state.users.get(request.headers.get("private-token", ""))
                if user is None:
                    return Response(status=401, json={"message": "401 Unauthorized"})
                project = self._state.project(match["project"])
                role = self._state.role(user, project.path) if project else 0
                if project is None or role == 0:
                    return Response(status=404, json={"message": "404 Project Not Found"})
                if role < MAINTAINER:
                    return Response(status=403, json={"message": "403 Forbidden"})
                if self.echo and request.method != "GET":
                    return Response(status=403, json={"message": f"403 Forbidden {request.body.decode()}"})
                found = answer(request, project.path, match.groupdict().get("key") or "")
                return Response(status=found.status, json=found.json, headers={PRINCIPAL: user})

        return guarded

    def _list(self, request: Request, project: str, key: str) -> Response:
        return Response(json=[_shown(one) for (owner, _, _), one in self.kept.items() if owner == project])

    def _get(self, request: Request, project: str, key: str) -> Response:
        found = self.kept.get((project, key, _scope(request)))
        return Response(json=_shown(found)) if found else _absent()

    def _create(self, request: Request, project: str, key: str) -> Response:
        body: Json = _FIRST | request.json()
        place = (project, str(body["key"]), str(body["environment_scope"]))
        if place in self.kept:
            return Response(status=400, json={"message": {"key": [f"({place[1]}) has already been taken"]}})
        return self._keep(place, body, 201)

    def _update(self, request: Request, project: str, key: str) -> Response:
        place = (project, key, _scope(request))
        if place not in self.kept:
            return _absent()
        return self._keep(place, self.kept[place] | request.json(), 200)

    def _delete(self, request: Request, project: str, key: str) -> Response:
        return Response(status=204) if self.kept.pop((project, key, _scope(request)), None) else _absent()

    def _keep(self, place: tuple[str, str, str], variable: Json, status: int) -> Response:
        pattern = _RAW_MASKABLE if variable["raw"] and not self.old else _MASKABLE
        if variable["masked"] and not pattern.fullmatch(variable["value"]):
            return Response(status=400, json={"message": {"value": ["is invalid"]}})
        self.kept[place] = variable
        return Response(status=status, json=_shown(variable))


def _scope(request: Request) -> str:
    return request.one("filter[environment_scope]", "*")


def _shown(variable: Json) -> Json:
    return variable | {"value": None} if variable["hidden"] else variable


def _absent() -> Response:
    return Response(status=404, json={"message": "404 Variable Not Found"})
