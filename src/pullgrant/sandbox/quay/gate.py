"""Quay's token service and registry: quay/quay endpoints/v2/v2auth.py and endpoints/v2/errors.py."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.quay.state import HOST, Repository, State
from pullgrant.sandbox.registry.place import Place
from pullgrant.sandbox.registry.scopes import ALL_ACTIONS, Scope
from pullgrant.sandbox.registry.words import error

OAUTH_USER = "$oauthtoken"
_OF_ROLE = {"read": frozenset({"pull"}), "write": frozenset({"pull", "push"}), "admin": frozenset(ALL_ACTIONS)}


class QuayGate(Gate):
    """The gate of quay.io."""

    style: Literal["jwt"] = "jwt"
    realm_path = "/v2/auth"
    service = HOST
    token_seconds = 3600
    token_names = ("token",)
    oauth2 = False

    def __init__(self, state: State) -> None:
        self._state = state

    def serves(self, host: str) -> bool:
        """See Gate."""
        return host == HOST

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """See Gate."""
        organizations = self._state.organizations.values()
        return {f"{one.name}/{name}": found.tags for one in organizations for name, found in one.repositories.items()}

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """See Gate."""
        if username == OAUTH_USER:
            token = self._state.tokens.get(password)
            return Visitor(name=token.user) if token else None
        robot = self._state.robot(username)
        if robot is None or self._state.robots_disallowed or not secrets.compare_digest(robot.secret, password):
            return None
        return Visitor(name=username)

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """See Gate."""
        name, _, short = repository.partition("/")
        organization = self._state.organizations.get(name)
        found = organization.repositories.get(short) if organization else None
        if organization is None or found is None:
            return frozenset()
        anybody = frozenset({"pull"}) if found.public else frozenset()
        if visitor is None:
            return anybody
        if visitor.name in organization.administrators:
            return frozenset(ALL_ACTIONS)
        robot = self._state.robot(visitor.name)
        return anybody | _OF_ROLE.get(robot.roles.get(short, "") if robot else "", frozenset())

    def judge_token(
        self, host: str, login: tuple[str, str] | None, wanted: Mapping[Scope, Place]
    ) -> tuple[Visitor | None, Mapping[str, frozenset[str]]] | Response:
        """Decide a token request: 401 for a wrong login, 400 for an action that is not push, pull or *."""
        visitor = self.sign_in(host, *login) if login else None
        if (login is not None or not wanted) and visitor is None:
            return error(401, "UNAUTHORIZED", "Invalid username or password")
        for scope in wanted:
            if set(scope.actions) - {"pull", "push"} and set(scope.actions) != set(ALL_ACTIONS):
                return error(400, "INVALID_REQUEST", f"Unable to decode repository and actions: {scope}")
        for scope, place in wanted.items():
            if "push" in scope.actions:
                self._create_on_push(visitor, place.name)
        return visitor, {
            scope.name: self.actions(host, visitor, place.name) & set(scope.actions) for scope, place in wanted.items()
        }

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """See Gate."""
        return error(401, "UNAUTHORIZED", "access to the requested resource is not authorized")

    def _create_on_push(self, visitor: Visitor | None, repository: str) -> None:
        """A mere request for push makes a missing repository, for one who may create it."""
        name, _, short = repository.partition("/")
        organization = self._state.organizations.get(name)
        if organization and visitor and visitor.name in organization.administrators:
            organization.repositories.setdefault(short, Repository(tags=()))
