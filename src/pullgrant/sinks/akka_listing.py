"""Reads what the akka command line lists: as JSON where its shape is known, else as text cut at the header's columns.

The JSON shape of today's CLI is documented nowhere; that of the UUID era is seen in retgits/vscode-kalix-tools. Text is
never split on blanks alone: cells may be empty and the order of the columns differs between the eras.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Cells: TypeAlias = Mapping[str, str]

_WRAPPERS = ("credentials", "items", "secrets")
_SLACK = 1  # the documentation's own sample has a cell that begins one column before its header


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One registered credential; `id` is the secret's name, or the UUID in the UUID era. The password is never listed."""

    id: str
    server: str
    username: str = ""
    email: str = ""
    status: str = ""


def entries(printed: str) -> tuple[Entry, ...] | None:
    """Return the listed credentials, None when the form of the list is not known."""
    found = _rows(printed)
    if found is None or not all(_name(row) and "server" in row for row in found):
        return None
    known = ("server", "username", "email", "status")
    return tuple(Entry(id=_name(row), **{name: row.get(name, "") for name in known}) for row in found)


def names(printed: str) -> tuple[str, ...] | None:
    """Return the names in a list of secrets, None when the form of the list is not known."""
    found = _rows(printed)
    if found is None or not all(_name(row) for row in found):
        return None
    return tuple(_name(row) for row in found)


def _name(row: Cells) -> str:
    return row.get("id") or row.get("name", "").rpartition("/")[2]


def _rows(printed: str) -> list[Cells] | None:
    if not printed.strip():
        return []
    try:
        document = json.loads(printed)
    except ValueError:
        return _text_rows(printed)
    return _json_rows(document)


def _json_rows(document: Any) -> list[Cells] | None:
    if isinstance(document, dict):
        lists = [document[key] for key in document if key.lower() in _WRAPPERS]
        if document and len(lists) != 1:
            return None
        document = lists[0] if lists else []
    if document is None:
        return []
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        return None
    return [_cells(one) for one in document]


def _cells(one: Mapping[str, Any]) -> Cells:
    inner = one.get("metadata")
    both = {**(inner if isinstance(inner, dict) else {}), **one}
    return {key.lower(): str(value) for key, value in both.items() if isinstance(value, str | int)}


def _text_rows(printed: str) -> list[Cells] | None:
    lines = [line for line in printed.splitlines() if line.strip()]
    columns = {match.start(): match[0].lower() for match in re.finditer(r"\S+", lines[0])}
    if not {"name", "id"} & set(columns.values()) or not lines[0].isupper():
        return None
    found = [_cut(line, columns) for line in lines[1:]]
    return None if None in found else [row for row in found if row is not None]


def _cut(line: str, columns: Mapping[int, str]) -> Cells | None:
    """Give each word to the column in which it begins, or to the cell before it when it begins in none."""
    cells: dict[str, str] = {}
    last = ""
    for match in re.finditer(r"\S+", line):
        here = next((name for start, name in columns.items() if abs(start - match.start()) <= _SLACK), last)
        if not here:
            return None
        cells[here] = f"{cells[here]} {match[0]}" if here in cells else match[0]
        last = here
    return {name: cells.get(name, "") for name in columns.values()}
