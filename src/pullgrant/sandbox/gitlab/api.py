"""GitLab's API: doc/api/deploy_tokens.md, doc/api/container_registry.md, doc/api/projects.md of gitlabhq/gitlabhq."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zlib import crc32

from pullgrant.sandbox.endpoint import RefusalError, endpoint
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.gitlab.state import HOST, MAINTAINER, OWNER, READ, REGISTRY, WRITE, DeployToken, Project, State
from pullgrant.sandbox.registry.words import bearer
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

_SCOPES = frozenset({"read_repository", READ, WRITE, "read_package_registry", "write_package_registry"})
_OWN = r"/(?P<kind>projects|groups)/(?P<path>.+?)"
Handler: TypeAlias = Callable[[str, Request, "re.Match[str]"], Response]


class Api:
    """The API of gitlab.com."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        one = rf"{_OWN}/deploy_tokens/(?P<token>\d+)"
        return (
            self._route("ListDeployTokens", "GET", f"{_OWN}/deploy_tokens", self._list),
            self._route("CreateDeployToken", "POST", f"{_OWN}/deploy_tokens", self._create),
            self._route("GetDeployToken", "GET", one, self._get),
            self._route("DeleteDeployToken", "DELETE", one, self._delete),
            self._route("ListRegistryTags", "GET", rf"{_OWN}/registry/repositories/(?P<image>\d+)/tags", self._tags),
            self._route("ListRegistryRepositories", "GET", rf"{_OWN}/registry/repositories", self._repositories),
            self._route("GetProjectOrGroup", "GET", _OWN, self._scope),
        )

    def _route(self, operation: str, method: str, path: str, handler: Handler) -> Route:
        def answer(request: Request, match: re.Match[str]) -> Response:
            user = self._state.users.get(request.headers.get("private-token") or bearer(request))
            if user is None:
                raise _refused(401, "401 Unauthorized")
            response = handler(user, request, match)
            return replace(response, headers={**response.headers, PRINCIPAL: user})

        return route(f"gitlab.{operation}", method, re.escape(HOST), f"/api/v4{path}", endpoint(self._world, answer))

    # Deploy tokens.

    def _list(self, user: str, request: Request, match: re.Match[str]) -> Response:
        owner = self._demand(user, match, MAINTAINER)
        found = [self._shown(one) for one in self._state.tokens.values() if one.owner == owner]
        if request.one("active") == "true":
            found = [one for one in found if not one["revoked"] and not one["expired"]]
        return _page(request, found)

    def _create(self, user: str, request: Request, match: re.Match[str]) -> Response:
        owner = self._demand(user, match, OWNER if match["kind"] == "groups" else MAINTAINER)
        body = request.json()
        scopes = body.get("scopes") or []
        missing = [name for name in ("name", "scopes") if not body.get(name)]
        if missing:
            raise RefusalError(Response(status=400, json={"error": ", ".join(f"{name} is missing" for name in missing)}))
        if set(scopes) - _SCOPES:
            raise RefusalError(Response(status=400, json={"error": "scopes does not have a valid value"}))
        number = next(self._state.numbers)
        token = DeployToken(
            id=number,
            owner=owner,
            name=str(body["name"]),
            username=str(body.get("username") or f"gitlab+deploy-token-{number}"),
            scopes=tuple(scopes),
            expires_at=_midnight(body.get("expires_at")),
        )
        self._state.tokens[number] = token
        return Response(status=201, json={**self._shown(token), "token": token.secret})

    def _get(self, user: str, _: Request, match: re.Match[str]) -> Response:
        return Response(json=self._shown(self._token(user, match, MAINTAINER)))

    def _delete(self, user: str, _: Request, match: re.Match[str]) -> Response:
        least = OWNER if match["kind"] == "groups" else MAINTAINER
        del self._state.tokens[self._token(user, match, least).id]
        return Response(status=204)

    def _token(self, user: str, match: re.Match[str], least: int) -> DeployToken:
        owner = self._demand(user, match, least)
        token = self._state.tokens.get(int(match["token"]))
        if token is None or token.owner != owner:
            raise _refused(404, "404 Deploy Token Not Found")
        return token

    def _shown(self, token: DeployToken) -> dict[str, Any]:
        return {
            "id": token.id,
            "name": token.name,
            "username": token.username,
            "expires_at": f"{token.expires_at:%Y-%m-%dT%H:%M:%S}.000Z" if token.expires_at else None,
            "revoked": token.revoked,
            "expired": token.expires_at is not None and token.expires_at <= self._world.now(),
            "scopes": list(token.scopes),
        }

    # Projects, groups and images.

    def _scope(self, user: str, _: Request, match: re.Match[str]) -> Response:
        path = self._demand(user, match, 10)
        if match["kind"] == "groups":
            return Response(json={"id": crc32(path.encode()), "full_path": path, "visibility": "private"})
        return Response(json=_project(self._state.projects[path]))

    def _repositories(self, user: str, request: Request, match: re.Match[str]) -> Response:
        path = self._demand(user, match, 20)
        projects = [one for one in self._state.projects.values() if f"{one.path}/".startswith(f"{path}/") and one.registry]
        found = [
            {"id": crc32(name.encode()), "name": name.removeprefix(one.path).strip("/"), "path": name,
             "project_id": one.id, "location": f"{REGISTRY}/{name}"}
            for one in projects for name in one.images
        ]  # fmt: skip
        return _page(request, found)

    def _tags(self, user: str, request: Request, match: re.Match[str]) -> Response:
        project = self._state.projects[self._demand(user, match, 20)]
        name = next((one for one in project.images if crc32(one.encode()) == int(match["image"])), None)
        if name is None:
            raise _refused(404, "404 Repository Not Found")
        found = [
            {"name": tag, "path": f"{name}:{tag}", "location": f"{REGISTRY}/{name}:{tag}"} for tag in project.images[name]
        ]
        return _page(request, found)

    def _demand(self, user: str, match: re.Match[str], least: int) -> str:
        """Return the path of the project or group. What a user may not see is not there for them."""
        projects = match["kind"] == "projects"
        project = self._state.project(match["path"]) if projects else None
        path = project.path if project else "" if projects else match["path"]
        role = self._state.role(user, path)
        if not path or (not role and not (project and project.public)):
            raise _refused(404, f"404 {'Project' if projects else 'Group'} Not Found")
        if role < least and not (least <= 20 and project and project.public):
            raise _refused(403, "403 Forbidden")
        return path


def _project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "path_with_namespace": project.path,
        "visibility": "public" if project.public else "private",
        "container_registry_access_level": "enabled" if project.registry else "disabled",
        "container_registry_image_prefix": f"{REGISTRY}/{project.path}",
        "namespace": {"full_path": project.path.rpartition("/")[0], "kind": "group"},
    }


def _midnight(text: object) -> datetime | None:
    """Return when a token expires: at midnight UTC of the day, whatever hour was asked for."""
    if not text:
        return None
    try:
        day = datetime.fromisoformat(str(text))
    except ValueError:
        raise RefusalError(Response(status=400, json={"error": "expires_at is invalid"})) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _page(request: Request, found: list[dict[str, Any]]) -> Response:
    number, size = int(request.one("page", "1")), min(int(request.one("per_page", "20")), 100)
    headers = {}
    if number * size < len(found):
        address = f"https://{HOST}{request.path.replace(' ', '%20')}?page={number + 1}&per_page={size}"
        headers["link"] = f'<{address}>; rel="next", <{address}>; rel="last"'
    return Response(json=found[(number - 1) * size : number * size], headers=headers)


def _refused(status: int, message: str) -> RefusalError:
    return RefusalError(Response(status=status, json={"message": message}))
