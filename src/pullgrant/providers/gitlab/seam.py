"""Makes the calls to GitLab's API and decides nothing: doc/api/deploy_tokens.md and doc/api/container_registry.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pullgrant.kit.http import Http
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import ByToken, Rest, Step
from pullgrant.providers.gitlab.settings import Settings

_PAGE = ("per_page", "100")


class Seam:
    """One operator's calls on one project or group."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._path, self._what = settings.path, f"the {settings.kind} {settings.path}"
        role = "Maintainer" if settings.kind == "project" else "Owner"
        self._right = f"the role {role} on {self._what} and a token with the scope api"
        self._own = f"/{settings.kind}s/{_escaped(settings.path)}"
        sign_in = ByToken(Reference(settings.token), header="private-token", prefix="")
        hint = "Check what --token leads to: an access token with the scope api that has not expired."
        base = f"{settings.server.url}/api/v4"
        self._rest = Rest(http, base, service=settings.server.host, sign_in=sign_in, sign_in_hint=hint)

    def get_scope(self) -> dict[str, Any]:
        """Return the project or group."""
        return self._rest.ask(Step(doing=f"look at {self._what}", right=self._right), "GET", self._own)

    def list_tokens(self) -> Iterator[dict[str, Any]]:
        """Yield the deploy tokens, without their secrets; ended ones too."""
        step = Step(doing=f"list the deploy tokens of {self._what}", right=self._right)
        return self._rest.pages(step, f"{self._own}/deploy_tokens", params=[_PAGE])

    def get_token(self, token: str) -> dict[str, Any]:
        """Return one deploy token without its secret."""
        step = Step(doing=f"look at the deploy token {token}", right=self._right)
        return self._rest.ask(step, "GET", f"{self._own}/deploy_tokens/{token}")

    def create_token(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the new deploy token, in this answer alone with its secret."""
        step = Step(doing=f"create a deploy token for {self._what}", right=self._right, changes=True)
        return self._rest.ask(step, "POST", f"{self._own}/deploy_tokens", body=body)

    def delete_token(self, token: str) -> None:
        """Delete a deploy token; it is refused from then on."""
        step = Step(doing=f"delete the deploy token {token} of {self._what}", right=self._right, changes=True)
        self._rest.call(step, "DELETE", f"{self._own}/deploy_tokens/{token}")

    def list_repositories(self) -> Iterator[dict[str, Any]]:
        """Yield the image repositories of the project or group."""
        step = Step(doing=f"list the images of {self._what}", right="the role Reporter")
        return self._rest.pages(step, f"{self._own}/registry/repositories", params=[_PAGE])

    def list_siblings(self, group: str) -> Iterator[dict[str, Any]]:
        """Yield the image repositories of a whole group."""
        step = Step(doing=f"list the images of the group {group}", right="the role Reporter")
        return self._rest.pages(step, f"/groups/{_escaped(group)}/registry/repositories", params=[_PAGE])

    def list_tags(self, project: int, repository: int) -> Iterator[dict[str, Any]]:
        """Yield the tags of an image repository."""
        step = Step(doing="list the tags of an image", right="the role Reporter")
        path = f"/projects/{project}/registry/repositories/{repository}/tags"
        return self._rest.pages(step, path, params=[("per_page", "1")])

    def get_project(self, project: int) -> dict[str, Any]:
        """Return a project by its id."""
        return self._rest.ask(Step(doing=f"look at the project {project}"), "GET", f"/projects/{project}")


def _escaped(path: str) -> str:
    return quote(path, safe="")
