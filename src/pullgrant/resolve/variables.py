"""Fills in the variables of compose files and Dockerfiles: `$NAME`, `${NAME}`, `${NAME:-default}` and their kin.

Rules: compose-spec 12-interpolation.md; Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.ASCII | re.DOTALL)


class OpenError(Exception):
    """A text cannot be told: a variable without value, or a form that is not known. Its words follow a mention of it."""


def fill(text: str, values: Mapping[str, str], *, escape: str) -> str:
    """Return the text with its variables filled in; `escape` before a dollar sign makes it an ordinary one.

    Raises OpenError.
    """
    out, at = [], 0
    while at < len(text):
        if text.startswith(f"{escape}$", at):
            out.append("$")
            at += len(escape) + 1
        elif text.startswith("${", at):
            end = _closing(text, at + 2)
            out.append(_braced(text[at + 2 : end], values, escape))
            at = end + 1
        elif text[at] == "$" and (name := _NAME.match(text, at + 1)):
            out.append(_value(name[0], values))
            at = name.end()
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise OpenError("has a brace that does not close")


def _braced(inner: str, values: Mapping[str, str], escape: str) -> str:
    found = _BRACED.fullmatch(inner)
    if not found:
        raise OpenError(f"has a form that is not read here: ${{{inner}}}")
    name, operator, word = found[1], found[2] or "", found[3] or ""
    there = bool(values.get(name)) if operator.startswith(":") else name in values
    match operator[-1:]:
        case "-":
            return values[name] if there else fill(word, values, escape=escape)
        case "+":
            return fill(word, values, escape=escape) if there else ""
        case "?" if not there:
            raise OpenError(f"needs {name}, which is not set")
    return _value(name, values)


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise OpenError(f"depends on {name}, which has no value here")
    return values[name]
