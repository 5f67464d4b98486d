"""Who may do what: bindings of a resource and of its project, with conditions and with changes that settle late."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from pullgrant.sandbox.google.policy import Binding, Condition, Policy
from pullgrant.sandbox.google.roles import OWNER, includes
from pullgrant.sandbox.google.state import State
from pullgrant.sandbox.world import World

_CONVENIENCE = {"projectOwner": OWNER, "projectEditor": "roles/editor", "projectViewer": "roles/viewer"}
_BEFORE = re.compile(r'request\.time < timestamp\("([0-9TZ:.+-]+)"\)', re.ASCII)


class Rights:
    """Judges permissions. `None` as member is a caller without credentials."""

    def __init__(self, state: State, world: World) -> None:
        self._state = state
        self._world = world

    def has(self, member: str | None, permission: str, policies: Sequence[Policy]) -> bool:
        """Return whether a member has a permission by any of these policies, a resource's own and its project's."""
        return any(self._allows(policy, member, permission) for policy in policies)

    def _allows(self, policy: Policy, member: str | None, permission: str) -> bool:
        """Return what a reader of the policy sees; a question whose answer did not change is no read of the change."""
        now, before = (self._any(each, member, permission) for each in (policy.bindings, policy.before))
        return now if now == before or self._world.settled(change_of(policy)) else before

    def _any(self, bindings: Sequence[Binding], member: str | None, permission: str) -> bool:
        return any(
            includes(binding.role, permission) and self._met(binding.condition) and self._holds(binding, member)
            for binding in bindings
        )

    def _holds(self, binding: Binding, member: str | None) -> bool:
        return any(self._is(written, member) for written in binding.members)

    def _is(self, written: str, member: str | None) -> bool:
        if written == "allUsers":
            return True
        if member is None:
            return False
        kind, _, name = written.partition(":")
        project = self._state.projects.get(name)
        if kind in _CONVENIENCE and project:
            bindings = (each for each in project.policy.bindings if each.role == _CONVENIENCE[kind])
            return any(member in binding.members for binding in bindings)
        return written in (member, "allAuthenticatedUsers")

    def _met(self, condition: Condition | None) -> bool:
        """Return whether a condition is true: an end of time is understood, anything else grants nothing."""
        if condition is None:
            return True
        until = _BEFORE.fullmatch(condition.expression.strip())
        return bool(until) and self._world.now() < datetime.fromisoformat(until[1]) if until else False


def change_of(policy: Policy) -> str:
    """Return the name under which the world knows the last change of a policy."""
    return f"google/policy/{policy.resource}"
