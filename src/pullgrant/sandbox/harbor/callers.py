"""Who calls Harbor's API, and how it says no."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from pullgrant.sandbox.endpoint import RefusalError, endpoint
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.harbor.gate import HarborGate, HarborVisitor
from pullgrant.sandbox.harbor.state import HOST, Project, Robot, State
from pullgrant.sandbox.registry.words import basic
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

BASE = "/api/v2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user by name, or a robot."""

    name: str
    robot: Robot | None = None

    def demand(self, project: Project, right: str) -> None:
        """Raise 403 unless the caller administers the project, or is a robot with this very right there."""
        kind, _, action = right.partition(":")
        allowed = action in self.robot.may(project.name, kind) if self.robot else self.name in project.administrators
        if not allowed:
            raise refused(403, "FORBIDDEN", f"forbidden: {self.name} has no permission {right} on {project.name}")


class Callers:
    """Knows callers by their Basic header."""

    def __init__(self, state: State, world: World, gate: HarborGate) -> None:
        self.state, self.world, self._gate = state, world, gate

    def authenticate(self, request: Request) -> Caller:
        """Return who calls. Raises 401."""
        try:
            login = basic(request)
        except ValueError:
            login = None
        visitor = self._gate.sign_in(HOST, *login) if login else None
        if not isinstance(visitor, HarborVisitor):
            raise refused(401, "UNAUTHORIZED", "unauthorized: unauthorized")
        return Caller(name=visitor.name, robot=self.state.robots.get(visitor.robot))


Handler: TypeAlias = Callable[[Caller, Request, "re.Match[str]"], Response]


def harbor_route(callers: Callers, operation: str, method: str, path: str, handler: Handler) -> Route:
    """Return the route of one operation of the API."""

    def answer(request: Request, match: re.Match[str]) -> Response:
        caller = callers.authenticate(request)
        response = handler(caller, request, match)
        return replace(response, headers={**response.headers, PRINCIPAL: caller.name})

    return route(f"harbor.{operation}", method, re.escape(HOST), f"{BASE}{path}", endpoint(callers.world, answer))


def refused(status: int, code: str, message: str) -> RefusalError:
    """Return a refusal in Harbor's form: definitions Errors and Error of its swagger.yaml."""
    return RefusalError(Response(status=status, json={"errors": [{"code": code, "message": message}]}))
