"""Docker Hub's token service and registry.

The token service answers 200 with a token whatever was asked and shown, for missing repositories too
(docker/hub-feedback#1771): what a token is good for shows at the manifest alone, and in its `access`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.dockerhub.state import HOSTS, TOKENS, AccessToken, State
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.registry.place import Place
from pullgrant.sandbox.registry.scopes import ALL_ACTIONS, Scope
from pullgrant.sandbox.registry.words import error
from pullgrant.sandbox.world import World

PREVIEW = "ratelimitpreview/test"
_PULL, _PUSH = frozenset({"scope-image-pull", "repo-pull"}), frozenset({"scope-image-push", "repo-push"})
_OF_SCOPE = {
    "repo:admin": frozenset(ALL_ACTIONS),
    "repo:write": frozenset({"pull", "push"}),
    "repo:read": frozenset({"pull"}),
    "repo:public_read": frozenset[str](),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubVisitor(Visitor):
    """An account by password, or one of its tokens or its organisation's by id."""

    token: str = ""


class HubGate(Gate):
    """The gate of docker.io."""

    style: Literal["jwt"] = "jwt"
    realm_host = TOKENS
    realm_path = "/token"
    service = "registry.docker.io"
    token_seconds = 300

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def serves(self, host: str) -> bool:
        """See Gate."""
        return host in HOSTS

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """See Gate."""
        return {name: one.tags for name, one in self._state.repositories.items()}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """See Gate."""
        for token in self._state.tokens.values():
            if token.account == username and secrets.compare_digest(token.secret, password):
                return HubVisitor(name=username, token=token.id) if token.alive(self._world.now()) else None
        user = self._state.users.get(username)
        good = user is not None and not user.sso and secrets.compare_digest(user.password, password)
        return HubVisitor(name=username) if good else None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        if repository == PREVIEW:
            return frozenset({"pull"})
        found = self._state.repositories.get(repository)
        if found is None:
            return frozenset()
        anybody = frozenset[str]() if found.private else frozenset({"pull"})
        if not isinstance(visitor, HubVisitor):
            return anybody
        token = self._state.tokens.get(visitor.token)
        if token is None:
            return anybody | self._of_user(visitor.name, repository)
        if token.kind == "pat":
            return anybody | (self._of_user(visitor.name, repository) & _OF_SCOPE[token.scope])
        return anybody | _of_resources(token, repository)

    def judge_token(
        self, host: str, login: tuple[str, str] | None, wanted: Mapping[Scope, Place]
    ) -> tuple[Visitor | None, Mapping[str, frozenset[str]]] | Response:
        """Decide a token request; see the module."""
        visitor = self.sign_in(host, *login) if login else None
        return visitor, {
            scope.name: self.actions(host, visitor, place.name) & set(scope.actions) for scope, place in wanted.items()
        }

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """See Gate."""
        return error(401, "UNAUTHORIZED", "authentication required")

    def _of_user(self, name: str, repository: str) -> frozenset[str]:
        account = repository.partition("/")[0]
        if name == account or name in self._state.owners.get(account, frozenset()):
            return frozenset(ALL_ACTIONS)
        return frozenset({"pull"}) if name in self._state.members.get(account, frozenset()) else frozenset()


def _of_resources(token: AccessToken, repository: str) -> frozenset[str]:
    held: set[str] = set()
    for one in token.resources:
        path, scopes = str(one["path"]), one["scopes"]
        if one["type"] == "TYPE_REPO" and fnmatchcase(repository, path) and isinstance(scopes, list):
            held |= {"pull"} if _PULL & set(scopes) else set()
            held |= {"pull", "push"} if _PUSH & set(scopes) else set()
    return frozenset(held)
