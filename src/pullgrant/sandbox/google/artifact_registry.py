"""artifactregistry.googleapis.com v1: project settings, repositories with their policies, and docker images.

Source: discovery document artifactregistry.v1; note that getIamPolicy is a GET here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM, CLOUD_PLATFORM_READ, Caller
from pullgrant.sandbox.google.desk import Desk, Handler, body_of, need_service, options_version, page
from pullgrant.sandbox.google.refusal import Json, denied, not_found
from pullgrant.sandbox.google.state import Project, Repository

SERVICE = "artifactregistry.googleapis.com"
TITLE = "Artifact Registry API"
Digest: TypeAlias = Callable[[str, str], str]

_HOST = r"artifactregistry\.googleapis\.com"
_PROJECT = r"/v1/projects/(?P<project>[^/:]+)"
_PARENT = _PROJECT + r"/locations/(?P<location>[^/:]+)/repositories"
_REPOSITORY = _PARENT + r"/(?P<id>[^/:]+)"
_READ = (CLOUD_PLATFORM, CLOUD_PLATFORM_READ)
_SINCE = "2024-01-01T00:00:00Z"


class ArtifactRegistry:
    """The service; `digest` gives the digest of a repository's tag as the sandbox's registry serves it at pkg.dev."""

    def __init__(self, desk: Desk, digest: Digest) -> None:
        self._desk = desk
        self._digest = digest

    def routes(self) -> Sequence[Route]:
        """Return the routes."""

        def get(kind: str, path: str, handler: Handler) -> Route:
            return route(f"artifactregistry.{kind}", "GET", _HOST, path, self._desk.endpoint(handler, scopes=_READ))

        def post(kind: str, handler: Handler, scopes: tuple[str, ...] = (CLOUD_PLATFORM,)) -> Route:
            answering = self._desk.endpoint(handler, scopes=scopes)
            return route(f"artifactregistry.{kind}", "POST", _HOST, f"{_REPOSITORY}:{kind}", answering)

        return [
            get("getProjectSettings", _PROJECT + "/projectSettings", self.settings),
            get("listRepositories", _PARENT, self.list),
            get("getRepository", _REPOSITORY, self.get),
            get("getIamPolicy", _REPOSITORY + ":getIamPolicy", self.get_policy),
            get("listDockerImages", _REPOSITORY + "/dockerImages", self.images),
            post("setIamPolicy", self.set_policy),
            post("testIamPermissions", self.test_permissions, _READ),
        ]

    def settings(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return how the project's gcr.io hosts are served."""
        project = self._project(caller, match, "artifactregistry.projectsettings.get", "projectSettings")
        name = f"projects/{project.id}/projectSettings"
        return {"name": name, "legacyRedirectionState": project.redirection}

    def list(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """List the repositories of a location."""
        where = f"locations/{match['location']}"
        project = self._project(caller, match, "artifactregistry.repositories.list", where)
        here = [each for each in project.repositories.values() if each.location == match["location"]]
        shown, following = page(here, request.one("pageSize"), request.one("pageToken"), most=1000)
        answer: Json = {"repositories": [_repository_json(each) for each in shown]} if shown else {}
        return answer | ({"nextPageToken": following} if following else {})

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return a repository."""
        return _repository_json(self._repository(caller, match, "artifactregistry.repositories.get"))

    def get_policy(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return the policy of a repository."""
        repository = self._repository(caller, match, "artifactregistry.repositories.getIamPolicy")
        return self._desk.policies.read(repository.policy, options_version(request))

    def set_policy(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Replace the policy of a repository."""
        repository = self._repository(caller, match, "artifactregistry.repositories.setIamPolicy")
        body = body_of(request, ("policy", "updateMask"))
        return self._desk.policies.write(repository.policy, body.get("policy"), mask=body.get("updateMask", ""))

    def test_permissions(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Say what the caller may do on a repository; one that is not there gives nothing."""
        asked = body_of(request, ("permissions",)).get("permissions") or []
        project = self._desk.state.project_by(match["project"])
        repository = project.repositories.get((match["location"], match["id"])) if project else None
        if project is None or repository is None:
            return {}
        return self._desk.granted(caller, asked, [repository.policy, project.policy])

    def images(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """List the docker images of a repository."""
        repository = self._repository(caller, match, "artifactregistry.dockerimages.list")
        every = [self._image_json(repository, image, tag) for image, tags in repository.images.items() for tag in tags]
        shown, following = page(every, request.one("pageSize"), request.one("pageToken"), most=1000)
        answer: Json = {"dockerImages": list(shown)} if shown else {}
        return answer | ({"nextPageToken": following} if following else {})

    def _image_json(self, repository: Repository, image: str, tag: str) -> Json:
        host = f"{repository.location}-docker.pkg.dev"
        path = f"{repository.project}/{repository.id}/{image}"
        digest = self._digest(path, tag)
        return {
            "name": f"{repository.name}/dockerImages/{image.replace('/', '%2F')}@{digest}",
            "uri": f"{host}/{path}@{digest}",
            "tags": [tag],
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "uploadTime": _SINCE,
            "updateTime": _SINCE,
        }

    def _project(self, caller: Caller, match: re.Match[str], permission: str, where: str) -> Project:
        resource = f"//{SERVICE}/projects/{match['project']}/{where}"
        refusal = denied(permission, resource=resource, domain=SERVICE)
        project = self._desk.state.project_by(match["project"])
        if project is None:
            raise refusal
        need_service(project, SERVICE, TITLE)
        self._desk.demand(caller, permission, [project.policy], refusal)
        return project

    def _repository(self, caller: Caller, match: re.Match[str], permission: str) -> Repository:
        """Return a repository for a caller with a permission on it, or a 404 for one who has it on the whole project."""
        project = self._desk.state.project_by(match["project"])
        path = f"locations/{match['location']}/repositories/{match['id']}"
        repository = project.repositories.get((match["location"], match["id"])) if project else None
        if project is None or repository is None:
            self._project(caller, match, permission, path)
            raise not_found()
        need_service(project, SERVICE, TITLE)
        refusal = denied(permission, resource=f"//{SERVICE}/projects/{match['project']}/{path}", domain=SERVICE)
        self._desk.demand(caller, permission, [repository.policy, project.policy], refusal)
        return repository


def _repository_json(repository: Repository) -> Json:
    return {
        "name": repository.name,
        "format": "DOCKER",
        "mode": "STANDARD_REPOSITORY",
        "createTime": _SINCE,
        "updateTime": _SINCE,
        "registryUri": f"{repository.location}-docker.pkg.dev/{repository.project}/{repository.id}",
    }
