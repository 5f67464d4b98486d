"""Where the keys and values of a YAML mapping stand in their text, told from ruamel.yaml's nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_ALIAS = re.compile(r"\s*:\s*(\*[^\s,\[\]{}]+)")
_COMMA_AFTER = re.compile(r"\s*,[^\S\n]*")
_COMMA_BEFORE = re.compile(r",\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One key of a mapping with its value's node. An alias' node is that of its anchor, somewhere above."""

    name: str
    key: Any
    value: Any

    @property
    def column(self) -> int:
        """The key's column, from 0."""
        return int(self.key.start_mark.column)

    @property
    def is_alias(self) -> bool:
        """Whether the value is an alias: an anchor stands before every alias of it."""
        return bool(self.value.start_mark.index < self.key.end_mark.index)

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return bool(self.value.id == "mapping")

    @property
    def is_flow(self) -> bool:
        """Whether the value is written in braces."""
        return bool(self.value.flow_style)

    @property
    def text(self) -> str | None:
        """The value of a scalar, as it is read; None for anything else, and for a value that is no text."""
        is_text = self.value.id == "scalar" and self.value.tag == "tag:yaml.org,2002:str"
        return str(self.value.value) if is_text else None


def pairs(node: Any) -> Iterator[Pair]:
    """Yield the pairs of a mapping, without those that it merges in."""
    for key, value in node.value if node.id == "mapping" else ():
        yield Pair(name=str(key.value), key=key, value=value)


def pairs_of(node: Any) -> dict[str, Pair]:
    """Return the pairs of a mapping by name."""
    return {pair.name: pair for pair in pairs(node)}


class Spans:
    """Positions in one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, pair: Pair) -> tuple[int, int]:
        """Return from where to where a value is written."""
        if pair.is_alias:
            found = _ALIAS.match(self._text, pair.key.end_mark.index)
            return found.span(1) if found else (pair.key.end_mark.index, pair.key.end_mark.index)
        node = pair.value
        start, end = int(node.start_mark.index), int(node.end_mark.index)
        if node.id == "scalar":
            return (start, self._block_end(start, pair.column)) if node.style in ("|", ">") else (start, end)
        inner = list(node.value) if not node.flow_style else []
        if not inner:
            return start, end
        if node.id == "mapping":
            return start, self.of(list(pairs(node))[-1])[1]
        return start, len(self._text[:end].rstrip())

    def whole(self, pair: Pair, *, in_flow: bool) -> tuple[int, int]:
        """Return from where to where key and value are written: their lines, or their place in braces with one comma."""
        end = self.of(pair)[1]
        if not in_flow:
            start, end = self.line_of(pair), self.line_end(end)
            last = self._text[:start].removesuffix("\n").removesuffix("\r")
            return (start if self._text[:end].endswith("\n") else len(last)), end
        start = int(pair.key.start_mark.index)
        after = _COMMA_AFTER.match(self._text, end)
        if after:
            return start, after.end()
        before = _COMMA_BEFORE.search(self._text, 0, start)
        return (before.start() if before else start), end

    def line_of(self, pair: Pair) -> int:
        """Return where the line of a key begins."""
        return self._text.rfind("\n", 0, pair.key.start_mark.index) + 1

    def line_end(self, position: int) -> int:
        """Return where the next line begins, or the text ends."""
        found = self._text.find("\n", position)
        return len(self._text) if found < 0 else found + 1

    def _block_end(self, start: int, column: int) -> int:
        """Return where the last line with content of a block scalar ends; `column` is that of its key."""
        end = self._text.find("\n", start)
        end = at = len(self._text) if end < 0 else end
        while at < len(self._text):
            following = self._text.find("\n", at + 1)
            following = len(self._text) if following < 0 else following
            line = self._text[at + 1 : following]
            if line.strip():
                if len(line) - len(line.lstrip(" ")) <= column:
                    break
                end = following
            at = following
        return end - 1 if self._text[end - 1 : end] == "\r" else end
