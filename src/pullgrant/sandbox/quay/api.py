"""Quay's API: robots, permissions, repositories and tags, after quay/quay endpoints/api."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from email.utils import format_datetime
from typing import Any, TypeAlias

from pullgrant.sandbox.endpoint import RefusalError, endpoint
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.quay.state import HOST, OAuthToken, Organization, Repository, Robot, State
from pullgrant.sandbox.registry.words import bearer
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

_NAME = re.compile(r"(?=.{2,255}\Z)[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII)  # util/validation.py
_LONGEST_DESCRIPTION = 255
_ORG = r"/organization/(?P<organization>[^/]+)"
_REPO = r"/repository/(?P<organization>[^/]+)/(?P<repository>[^/]+)"
_ROLES = ("read", "write", "admin")
Handler: TypeAlias = Callable[[OAuthToken, Request, "re.Match[str]"], Response]


class Api:
    """The API of quay.io."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        robot, user = rf"{_ORG}/robots/(?P<robot>[^/]+)", rf"{_REPO}/permissions/user/(?P<user>[^/]+)"
        return (
            self._route("getOrgRobots", "GET", f"{_ORG}/robots", "org:admin", self._list_robots),
            self._route("getOrgRobot", "GET", robot, "org:admin", self._get_robot),
            self._route("createOrgRobot", "PUT", robot, "org:admin", self._create_robot),
            self._route("deleteOrgRobot", "DELETE", robot, "org:admin", self._delete_robot),
            self._route("regenerateOrgRobotToken", "POST", f"{robot}/regenerate", "org:admin", self._regenerate),
            self._route("deleteOrgTeamMember", "DELETE", rf"{_ORG}/team/(?P<team>[^/]+)/members/(?P<user>[^/]+)",
                        "org:admin", self._leave_team),
            self._route("listRepoUserPermissions", "GET", f"{_REPO}/permissions/user/", "repo:admin", self._permissions),
            self._route("changeUserPermissions", "PUT", user, "repo:admin", self._set_role),
            self._route("deleteUserPermissions", "DELETE", user, "repo:admin", self._take_role),
            self._route("listRepos", "GET", "/repository", "repo:read", self._list_repositories),
            self._route("listRepoTags", "GET", f"{_REPO}/tag/", "repo:read", self._tags),
            self._route("getRepo", "GET", _REPO, "repo:read", self._get_repository),
        )  # fmt: skip

    def _route(self, operation: str, method: str, path: str, scope: str, handler: Handler) -> Route:
        def answer(request: Request, match: re.Match[str]) -> Response:
            token = self._state.tokens.get(bearer(request))
            if token is None:
                raise _refused(401, "Invalid bearer token", "invalid_token")
            if scope not in token.scopes and scope.replace("read", "admin") not in token.scopes:
                raise _refused(403, f"Unauthorized: the token lacks the scope {scope}", "insufficient_scope")
            response = handler(token, request, match)
            return replace(response, headers={**response.headers, PRINCIPAL: token.user})

        return route(f"quay.{operation}", method, re.escape(HOST), f"/api/v1{path}", endpoint(self._world, answer))

    # Robots.

    def _list_robots(self, token: OAuthToken, request: Request, match: re.Match[str]) -> Response:
        organization = self._administered(token, match)
        shown = [_shown(one, token=request.one("token", "true") != "false") for one in organization.robots.values()]
        for entry, robot in zip(shown, organization.robots.values(), strict=True):
            if request.one("permissions") == "true":
                entry |= {"repositories": sorted(robot.roles), "teams": [{"name": team} for team in sorted(robot.teams)]}
        return Response(json={"robots": shown})

    def _get_robot(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        return Response(json=_shown(self._robot(token, match), token=True))  # readable again and again

    def _create_robot(self, token: OAuthToken, request: Request, match: re.Match[str]) -> Response:
        organization, short = self._administered(token, match), match["robot"]
        if self._state.robots_disallowed:
            raise _refused(400, "Robot accounts have been disabled. Please contact your administrator.")
        if not _NAME.fullmatch(short):
            raise _refused(400, f"The name for the robot '{short}' is invalid")
        if short in organization.robots:
            raise _refused(400, f"Existing robot with name: {organization.name}+{short}")
        description = str(request.json().get("description") or "")[:_LONGEST_DESCRIPTION]
        robot = Robot(organization=organization.name, short=short, description=description, created=self._world.now())
        organization.robots[short] = robot
        return Response(status=201, json=_shown(robot, token=True))

    def _delete_robot(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        robot = self._robot(token, match)
        if robot.mirrors:
            raise _refused(400, "Robot is being used by a mirror")
        del self._state.organizations[robot.organization].robots[robot.short]
        return Response(status=204)

    def _regenerate(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        """Give a robot another token: the one before is dead at once."""
        robot = self._robot(token, match)
        robot.secret = Robot(organization="", short="", description="", created=robot.created).secret
        return Response(json=_shown(robot, token=True))

    def _leave_team(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        self._administered(token, match)
        robot = self._state.robot(match["user"])
        if robot is None or match["team"] not in robot.teams:
            raise _refused(404, "Not Found")
        robot.teams.discard(match["team"])
        return Response(status=204)

    # Permissions and repositories.

    def _permissions(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        organization = self._administered(token, match)
        self._found(match)
        robots = [one for one in organization.robots.values() if match["repository"] in one.roles]
        return Response(json={"permissions": {one.name: _role(one, one.roles[match["repository"]]) for one in robots}})

    def _set_role(self, token: OAuthToken, request: Request, match: re.Match[str]) -> Response:
        self._administered(token, match)
        self._found(match)
        robot, role = self._state.robot(match["user"]), request.json().get("role")
        if robot is None or role not in _ROLES:
            raise _refused(400, "Invalid username" if robot is None else f"'{role}' is not one of {list(_ROLES)}")
        robot.roles[match["repository"]] = role
        return Response(json=_role(robot, role))

    def _take_role(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        self._administered(token, match)
        robot = self._state.robot(match["user"])
        if robot is None or robot.roles.pop(match["repository"], None) is None:
            raise _refused(400, "User does not have permission for repo.")
        return Response(status=204)

    def _list_repositories(self, token: OAuthToken, request: Request, _: re.Match[str]) -> Response:
        organization = self._state.organizations.get(request.one("namespace"))
        seen = organization.repositories if organization and token.user in organization.administrators else {}
        found = [_repository(organization.name, name, one) for name, one in seen.items()] if organization else []
        return Response(json={"repositories": found})

    def _get_repository(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        return Response(json=_repository(match["organization"], match["repository"], self._visible(token, match)))

    def _tags(self, token: OAuthToken, _: Request, match: re.Match[str]) -> Response:
        tags = [{"name": tag} for tag in self._visible(token, match).tags]
        return Response(json={"tags": tags, "page": 1, "has_additional": False})

    def _visible(self, token: OAuthToken, match: re.Match[str]) -> Repository:
        found = self._found(match)
        if not found.public:
            self._administered(token, match)
        return found

    def _found(self, match: re.Match[str]) -> Repository:
        organization = self._state.organizations.get(match["organization"])
        found = organization.repositories.get(match["repository"]) if organization else None
        if found is None:
            raise _refused(404, "Not Found")
        return found

    def _administered(self, token: OAuthToken, match: re.Match[str]) -> Organization:
        organization = self._state.organizations.get(match["organization"])
        if organization is None or token.user not in organization.administrators:
            raise _refused(403, "Unauthorized")
        return organization

    def _robot(self, token: OAuthToken, match: re.Match[str]) -> Robot:
        robot = self._administered(token, match).robots.get(match["robot"])
        if robot is None:
            raise _refused(400, f"Could not find robot with username: {match['organization']}+{match['robot']}")
        return robot


def _shown(robot: Robot, *, token: bool) -> dict[str, Any]:
    shown = {
        "name": robot.name,
        "created": format_datetime(robot.created),
        "last_accessed": None,
        "description": robot.description,
    }
    return {**shown, "token": robot.secret} if token else shown


def _role(robot: Robot, role: str) -> dict[str, Any]:
    return {"role": role, "name": robot.name, "is_robot": True}


def _repository(organization: str, name: str, found: Repository) -> dict[str, Any]:
    return {"namespace": organization, "name": name, "is_public": found.public, "kind": "image"}


def _refused(status: int, message: str, kind: str = "") -> RefusalError:
    body = {"status": status, "error_message": message, "title": kind or "invalid_request", "detail": message}
    return RefusalError(Response(status=status, json=body))
