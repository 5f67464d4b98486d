"""Wildcards and variables of IAM policies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NOTHING = "\0"


def like(pattern: str, value: str, *, any_case: bool = False) -> bool:
    """Return whether a value is matched whole by a pattern with `*` and `?`."""
    return _compiled(pattern, any_case).fullmatch(value) is not None


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its policy variables, `${aws:username}`, filled in; an unknown one matches nothing."""
    return _VARIABLE.sub(lambda found: variables.get(found[1].lower(), _NOTHING), text) if variables else text


@lru_cache(maxsize=1024)
def _compiled(pattern: str, any_case: bool) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL | (re.IGNORECASE if any_case else re.NOFLAG))
