"""Reads YAML and JSON with the places of their values; never shows what stands in them."""

from __future__ import annotations

import json
import warnings
from typing import Any

from pullgrant.errors import UsageError

_TEMPLATE = "{{"


def documents(text: str, where: str) -> tuple[Any, ...]:
    """Return the documents of a file. Raises UsageError naming the line."""
    if text.lstrip()[:1] in ("{", "[") and not text.lstrip().startswith(_TEMPLATE):
        try:
            return (json.loads(text),)
        except (ValueError, RecursionError):
            pass  # YAML in flow style begins so too
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a name of an anchor that is used twice
            # The round-trip form keeps line numbers, and takes tags that it does not know, such as compose's !reset.
            return tuple(YAML(typ="rt", pure=True).load_all(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        place = ""  # a date that is none, a tree without end
    hint = "A template is rendered first: helm template . | pullgrant resolve --from -"
    raise UsageError(f"{where} is not YAML{place}", hint=hint if _TEMPLATE in text else "Mend the file, or leave it out.")


def line_of(mapping: Any, key: str) -> int:
    """Return the line of a mapping's value, counted from 1; 0 when it is not known."""
    places = getattr(mapping, "lc", None)
    if places is None:
        return 0
    try:
        return int(places.value(key)[0]) + 1
    except (KeyError, TypeError):
        return int(places.line or 0) + 1  # merged in from elsewhere


def at(where: str, line: int) -> str:
    """Return `FILE:LINE`."""
    return f"{where}:{line}" if line else where
