"""What a file was found to pull, and what in it could not be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A reference to an image as it stands, its variables filled in; `note` is a sentence about its credential there."""

    text: str
    where: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A place that pulls something which the file alone does not tell."""

    text: str
    where: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All of one file."""

    found: tuple[Found, ...] = ()
    unread: tuple[Unread, ...] = ()
