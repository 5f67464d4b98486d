"""Makes the calls to Harbor's API and decides nothing; the shapes are those of its api/v2.0/swagger.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pullgrant.kit.http import Http
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import ByPassword, Rest, Step
from pullgrant.providers.harbor.settings import Settings

_BY_NAME = {"x-is-resource-name": "true"}  # else a project whose name is a number is taken for an id
_PAGE = ("page_size", "100")


class Seam:
    """One operator's calls to one Harbor."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._project = settings.project
        sign_in = ByPassword(settings.username, Reference(settings.password))
        hint = f"Check --username {settings.username} and what --password leads to; robots may sign in as well."
        base = f"{settings.server.url}/api/v2.0"
        self._rest = Rest(http, base, service=settings.server.host, sign_in=sign_in, sign_in_hint=hint)

    def get_project(self) -> dict[str, Any]:
        """Return the Project."""
        step = Step(doing=f"look at the project {self._project}", right="to be a member of the project")
        return self._rest.ask(step, "GET", f"/projects/{quote(self._project, safe='')}", headers=_BY_NAME)

    def list_robots(self, project_id: int) -> Iterator[dict[str, Any]]:
        """Yield the Robots of a project; without a level only those of the system would be listed."""
        step = Step(doing=f"list the robots of {self._project}", right="to be an administrator of the project")
        query = f"Level=project,ProjectID={project_id}"
        return self._rest.pages(step, "/robots", params=[("q", query), _PAGE])

    def get_robot(self, robot: str) -> dict[str, Any]:
        """Return one Robot."""
        step = Step(doing=f"look at the robot {robot}", right="to be an administrator of the project")
        return self._rest.ask(step, "GET", f"/robots/{robot}")

    def create_robot(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the RobotCreated, which alone holds the secret."""
        right = "to be an administrator of the project, or a robot with robot:create and all that it gives on"
        step = Step(doing=f"create the robot {body['name']}", right=right, changes=True)
        return self._rest.ask(step, "POST", "/robots", body=body)

    def update_robot(self, robot: str, body: Mapping[str, Any]) -> None:
        """Write a Robot as a whole."""
        right = "to be an administrator of the project; no robot may change another"
        step = Step(doing=f"narrow the robot {robot}", right=right, changes=True)
        self._rest.call(step, "PUT", f"/robots/{robot}", body=body)

    def delete_robot(self, robot: str) -> None:
        """Delete a robot; its secret is refused from then on."""
        right = "to be an administrator of the project, or a robot with robot:delete"
        self._rest.call(Step(doing=f"delete the robot {robot}", right=right, changes=True), "DELETE", f"/robots/{robot}")

    def list_projects(self) -> Sequence[dict[str, Any]]:
        """Return the first projects that the operator sees."""
        step = Step(doing="list the projects")
        found = self._rest.call(step, "GET", "/projects", params=[("page_size", "20")]).json()
        return _dicts(found)

    def list_repositories(self, project: str) -> Sequence[dict[str, Any]]:
        """Return the repositories of a project that were changed last."""
        step = Step(doing=f"list the repositories of {project}", right="to be a member of the project")
        params = [("page_size", "10"), ("sort", "-update_time")]
        return _dicts(
            self._rest.call(step, "GET", f"/projects/{quote(project, safe='')}/repositories", params=params).json()
        )

    def list_artifacts(self, project: str, repository: str) -> Sequence[dict[str, Any]]:
        """Return the newest artifacts of a repository, whose name goes without the project and is escaped twice."""
        step = Step(doing=f"list the images of {project}/{repository}", right="to be a member of the project")
        name = quote(quote(repository, safe=""), safe="")
        path = f"/projects/{quote(project, safe='')}/repositories/{name}/artifacts"
        params = [("page_size", "10"), ("sort", "-push_time"), ("with_tag", "true")]
        return _dicts(self._rest.call(step, "GET", path, params=params).json())


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
