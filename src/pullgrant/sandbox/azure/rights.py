"""What role assignments allow: management actions at a scope, and pulls and pushes at a registry."""

from __future__ import annotations

from collections.abc import Iterator

from pullgrant.sandbox.azure.condition import holds
from pullgrant.sandbox.azure.registry_state import Registry, RegistryToken
from pullgrant.sandbox.azure.roles import CATALOG, DATA_ACTIONS, ROLES, Role
from pullgrant.sandbox.azure.state import Assignment, State
from pullgrant.sandbox.world import World


class Rights:
    """Evaluates the assignments of one cloud. Grants on data settle late, management rights are seen at once."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def may(self, principal_id: str, action: str, scope: str) -> bool:
        """Return whether a principal may do a management action at a scope."""
        return any(role.allows(action) for _, role in self._held(principal_id, scope))

    def repository(self, principal_id: str, registry: Registry, repository: str) -> frozenset[str]:
        """Return what a principal may do with a repository: of `pull`, `push`, `delete`."""
        found: set[str] = set()
        for assignment, opened in self._on_data(principal_id, registry):
            condition, version = assignment.condition, assignment.condition_version
            for action in opened & DATA_ACTIONS.keys():
                if holds(condition, version, action=DATA_ACTIONS[action], repository=repository):
                    found.add(action)
        return frozenset(found)

    def catalog(self, principal_id: str, registry: Registry) -> bool:
        """Return whether a principal may list a registry's repositories."""
        return any(CATALOG in opened for _, opened in self._on_data(principal_id, registry))

    def _on_data(self, principal_id: str, registry: Registry) -> Iterator[tuple[Assignment, frozenset[str]]]:
        for assignment, role in self._held(principal_id, registry.id):
            opened = role.classic if registry.mode == "LegacyRegistryPermissions" else role.abac
            if opened and self._world.settled(f"azure/assignment/{assignment.name}"):
                yield assignment, opened

    def _held(self, principal_id: str, scope: str) -> Iterator[tuple[Assignment, Role]]:
        for assignment in list(self._state.assignments.values()):
            if assignment.principal_id == principal_id and covers(assignment.scope, scope):
                yield assignment, ROLES[assignment.role]


def covers(wide: str, narrow: str) -> bool:
    """Return whether a scope is another one or lies above it."""
    wide, narrow = wide.lower().rstrip("/"), narrow.lower().rstrip("/")
    return narrow == wide or narrow.startswith(f"{wide}/")


def token_actions(registry: Registry, token: RegistryToken, repository: str) -> frozenset[str]:
    """Return what a registry token may do with a repository, by its scope map.

    Actions are `repositories/NAME/content/read` and so on; one `*` may end the name, after a slash or alone:
    MicrosoftDocs/azure-management-docs container-registry-token-based-repository-permissions.md.
    """
    scope_map = registry.scope_maps.get(token.scope_map.lower())
    verbs = {"pull": "content/read", "push": "content/write", "delete": "content/delete"}
    if scope_map is None:
        return frozenset()
    return frozenset(
        action
        for action, verb in verbs.items()
        if any(_on_repository(written, verb, repository) for written in scope_map.actions)
    )


def _on_repository(written: str, verb: str, repository: str) -> bool:
    if not written.startswith("repositories/") or not written.endswith(f"/{verb}"):
        return False
    name = written.removeprefix("repositories/").removesuffix(f"/{verb}")
    if name == "*" or name.endswith("/*"):
        return repository.startswith(name.removesuffix("*"))
    return name == repository
