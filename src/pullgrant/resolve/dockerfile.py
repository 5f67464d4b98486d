"""What a Dockerfile pulls: its base images, its frontend, and images that it copies or mounts from.

Rules: Dockerfile reference (docs.docker.com/reference/dockerfile).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from pullgrant.resolve.documents import at
from pullgrant.resolve.found import Contents, Found, Unread
from pullgrant.resolve.variables import OpenError, fill

_DIRECTIVE = re.compile(r"#\s*([A-Za-z]+)\s*=\s*(\S+)\s*")
_HEREDOC = re.compile(r"(?:^|\s)\d*<<(-?)(['\"]?)([A-Za-z0-9_.]+)\2(?=[\s;|&>)]|$)")
_TAKES_HEREDOC = frozenset({"RUN", "COPY", "ADD"})
_NOTHING = "scratch"
# Set by the build for each platform (Dockerfile reference, "Automatic platform ARGs in the global scope").
_OF_THE_BUILD = re.compile(r"(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)", re.ASCII)


@dataclass(slots=True)
class _Reading:
    """One pass over a file: what was found, the ARGs before the first FROM, and the stages so far."""

    where: str
    found: list[Found] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)
    stages: list[str] = field(default_factory=list)
    escape: str = "\\"

    def image(self, text: str, line: int, what: str) -> None:
        where = f"{at(self.where, line)} {what}"
        try:
            filled = fill(text, self.arguments, escape=self.escape)
        except OpenError as error:
            words = str(error)
            if _OF_THE_BUILD.search(words):
                words += "; the build sets it for each platform"
            self.unread.append(Unread(text=text, where=where, why=words))
            return
        if filled.lower() not in (_NOTHING, *self.stages) and not (filled.isdigit() and int(filled) < len(self.stages)):
            self.found.append(Found(text=filled, where=where))


def contents(text: str, where: str) -> Contents:
    """Return all images that building the file would pull, in the order of the file."""
    reading = _Reading(where=where)
    lines = text.splitlines()
    directives, start = _directives(lines)
    reading.escape = directives.get("escape", ("\\", 0))[0]
    if "syntax" in directives:
        image, line = directives["syntax"]
        reading.image(image, line, "syntax")
    for line, instruction in _instructions(lines, start, reading.escape):
        _read(reading, line, instruction)
    return Contents(found=tuple(reading.found), unread=tuple(reading.unread))


def is_one(text: str) -> bool:
    """Say whether a text reads as a Dockerfile: its first instruction can only be FROM or ARG."""
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    return re.match(r"\s*(?:FROM|ARG)\s+\S", first, re.IGNORECASE) is not None


def _directives(lines: list[str]) -> tuple[dict[str, tuple[str, int]], int]:
    """Return the directives with their lines, and the number of the first line that is none."""
    found: dict[str, tuple[str, int]] = {}
    for index, line in enumerate(lines):
        match = _DIRECTIVE.fullmatch(line.strip())
        if not match:
            return found, index
        found[match[1].lower()] = (match[2], index + 1)
    return found, len(lines)


def _instructions(lines: list[str], start: int, escape: str) -> Iterator[tuple[int, str]]:
    """Yield each instruction on one line with the number of its first; comments and here-documents are left out."""
    index = start
    while index < len(lines):
        first = index
        parts: list[str] = []
        while index < len(lines):
            line = lines[index]
            index += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                continue
            parts.append(line.rstrip().removesuffix(escape))
            if not line.rstrip().endswith(escape):
                break
        text = " ".join(parts).strip()
        if text.partition(" ")[0].upper() in _TAKES_HEREDOC:
            index = _after_heredocs(lines, index, text)
        if text:
            yield first + 1, text


def _after_heredocs(lines: list[str], index: int, text: str) -> int:
    for dash, _, word in _HEREDOC.findall(text):
        end = next((n for n in range(index, len(lines)) if (lines[n].lstrip("\t") if dash else lines[n]) == word), None)
        if end is None:
            return index  # it was no here-document
        index = end + 1
    return index


def _read(reading: _Reading, line: int, instruction: str) -> None:
    name, _, rest = instruction.partition(" ")
    match name.upper():
        case "ARG" if not reading.stages:
            _arguments(reading, rest)
        case "FROM":
            words = [word for word in rest.split() if not word.startswith("--")]
            if words:
                reading.image(words[0], line, "FROM")
                named = len(words) == 3 and words[1].upper() == "AS"
                reading.stages.append(words[2].lower() if named else "")
        case "COPY" | "RUN":
            for image in _flagged(rest):
                _other(reading, image, line, name.upper())


def _arguments(reading: _Reading, text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    for word in words:
        name, equals, value = word.partition("=")
        try:
            if equals:
                reading.arguments[name] = fill(value, reading.arguments, escape=reading.escape)
        except OpenError:
            reading.arguments.pop(name, None)


def _flagged(text: str) -> Iterator[str]:
    """Yield what `--from=` and `--mount=...,from=` name, before the instruction's own words begin."""
    for word in text.split():
        if not word.startswith("--"):
            return
        flag, _, value = word.partition("=")
        if flag == "--from":
            yield value
        elif flag == "--mount":
            yield from (part[5:] for part in value.split(",") if part.startswith("from="))


def _other(reading: _Reading, image: str, line: int, name: str) -> None:
    what = "COPY --from" if name == "COPY" else "RUN --mount"
    if "$" in image:
        where = f"{at(reading.where, line)} {what}"
        reading.unread.append(Unread(text=image, where=where, why="has a variable, which is not filled in there"))
        return
    reading.image(image, line, what)
