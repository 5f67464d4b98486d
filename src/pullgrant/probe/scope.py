"""A scope: what a token is asked for, `repository:NAME:pull`."""

from __future__ import annotations

from dataclasses import dataclass

REPOSITORY = "repository"
PULL = frozenset({"pull"})
PUSH = frozenset({"pull", "push"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Actions on one resource; `kind` is its type without a class (distribution/distribution auth/scope.md)."""

    kind: str = REPOSITORY
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(sorted(self.actions))}"


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """Return the scopes of a space-separated list; entries that are none are left out.

    A name may hold a colon (a host's port): the type ends at the first colon, the actions begin after the last.
    """
    return tuple(scope for entry in text.split() if (scope := _parse(entry)) is not None)


def kind_of(text: str) -> str:
    """Return a resource type without its class: `repository(plugin)` counts as `repository`."""
    return text.partition("(")[0]


def _parse(entry: str) -> Scope | None:
    kind, _, rest = entry.partition(":")
    name, colon, actions = rest.rpartition(":")
    if not kind or not name or not colon:
        return None
    return Scope(kind=kind_of(kind), name=name, actions=frozenset(actions.split(",")) - {""})
