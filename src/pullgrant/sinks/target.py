"""The targets of slots: a place, and options behind it, `PLACE,name=value,flag`."""

from __future__ import annotations

from collections.abc import Collection

from pullgrant.errors import UsageError


def split(target: str, *, valued: Collection[str] = (), flags: Collection[str] = ()) -> tuple[str, dict[str, str]]:
    """Return the place and the options of a target; a flag's value is its own name.

    Raises UsageError that names the part which is unknown, empty or given twice.
    """
    place, *parts = (part.strip() for part in target.split(","))
    options: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        good = name in valued and value.strip() if equals else name in flags
        if not good or name in options:
            known = [*(f"{one}=..." for one in valued), *flags]
            raise UsageError(f"{part!r} in the target {target!r} is not known", hint=f"Known: {', '.join(known) or 'none'}.")
        options[name] = value.strip() if equals else name
    return place, options


def join(place: str, options: dict[str, str]) -> str:
    """Return the target that `split` reads."""
    return ",".join([place, *(name if name == value else f"{name}={value}" for name, value in options.items())])
