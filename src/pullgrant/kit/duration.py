"""Spans of time as options write them."""

from __future__ import annotations

import re
from datetime import timedelta

from pullgrant.errors import UsageError

_UNITS = {"h": "hours", "d": "days"}


def life_of(option: str, text: str, *, least: timedelta, most: timedelta) -> timedelta:
    """Return `12h` or `90d` as a timedelta. Raises UsageError for another text, and for a life outside the limits."""
    found = re.fullmatch(r"(\d{1,5})([hd])", text, re.ASCII)
    if not found:
        raise UsageError(f"--{option} {text!r} is not a duration", hint="Give whole hours or days, such as 12h or 90d.")
    life = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not least <= life <= most:
        raise UsageError(f"--{option} {text} is too short or too long", hint=f"Give {_short(least)} to {_short(most)}.")
    return life


def _short(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
