"""Robots over the API: goharbor/harbor api/v2.0/swagger.yaml, src/server/v2.0/handler/robot.go, src/controller/robot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pullgrant.sandbox.exchange import Request, Response, Route
from pullgrant.sandbox.harbor.callers import Caller, Callers, harbor_route, refused
from pullgrant.sandbox.harbor.state import PREFIX, Project, Robot, new_secret

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII)
_QUERY = re.compile(r"Level=(?P<level>\w+)(?:,ProjectID=(?P<project>\d+))?", re.ASCII)
_GIVABLE = frozenset(
    {f"repository:{action}" for action in ("pull", "push", "delete", "list", "read", "update")}
    | {f"robot:{action}" for action in ("create", "read", "list", "delete")}  # there is no robot:update
    | {"artifact:read", "artifact:list", "tag:list", "project:read"}
)
Access = tuple[tuple[str, str, str], ...]


class RobotsApi:
    """The robots of all projects."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self._state = callers, callers.state

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        one = r"/robots/(?P<robot>\d+)"
        return (
            harbor_route(self._callers, "ListRobot", "GET", "/robots", self._list),
            harbor_route(self._callers, "CreateRobot", "POST", "/robots", self._create),
            harbor_route(self._callers, "GetRobotByID", "GET", one, self._get),
            harbor_route(self._callers, "UpdateRobot", "PUT", one, self._update),
            harbor_route(self._callers, "RefreshSec", "PATCH", one, self._refresh),
            harbor_route(self._callers, "DeleteRobot", "DELETE", one, self._delete),
        )

    def _list(self, caller: Caller, request: Request, _: re.Match[str]) -> Response:
        asked = _QUERY.fullmatch(request.one("q"))
        if asked is None or asked["level"] != "project":  # robots of the system, of which there are none
            return Response(json=[], headers={"x-total-count": "0"})
        project = self._state.project_of(int(asked["project"] or 0))
        if project is None:
            raise refused(400, "BAD_REQUEST", "bad request must with project ID when to query project robots")
        caller.demand(project, "robot:list")
        found = [_shown(one) for one in self._state.robots.values() if one.project == project.id]
        return _page(request, found)

    def _create(self, caller: Caller, request: Request, _: re.Match[str]) -> Response:
        body = _body(request)
        if not _NAME.fullmatch(str(body.get("name", ""))):
            raise refused(400, "BAD_REQUEST", "robot name is not in lower case or contains illegal characters")
        days = body.get("duration")
        if not isinstance(days, int) or (days != -1 and not 0 < days < 2**31 - 1):
            words = f"bad request error duration input: {days}, duration must be either -1(Never) or a positive integer"
            raise refused(400, "BAD_REQUEST", words)
        project, access = self._permissions(body)
        caller.demand(project, "robot:create")
        self._may_give(caller, access)
        name = f"{PREFIX}{project.name}+{body['name']}"
        if self._state.robot_named(name):
            raise refused(409, "CONFLICT", f"robot account {body['name']} already exists")
        robot = Robot(
            id=next(self._state.numbers),
            name=name,
            project=project.id,
            description=str(body.get("description", "")),
            days=days,
            created=self._callers.world.now(),
            access=access,
        )
        self._state.robots[robot.id] = robot
        made = {
            name: value for name, value in _shown(robot).items() if name in ("id", "name", "creation_time", "expires_at")
        }
        headers = {"location": f"/api/v2.0/robots/{robot.id}"}
        return Response(status=201, json={**made, "secret": robot.secret}, headers=headers)

    def _get(self, caller: Caller, _: Request, match: re.Match[str]) -> Response:
        return Response(json=_shown(self._robot(caller, match, "robot:read")))

    def _update(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        robot, body = self._robot(caller, match, "robot:update"), _body(request)
        if body.get("name") != robot.name or body.get("level") != "project":
            raise refused(400, "BAD_REQUEST", "cannot update the level or name of robot")
        _, access = self._permissions(body)
        self._may_give(caller, access)
        robot.access, robot.days = access, int(body.get("duration") or robot.days)
        robot.disabled, robot.description = bool(body.get("disable")), str(body.get("description", ""))
        return Response()

    def _refresh(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Give a robot another secret: the one before is dead at once, a robot has one only."""
        robot, body = self._robot(caller, match, "robot:update"), _body(request)
        chosen = str(body.get("secret", ""))
        robot.secret = chosen or new_secret()
        return Response(json={"secret": "" if chosen else robot.secret})

    def _delete(self, caller: Caller, _: Request, match: re.Match[str]) -> Response:
        del self._state.robots[self._robot(caller, match, "robot:delete").id]
        return Response()

    def _robot(self, caller: Caller, match: re.Match[str], right: str) -> Robot:
        robot = self._state.robots.get(int(match["robot"]))
        project = self._state.project_of(robot.project) if robot else None
        if robot is None or project is None:
            raise refused(404, "NOT_FOUND", f"robot {match['robot']} not found")
        caller.demand(project, right)
        return robot

    def _permissions(self, body: Mapping[str, Any]) -> tuple[Project, Access]:
        given = body.get("permissions") or []
        if not given:
            raise refused(400, "BAD_REQUEST", "bad request empty permission")
        if body.get("level") != "project" or len(given) != 1:
            raise refused(400, "BAD_REQUEST", "bad request permission")
        space = str(given[0].get("namespace", ""))
        project = self._state.projects.get(space)
        if project is None:
            raise refused(404, "NOT_FOUND", f"project {space} not found")
        access = tuple((space, str(one.get("resource")), str(one.get("action"))) for one in given[0].get("access") or ())
        for _, resource, action in access:
            if f"{resource}:{action}" not in _GIVABLE:
                raise refused(400, "BAD_REQUEST", f"bad request permission: {resource}:{action}")
        return project, access

    def _may_give(self, caller: Caller, access: Access) -> None:
        if caller.robot is not None and not set(access) <= set(caller.robot.access):
            words = (
                "permission scope is invalid. It must be equal to or more restrictive than the creator robot's permissions"
            )
            raise refused(403, "DENIED", f"{words}: {caller.robot.name}")


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refused(422, "UNPROCESSABLE_ENTITY", "parsing body failed")
    return body


def _shown(robot: Robot) -> dict[str, Any]:
    """Return a Robot of the API; its secret is never shown again."""
    spaces = sorted({space for space, _, _ in robot.access})
    return {
        "id": robot.id,
        "name": robot.name,
        "description": robot.description,
        "level": "project",
        "duration": robot.days,
        "editable": True,
        "disable": robot.disabled,
        "expires_at": int(robot.expires_at.timestamp()) if robot.expires_at else -1,
        "creation_time": robot.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "permissions": [
            {
                "kind": "project",
                "namespace": space,
                "access": [{"resource": kind, "action": action} for one, kind, action in robot.access if one == space],
            }
            for space in spaces
        ],
    }


def _page(request: Request, found: list[dict[str, Any]]) -> Response:
    number, size = int(request.one("page", "1")), min(int(request.one("page_size", "10")), 100)
    shown = found[(number - 1) * size : number * size]
    headers = {"x-total-count": str(len(found))}
    if number * size < len(found):
        query = f"page={number + 1}&page_size={size}&q={request.one('q')}".replace(",", "%2C")
        headers["link"] = f'</api/v2.0/robots?{query}>; rel="next"'
    return Response(json=shown, headers=headers)
