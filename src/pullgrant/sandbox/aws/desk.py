"""Where every call comes in: it knows the caller, holds the lock and says no in the right shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from pullgrant.sandbox.aws.books import Books
from pullgrant.sandbox.aws.callers import Callers
from pullgrant.sandbox.aws.calls import AwsCall, read, refuse
from pullgrant.sandbox.aws.late import Late
from pullgrant.sandbox.aws.moto_door import Moto
from pullgrant.sandbox.aws.refusal import Refusal, denied, throttled, unknown_operation, unreadable
from pullgrant.sandbox.aws.rights import Decision, Resource, Rights
from pullgrant.sandbox.aws.shapes import Shapes
from pullgrant.sandbox.aws.state import Caller, Identity, State
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

Service: TypeAlias = Callable[[AwsCall, Caller], Response]


class Desk:
    """What the services share: state, moto, callers, rights, and the way in."""

    def __init__(self, *, state: State, moto: Moto, world: World) -> None:
        self.state, self.moto, self.world = state, moto, world
        self.late, self.shapes = Late(world), Shapes()
        self.books = Books(moto, self.late)
        self.rights = Rights(books=self.books, late=self.late, world=world)
        self.callers = Callers(state=state, books=self.books, moto=moto, world=world)

    def door(self, services: Mapping[str, Service]) -> Callable[[Request, re.Match[str]], Response]:
        """Return the answering function of all services."""

        def answer(request: Request, _: re.Match[str]) -> Response:
            call, named = read(request), {}
            try:
                with self.world.lock:
                    caller = self.callers.authenticate(call)
                    named[PRINCIPAL] = caller.arn
                    self.callers.used(call, caller)
                    if not call.readable:
                        raise unreadable(call.shape)
                    if not call.operation or call.service not in services:
                        raise unknown_operation(call.shape, call.operation)
                    self.shapes.check(call)
                    found = services[call.service](call, caller)
            except Refusal as refusal:
                found = refuse(call, refusal)
            return replace(found, headers={**found.headers, **named})

        return answer

    def demand(
        self, call: AwsCall, caller: Caller, action: str, resource: Resource, context: Mapping[str, str] | None = None
    ) -> None:
        """Raise Refusal unless the caller may do an action."""
        decision = self.rights.decide(caller, action, resource, context)
        if not decision.allowed:
            raise denied(call.shape, sentence(caller, action, resource.arn, decision))

    def visible(self, entity: Identity) -> bool:
        """Say whether IAM's readers see a user or role yet; asking counts as one read."""
        return self.late.see(self.entity_thing(entity.arn), entity.id) == entity.id

    def entity_thing(self, arn: str) -> str:
        """Return the name under which the world knows that a user or role came or went."""
        return f"aws/entity/{arn}"

    def trust_thing(self, arn: str) -> str:
        """Return the name under which the world knows changes of a role's trust policy."""
        return f"aws/trust/{arn}"

    def meter(self, call: AwsCall, name: str, *, per_second: float, burst: float) -> None:
        """Raise Refusal when a bucket that refills by the world's clock is empty."""
        now = self.world.now()
        left, then = self.state.asked.get(name, (burst, now))
        left = min(burst, left + max(0.0, (now - then).total_seconds()) * per_second)
        if left < 1:
            raise throttled(call.shape)
        self.state.asked[name] = (left - 1, now)


def sentence(caller: Caller, action: str, resource: str, decision: Decision) -> str:
    """Return AWS's sentence of refusal: aws-actions/amazon-ecr-login#232."""
    return f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {decision.why}"
