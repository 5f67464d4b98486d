"""Where every REST call of the fake comes in: it knows the caller, holds the lock and says no in the right shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, TypeVar

from pullgrant.sandbox.exchange import Answering, Request, Response
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM, Caller, Callers
from pullgrant.sandbox.google.policies import Policies
from pullgrant.sandbox.google.policy import Policy, refuse_unknown
from pullgrant.sandbox.google.refusal import Json, Refusal, denied, invalid, service_disabled
from pullgrant.sandbox.google.rights import Rights
from pullgrant.sandbox.google.state import Project, State
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

T = TypeVar("T")
Handler: TypeAlias = Callable[[Caller, Request, "re.Match[str]"], Json]


class Desk:
    """What the services share: state, callers, rights, policies, and the way in."""

    def __init__(self, state: State, world: World) -> None:
        self.state = state
        self.world = world
        self.callers = Callers(state, world)
        self.rights = Rights(state, world)
        self.policies = Policies(state, world)

    def endpoint(
        self, handler: Handler, *, scopes: Sequence[str] = (CLOUD_PLATFORM,), shape: Literal["status", "storage"] = "status"
    ) -> Answering:
        """Return the answering function of one REST method."""

        def answer(request: Request, match: re.Match[str]) -> Response:
            named: dict[str, str] = {}
            try:
                with self.world.lock:
                    caller = self.callers.authenticate(request.headers.get("authorization", ""), request.host)
                    named[PRINCIPAL] = caller.email
                    caller.demand(*scopes)
                    return Response(json=handler(caller, request, match), headers=named)
            except Refusal as refusal:
                answer = refusal.storage_response() if shape == "storage" else refusal.response()
                return replace(answer, headers={**answer.headers, **named})

        return answer

    def demand(self, caller: Caller, permission: str, policies: Sequence[Policy], refusal: Refusal | None = None) -> None:
        """Raise a Refusal unless the caller has a permission."""
        if not self.rights.has(caller.member, permission, policies):
            raise refusal or denied(permission)

    def project(self, caller: Caller, name: str, permission: str, refusal: Refusal | None = None) -> Project:
        """Return a project on which the caller has a permission; one that is not there is refused in the same words."""
        project = self.state.project_by(name)
        if project is None:
            raise refusal or denied(permission)
        self.demand(caller, permission, [project.policy], refusal)
        return project

    def granted(self, caller: Caller, asked: object, policies: Sequence[Policy]) -> Json:
        """Return the answer to testIamPermissions. Raises Refusal for wildcards, which it does not take."""
        if not isinstance(asked, list) or any("*" in str(each) for each in asked):
            raise invalid("Permissions with wildcards are not allowed.")
        held = [each for each in asked if self.rights.has(caller.member, each, policies)]
        return {"permissions": held} if held else {}


def body_of(request: Request, known: Iterable[str]) -> Json:
    """Return a request's JSON object. Raises Refusal when it is none or holds unknown fields."""
    try:
        document = request.json()
    except ValueError:
        raise invalid("Invalid JSON payload received. Unexpected token.") from None
    if not isinstance(document, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    refuse_unknown(document, known, "")
    return document


def need_service(project: Project, service: str, title: str) -> None:
    """Raise Refusal unless an API is enabled in a project."""
    if service not in project.services:
        raise service_disabled(title, service, project.number)


def page(items: Sequence[T], size: object, token: object, *, most: int) -> tuple[Sequence[T], str]:
    """Return one page and the token of the next, empty at the end. Raises Refusal for a token that was never given out."""
    if not str(token or "0").isdigit() or not str(size or "0").isdigit():
        raise invalid("Request contains an invalid argument.")
    start, count = int(str(token or 0)), min(int(str(size or 0)) or most, most)
    following = start + count
    return items[start:following], str(following) if following < len(items) else ""


def options_version(request: Request) -> str:
    """Return the policy version that a GET or a bodyless POST asks for."""
    return request.one("options.requestedPolicyVersion")
