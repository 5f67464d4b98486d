"""Harbor's token service and registry.

Source: goharbor/harbor src/core/service/token and src/server/middleware/security/robot.go. A token shows all that its robot
may do, whatever was asked; a wrong secret gives an anonymous token with status 200, and 401 only where no scope was asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.harbor.state import HOST, Robot, State
from pullgrant.sandbox.registry.place import Place
from pullgrant.sandbox.registry.scopes import Scope
from pullgrant.sandbox.registry.words import error
from pullgrant.sandbox.world import World

_SHOWN = frozenset({"pull", "push", "delete", "scanner-pull"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HarborVisitor(Visitor):
    """A user, or a robot by its id."""

    robot: int = 0


class HarborGate(Gate):
    """The gate of harbor.example."""

    style: Literal["jwt"] = "jwt"
    realm_path = "/service/token"
    service = "harbor-registry"
    token_seconds = 30 * 60
    token_names = ("token", "access_token")
    oauth2 = False

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def serves(self, host: str) -> bool:
        """See Gate."""
        return host == HOST

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """See Gate."""
        projects = self._state.projects.values()
        return {f"{one.name}/{name}": tags for one in projects for name, tags in one.images.items()}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """See Gate."""
        known = self._state.users.get(username)
        if known is not None:
            return HarborVisitor(name=username) if secrets.compare_digest(known, password) else None
        robot = self._state.robot_named(username)
        good = robot is not None and robot.alive(self._world.now()) and secrets.compare_digest(robot.secret, password)
        return HarborVisitor(name=username, robot=robot.id) if good and robot is not None else None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        project = self._state.projects.get(repository.partition("/")[0])
        if project is None:
            return frozenset()
        anybody = frozenset({"pull"}) if project.public else frozenset()
        if not isinstance(visitor, HarborVisitor):
            return anybody
        if visitor.robot:
            robot: Robot | None = self._state.robots.get(visitor.robot)
            return anybody | (robot.may(project.name, "repository") & _SHOWN if robot else frozenset())
        return anybody | self._state.user_may(visitor.name, project)

    def judge_token(
        self, host: str, login: tuple[str, str] | None, wanted: Mapping[Scope, Place]
    ) -> tuple[Visitor | None, Mapping[str, frozenset[str]]] | Response:
        """Decide a token request; see the module."""
        visitor = self.sign_in(host, *login) if login else None
        if visitor is None and not wanted:
            return error(401, "UNAUTHORIZED", "unauthorized")
        return visitor, {scope.name: self.actions(host, visitor, place.name) for scope, place in wanted.items()}

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """See Gate."""
        words = f"unauthorized to access repository: {repository}, action: {action}"
        return error(401, "UNAUTHORIZED", f"{words}: {words}")
