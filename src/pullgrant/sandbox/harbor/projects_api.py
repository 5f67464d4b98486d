"""Projects, repositories and artifacts over the API: goharbor/harbor api/v2.0/swagger.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from pullgrant.sandbox.exchange import Request, Response, Route
from pullgrant.sandbox.harbor.callers import Caller, Callers, harbor_route, refused
from pullgrant.sandbox.harbor.state import Project
from pullgrant.sandbox.registry.images import build

_PROJECT = r"/projects/(?P<project>[^/]+)"


class ProjectsApi:
    """What a member of a project sees of it."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self._state = callers, callers.state

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        artifacts = rf"{_PROJECT}/repositories/(?P<repository>.+)/artifacts"
        return (
            harbor_route(self._callers, "listProjects", "GET", "/projects", self._list),
            harbor_route(self._callers, "getProject", "GET", _PROJECT, self._get),
            harbor_route(self._callers, "listRepositories", "GET", f"{_PROJECT}/repositories", self._repositories),
            harbor_route(self._callers, "listArtifacts", "GET", artifacts, self._artifacts),
        )

    def _list(self, caller: Caller, _: Request, __: re.Match[str]) -> Response:
        return Response(json=[_shown(one) for one in self._state.projects.values() if self._sees(caller, one)])

    def _get(self, caller: Caller, _: Request, match: re.Match[str]) -> Response:
        return Response(json=_shown(self._project(caller, match)))

    def _repositories(self, caller: Caller, _: Request, match: re.Match[str]) -> Response:
        project = self._project(caller, match)
        names = enumerate(project.images, 10 * project.id)
        found = [{"id": number, "project_id": project.id, "name": f"{project.name}/{name}"} for number, name in names]
        return Response(json=found, headers={"x-total-count": str(len(found))})

    def _artifacts(self, caller: Caller, _: Request, match: re.Match[str]) -> Response:
        project, name = self._project(caller, match), unquote(match["repository"])
        if name not in project.images:
            raise refused(404, "NOT_FOUND", f"repository {project.name}/{name} not found")
        found: list[dict[str, Any]] = [
            {
                "id": number,
                "type": "IMAGE",
                "project_id": project.id,
                "repository_name": f"{project.name}/{name}",
                "digest": build(f"{project.name}/{name}", tag).manifest.digest,
                "tags": [{"id": number, "name": tag, "immutable": False}],
            }
            for number, tag in enumerate(project.images[name], 1)
        ]
        return Response(json=found, headers={"x-total-count": str(len(found))})

    def _project(self, caller: Caller, match: re.Match[str]) -> Project:
        project = self._state.projects.get(match["project"])
        if project is None:
            raise refused(404, "NOT_FOUND", f"project {match['project']} not found")
        if not self._sees(caller, project):
            raise refused(403, "FORBIDDEN", "forbidden")
        return project

    def _sees(self, caller: Caller, project: Project) -> bool:
        if project.public:
            return True
        if caller.robot is not None:
            return bool(caller.robot.may(project.name, "repository"))
        return caller.name in project.administrators


def _shown(project: Project) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "name": project.name,
        "repo_count": len(project.images),
        "metadata": {"public": "true" if project.public else "false"},
    }
