"""Makes the calls to Quay's API and decides nothing; the paths are those of quay/quay endpoints/api."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pullgrant.kit.http import Http
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import ByToken, Rest, Step
from pullgrant.providers.quay.settings import Settings

_ORG = "an OAuth token with the scope org:admin, of a user who administers the organisation"
_REPO = "an OAuth token with the scope repo:admin, of a user who administers the repository"


class Seam:
    """One operator's calls on one organisation."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._organization = settings.organization
        hint = "Check what --token leads to: an OAuth token of an application, made on the organisation's page in Quay."
        sign_in = ByToken(Reference(settings.token))
        base = f"{settings.server.url}/api/v1"
        self._rest = Rest(http, base, service=settings.server.host, sign_in=sign_in, sign_in_hint=hint)

    def list_robots(self) -> Sequence[dict[str, Any]]:
        """Return all robots with their teams and repositories; without `token=false` their secrets would come along."""
        step = Step(doing=f"list the robots of {self._organization}", right=_ORG)
        params = [("permissions", "true"), ("token", "false")]
        return _dicts(self._rest.ask(step, "GET", f"/organization/{self._organization}/robots", params=params), "robots")

    def create_robot(self, short: str, description: str) -> dict[str, Any]:
        """Return the new robot with its token."""
        step = Step(doing=f"create the robot {short}", right=_ORG, changes=True)
        body = {"description": description}
        return self._rest.ask(step, "PUT", f"/organization/{self._organization}/robots/{_escaped(short)}", body=body)

    def delete_robot(self, short: str) -> None:
        """Delete a robot with its permissions."""
        step = Step(doing=f"delete the robot {short}", right=_ORG, changes=True)
        self._rest.call(step, "DELETE", f"/organization/{self._organization}/robots/{_escaped(short)}")

    def leave_team(self, team: str, robot: str) -> None:
        """Take a robot out of a team."""
        step = Step(doing=f"take {robot} out of the team {team}", right=_ORG, changes=True)
        path = f"/organization/{self._organization}/team/{_escaped(team)}/members/{_escaped(robot)}"
        self._rest.call(step, "DELETE", path)

    def get_permissions(self, repository: str) -> dict[str, Any]:
        """Return who has which role on a repository: name -> permission."""
        step = Step(doing=f"see who may read {self._organization}/{repository}", right=_REPO)
        found = self._rest.ask(step, "GET", f"{self._repository(repository)}/permissions/user/").get("permissions")
        return found if isinstance(found, dict) else {}

    def set_role(self, repository: str, robot: str, role: str) -> None:
        """Give a robot a role on a repository."""
        step = Step(doing=f"let {robot} read {self._organization}/{repository}", right=_REPO, changes=True)
        path = f"{self._repository(repository)}/permissions/user/{_escaped(robot)}"
        self._rest.call(step, "PUT", path, body={"role": role})

    def take_role(self, repository: str, robot: str) -> None:
        """Take a robot's role on a repository."""
        step = Step(doing=f"shut {robot} out of {self._organization}/{repository}", right=_REPO, changes=True)
        self._rest.call(step, "DELETE", f"{self._repository(repository)}/permissions/user/{_escaped(robot)}")

    def list_repositories(self) -> Sequence[dict[str, Any]]:
        """Return the first repositories of the organisation that the operator sees."""
        step = Step(doing=f"list the repositories of {self._organization}", right="an OAuth token with the scope repo:read")
        params = [("namespace", self._organization), ("public", "false")]
        return _dicts(self._rest.ask(step, "GET", "/repository", params=params), "repositories")

    def get_repository(self, repository: str) -> dict[str, Any]:
        """Return one repository."""
        step = Step(doing=f"look at {self._organization}/{repository}", right="an OAuth token with the scope repo:read")
        return self._rest.ask(step, "GET", self._repository(repository), params=[("includeTags", "false")])

    def list_tags(self, repository: str) -> Sequence[dict[str, Any]]:
        """Return the newest tag of a repository, if there is one."""
        step = Step(doing=f"list the tags of {self._organization}/{repository}", right="an OAuth token with repo:read")
        params = [("limit", "1"), ("onlyActiveTags", "true")]
        return _dicts(self._rest.ask(step, "GET", f"{self._repository(repository)}/tag/", params=params), "tags")

    def _repository(self, name: str) -> str:
        return f"/repository/{self._organization}/{name}"


def _escaped(text: str) -> str:
    return quote(text, safe="")


def _dicts(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    listed = found.get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
