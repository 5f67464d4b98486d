"""The grammar of `scope`: distribution/distribution docs/content/spec/auth/scope.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ALL_ACTIONS = ("pull", "push", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One asked scope; `actions` in the asked order, `*` spelled out."""

    type: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(self.actions)}"


def read_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Return all scopes of a token request, each text holding one or more. Raises ValueError for what is none."""
    return tuple(_scope(word) for text in texts for word in text.split())


def _scope(text: str) -> Scope:
    kind, _, rest = text.partition(":")
    name, _, actions = rest.rpartition(":")  # a name may hold a colon, before a port
    if not kind or not name:
        raise ValueError(f"{text!r} is not a scope: type:name:actions")
    kind = kind.partition("(")[0]  # a class in parentheses is the same type
    asked = tuple(dict.fromkeys(action for action in actions.split(",") if action))
    if kind == "repository" and "*" in asked:
        asked = ALL_ACTIONS
    return Scope(type=kind, name=name, actions=asked)
