"""GitLab's token service and registry: app/services/auth/container_registry_authentication_service.rb of gitlabhq/gitlabhq."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.gitlab.state import HOST, MAINTAINER, READ, REGISTRY, WRITE, DeployToken, State
from pullgrant.sandbox.registry.place import Place
from pullgrant.sandbox.registry.scopes import ALL_ACTIONS, Scope
from pullgrant.sandbox.registry.words import error
from pullgrant.sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabVisitor(Visitor):
    """A user, or a deploy token by its id."""

    token: int = 0


class GitLabGate(Gate):
    """The gate of registry.gitlab.com, whose token service is at gitlab.com."""

    style: Literal["jwt"] = "jwt"
    realm_host = HOST
    realm_path = "/jwt/auth"
    service = "container_registry"
    token_seconds = 300
    token_names = ("token",)
    oauth2 = False

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def serves(self, host: str) -> bool:
        """See Gate."""
        return host in (HOST, REGISTRY)

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """See Gate."""
        return {name: tags for one in self._state.projects.values() for name, tags in one.images.items()}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """See Gate."""
        if (user := self._state.users.get(password)) is not None:
            return GitLabVisitor(name=user)
        for token in self._state.tokens.values():
            good = token.username == username and secrets.compare_digest(token.secret, password)
            if good and token.alive(self._world.now()):
                return GitLabVisitor(name=username, token=token.id)
        return None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        project = self._state.project_of(repository)
        if project is None or not project.registry:
            return frozenset()
        anybody = frozenset({"pull"}) if project.public else frozenset()
        if not isinstance(visitor, GitLabVisitor):
            return anybody
        token = self._token(visitor)
        if token is not None:
            return anybody | (_of_scopes(token) if token.covers(repository) else frozenset())
        role = self._state.role(visitor.name, project.path)
        return anybody | (frozenset(ALL_ACTIONS) if role >= MAINTAINER else frozenset())

    def judge_token(
        self, host: str, login: tuple[str, str] | None, wanted: Mapping[Scope, Place]
    ) -> tuple[Visitor | None, Mapping[str, frozenset[str]]] | Response:
        """Decide a token request: what is not granted is left out of the token, and a granted push makes a repository."""
        visitor = self.sign_in(host, *login) if login else None
        if login is not None and not isinstance(visitor, GitLabVisitor):
            return error(401, "UNAUTHORIZED", "HTTP Basic: Access denied.")
        token = self._token(visitor) if isinstance(visitor, GitLabVisitor) else None
        if token is not None and not _of_scopes(token):
            return error(403, "DENIED", "access forbidden")
        access = {}
        for scope, place in wanted.items():
            project = self._state.project_of(place.name)
            if project is not None and not project.registry:
                return error(404, "UNAVAILABLE", "registry not enabled")
            granted = self.actions(host, visitor, place.name) & set(scope.actions)
            if project is not None and project.protected and "push" in granted:
                return error(403, "DENIED", "Pushing to protected repository path forbidden")
            if project is not None and "push" in granted:
                project.images.setdefault(place.name, ())
            if granted:
                access[scope.name] = granted
        return visitor, access

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """See Gate."""
        return error(401, "UNAUTHORIZED", "authentication required")

    def _token(self, visitor: GitLabVisitor) -> DeployToken | None:
        return self._state.tokens.get(visitor.token)


def _of_scopes(token: DeployToken) -> frozenset[str]:
    pull = {"pull"} if READ in token.scopes else set()
    return frozenset(pull | ({"push"} if WRITE in token.scopes else set()))
