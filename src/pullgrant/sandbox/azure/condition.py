"""Conditions of role assignments on repositories, in the forms that are documented for container registries.

Azure ABAC condition format, version 2.0: `AND`, `OR`, `!`, `ActionMatches{'...'}` and comparisons of
`@Request[Microsoft.ContainerRegistry/registries/repositories:name]`. What cannot be read grants nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TypeAlias

VERSION = "2.0"
_NAME = "microsoft.containerregistry/registries/repositories:name"
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()!{},])|@Request\[(?P<attribute>[^\]]*)\]|'(?P<text>(?:[^']|'')*)'|(?P<word>[A-Za-z]+(?::[A-Za-z]+)?))",
    re.ASCII,
)
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda name, value: name == value,
    "StringNotEquals": lambda name, value: name != value,
    "StringEqualsIgnoreCase": lambda name, value: name.lower() == value.lower(),
    "StringNotEqualsIgnoreCase": lambda name, value: name.lower() != value.lower(),
    "StringStartsWith": lambda name, value: name.startswith(value),
    "StringStartsWithIgnoreCase": lambda name, value: name.lower().startswith(value.lower()),
    "StringLike": fnmatchcase,
    "StringLikeIgnoreCase": lambda name, value: fnmatchcase(name.lower(), value.lower()),
}
Test: TypeAlias = Callable[[str, str], bool]  # of an action and a repository
_Token: TypeAlias = tuple[str, str]


class UnreadableError(ValueError):
    """A condition in a form that is not understood."""


def holds(condition: str | None, version: str | None, *, action: str, repository: str) -> bool:
    """Return whether a condition lets an action on a repository pass; no condition lets all pass, an unreadable one none."""
    if condition is None:
        return True
    if version != VERSION:
        return False
    try:
        return parse(condition)(action, repository)
    except UnreadableError:
        return False


def parse(condition: str) -> Test:
    """Return the test that a condition spells. Raises UnreadableError."""
    reader = _Reader(_tokens(condition))
    test = reader.either()
    reader.end()
    return test


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise UnreadableError(f"nothing known at {position}")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Reader:
    """Reads tokens from left to right; AND binds tighter than OR."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._left = tokens[::-1]

    def end(self) -> None:
        if self._left:
            raise UnreadableError(f"unexpected {self._left[-1][1]!r}")

    def either(self) -> Test:
        parts = [self._both()]
        while self._skip(("word", "OR")):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda action, name: any(part(action, name) for part in parts)

    def _both(self) -> Test:
        parts = [self._one()]
        while self._skip(("word", "AND")):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda action, name: all(part(action, name) for part in parts)

    def _one(self) -> Test:
        if self._skip(("mark", "!")):
            negated = self._one()
            return lambda action, name: not negated(action, name)
        if self._skip(("mark", "(")):
            inner = self.either()
            self._need(("mark", ")"))
            return inner
        if self._skip(("word", "ActionMatches")):
            patterns = self._values()
            return lambda action, _: any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
        return self._comparison()

    def _comparison(self) -> Test:
        kind, attribute = self._next()
        if kind != "attribute" or attribute.lower() != _NAME:
            raise UnreadableError(f"unknown {attribute!r}")
        kind, operator = self._next()
        many = operator.removeprefix("ForAnyOfAnyValues:")
        compare = _COMPARISONS.get(many)
        if kind != "word" or compare is None:
            raise UnreadableError(f"unknown comparison {operator!r}")
        values = self._values() if many != operator else [self._text()]
        return lambda _, name: any(compare(name, value) for value in values)

    def _values(self) -> list[str]:
        self._need(("mark", "{"))
        values = [self._text()]
        while self._skip(("mark", ",")):
            values.append(self._text())
        self._need(("mark", "}"))
        return values

    def _text(self) -> str:
        kind, text = self._next()
        if kind != "text":
            raise UnreadableError(f"{text!r} is not a text")
        return text.replace("''", "'")

    def _next(self) -> _Token:
        if not self._left:
            raise UnreadableError("it ends too early")
        return self._left.pop()

    def _skip(self, token: _Token) -> bool:
        if self._left and self._left[-1] == token:
            self._left.pop()
            return True
        return False

    def _need(self, token: _Token) -> None:
        if not self._skip(token):
            raise UnreadableError(f"no {token[1]!r} where it must stand")
