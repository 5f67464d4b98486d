"""The roles of a service principal on one registry: the one that it shall have, and those that it has beyond."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pullgrant.errors import NotVisibleYet
from pullgrant.model.reader import Grant
from pullgrant.providers.azure import condition
from pullgrant.providers.azure.answers import AlreadyThere
from pullgrant.providers.azure.condition import Wanted
from pullgrant.providers.azure.found import Assignment, Principal, Registry
from pullgrant.providers.azure.resources import Resources
from pullgrant.providers.azure.waits import Waits

_NAMES = uuid.UUID("6b4d5a0e-5f0c-5a53-9f39-2f6f6f1f8a11")


class Roles:
    """Gives and takes roles at the scope of a registry. `description` stands in the assignments that it makes."""

    def __init__(self, resources: Resources, waits: Waits, description: str) -> None:
        self._resources, self._waits, self._description = resources, waits, description
        self._given: Assignment | None = None

    def of(self, registry: Registry, principal: Principal | None) -> tuple[Assignment, ...]:
        """Return all roles that reach this registry, those from above as well."""
        if principal is None:
            return ()
        return self._waits.reading(lambda: self._resources.assignments(registry.id, principal.id))

    def leave(self, registry: Registry, principal: Principal, wanted: Wanted, has: Sequence[Assignment]) -> None:
        """Leave the principal exactly the wanted role on this registry: that one first, then the others are taken."""
        kept = self._give(registry, principal, wanted, has)
        for one in at(registry, has):
            if one.name != kept:
                self._unassign(one)

    def take(self, registry: Registry, principal: Principal) -> None:
        """Take all roles on this registry, the one that this run gave also when it is not listed yet."""
        listed = at(registry, self.of(registry, principal))
        if self._given and self._given.name not in {one.name for one in listed}:
            listed += (self._given,)
        for one in listed:
            self._unassign(one)

    def _unassign(self, assignment: Assignment) -> None:
        self._waits.repeating(lambda: self._resources.unassign(assignment))

    def _give(self, registry: Registry, principal: Principal, wanted: Wanted, has: Sequence[Assignment]) -> str:
        """Return the name of the assignment that gives the role.

        One of the same role with another condition is changed in place: deleting it first would leave a gap.
        """
        here = at(registry, has)
        exact = next((one.name for one in here if gives(one, wanted)), "")
        if exact:
            return exact
        stale = next((one.name for one in here if one.role == wanted.role), "")
        name = stale or str(uuid.uuid5(_NAMES, f"{registry.id.lower()}|{principal.id}|{wanted.role}"))
        try:
            self._waits.repeating(lambda: self._resources.assign(registry.id, name, principal.id, wanted, self._description))
        except AlreadyThere:
            if stale:
                raise
            listed = self._waits.settling(lambda: self._listed(registry, principal, wanted))
            return self._give(registry, principal, wanted, listed)
        self._given = Assignment(id="", name=name, scope=registry.id, role=wanted.role)
        return name

    def _listed(self, registry: Registry, principal: Principal, wanted: Wanted) -> tuple[Assignment, ...]:
        has = self._resources.assignments(registry.id, principal.id)
        if not any(one.role == wanted.role for one in at(registry, has)):
            raise NotVisibleYet(f"{condition.role_name(wanted.role)} on {registry.id} exists and is not listed yet")
        return has


def at(registry: Registry, assignments: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """Return the assignments on the registry itself."""
    return tuple(one for one in assignments if one.scope.rstrip("/").lower() == registry.id.lower())


def above(registry: Registry, assignments: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """Return the assignments that reach the registry from its resource group, its subscription or further up."""
    return tuple(one for one in assignments if registry.id.lower().startswith(f"{one.scope.rstrip('/').lower()}/"))


def gives(assignment: Assignment, wanted: Wanted) -> bool:
    """Say whether an assignment is the wanted one."""
    return assignment.role == wanted.role and condition.same(assignment.condition, wanted.condition)


def as_grant(assignment: Assignment) -> Grant:
    """Return an assignment in words."""
    narrowed = " (under a condition)" if assignment.condition else ""
    return Grant(role=condition.role_name(assignment.role), resource=f"{assignment.scope}{narrowed}")
