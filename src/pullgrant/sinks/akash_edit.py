"""Changes the credentials of services in the text of an SDL file, and not one byte beside them.

A YAML library that writes a file anew changes quotes, blanks and line breaks that nobody asked about. Here the library only
says where a value stands; the text is cut there, and the result is read again and compared with what was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from pullgrant.errors import UsageError
from pullgrant.sinks import akash_sdl, akash_spans
from pullgrant.sinks.akash_sdl import Sdl
from pullgrant.sinks.akash_spans import Pair, Spans

Fields: TypeAlias = Mapping[str, str]
Cut: TypeAlias = tuple[int, int, str]  # from, to, and what stands there from now on

# Beyond JSON's escapes: what YAML takes for a line break, a mark of byte order, or does not let stand in a text.
_UNPRINTABLE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


def put(text: str, where: str, wanted: Mapping[str, Fields]) -> str:
    """Return the text in which these services have these fields in their credentials; other fields stay as they are.

    Raises UsageError, with the text unchanged, when that cannot be done without touching another service.
    """
    sdl = akash_sdl.read(text, where)
    changes = _Changes(text, sdl, wanted)
    for name, fields in wanted.items():
        changes.put(name, fields)

    def meant(name: str, service: dict[str, Any]) -> dict[str, Any]:
        return {**service, "credentials": {**(service.get("credentials") or {}), **wanted[name]}}

    return _checked(changes.apply(), where, sdl, wanted, meant)


def take(text: str, where: str, names: tuple[str, ...]) -> str:
    """Return the text in which these services have no credentials. Raises UsageError as `put` does."""
    sdl = akash_sdl.read(text, where)
    changes = _Changes(text, sdl, names)
    for name in names:
        changes.take(name)

    def meant(_: str, service: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in service.items() if key != "credentials"}

    return _checked(changes.apply(), where, sdl, names, meant)


class _Changes:
    """The cuts of one text. A node that several services share through an anchor is cut once."""

    def __init__(self, text: str, sdl: Sdl, names: Collection[str]) -> None:
        self._text, self._spans = text, Spans(text)
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._cuts: list[Cut] = []
        self._services = _services(sdl, names)
        self._done: set[int] = set()
        # What these services write themselves: an alias of it follows without being touched.
        own = [self._services[name] for name in names if not self._services[name].is_alias]
        inner = [akash_spans.pairs_of(service.value).get("credentials") for service in own]
        self._own = {id(pair.value) for pair in (*own, *inner) if pair is not None and not pair.is_alias}

    def apply(self) -> str:
        """Return the text with all cuts made."""
        text = self._text
        for start, end, instead in sorted(self._cuts, key=lambda cut: cut[:2], reverse=True):
            text = text[:start] + instead + text[end:]
        return text

    def put(self, name: str, fields: Fields) -> None:
        """Set fields of a service's credentials."""
        service = self._services[name]
        if self._is_settled(service):
            return
        own = akash_spans.pairs_of(service.value)
        found = own.get("credentials")
        if found is None:
            self._insert_block(service, fields)
        elif found.is_alias and id(found.value) in self._own:
            return
        elif found.is_alias or not found.is_mapping:
            start, end = self._spans.of(found)
            blank = "" if self._text[start - 1 : start].isspace() else " "
            self._cuts.append((start, end, f"{blank}{{{_in_flow(fields)}}}"))
        else:
            self._put_fields(found, fields)

    def take(self, name: str) -> None:
        """Remove a service's credentials."""
        service = self._services[name]
        if self._is_settled(service):
            return
        found = akash_spans.pairs_of(service.value).get("credentials")
        if found is None:
            return
        start, end = self._spans.whole(found, in_flow=service.is_flow)
        self._cuts.append((start, end, ""))

    def _is_settled(self, pair: Pair) -> bool:
        """Return whether another name of the same node has been, or will be, looked after."""
        if id(pair.value) in self._done or (pair.is_alias and id(pair.value) in self._own):
            return True
        self._done.add(id(pair.value))
        return False

    def _put_fields(self, credentials: Pair, fields: Fields) -> None:
        own = akash_spans.pairs_of(credentials.value)
        for name, value in fields.items():
            if name in own and (own[name].is_alias or own[name].text != value):
                self._cuts.append((*self._spans.of(own[name]), quoted(value)))
        missing = {name: value for name, value in fields.items() if name not in own}
        if missing and credentials.is_flow:
            self._insert_in_braces(credentials, _in_flow(missing))
        elif missing:
            first = next(iter(own.values()))
            start = self._spans.line_of(first)
            self._cuts.append((start, start, self._lines(missing, first.column)))

    def _insert_block(self, service: Pair, fields: Fields) -> None:
        own = akash_spans.pairs_of(service.value)
        if service.is_flow:
            self._insert_in_braces(service, f"credentials: {{{_in_flow(fields)}}}")
            return
        first = next(iter(own.values()))
        step = max(1, first.column - service.column)
        block = f"{' ' * first.column}credentials:{self._newline}" + self._lines(fields, first.column + step)
        if "image" not in own:
            start = self._spans.line_of(first)
            self._cuts.append((start, start, block))
            return
        at = self._spans.line_end(self._spans.of(own["image"])[1])
        if at == len(self._text) and not self._text.endswith("\n"):
            block = self._newline + block.removesuffix(self._newline)
        self._cuts.append((at, at, block))

    def _insert_in_braces(self, mapping: Pair, written: str) -> None:
        first = next(akash_spans.pairs(mapping.value), None)
        start = first.key.start_mark.index if first else mapping.value.start_mark.index + 1
        self._cuts.append((start, start, f"{written}, " if first else written))

    def _lines(self, fields: Fields, column: int) -> str:
        return "".join(f"{' ' * column}{name}: {quoted(value)}{self._newline}" for name, value in fields.items())


def quoted(value: str) -> str:
    """Return a value as YAML in double quotes on one line, which every reader of YAML understands alike."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _in_flow(fields: Fields) -> str:
    return ", ".join(f"{name}: {quoted(value)}" for name, value in fields.items())


def _services(sdl: Sdl, names: Collection[str]) -> dict[str, Pair]:
    written = akash_spans.pairs_of(sdl.root).get("services")
    services = akash_spans.pairs_of(written.value) if written is not None else {}
    if not set(names) <= set(services):
        raise UsageError(
            "the services of this SDL file come from a merge", hint="Write each service out; nothing was changed."
        )
    return services


def _checked(
    text: str, where: str, before: Sdl, names: Collection[str], meant: Callable[[str, dict[str, Any]], dict[str, Any]]
) -> str:
    """Return the new text if it says what was meant, and of everything else what it said before."""
    expected = _unshared(before.said)
    for name in names:
        expected["services"][name] = meant(name, expected["services"][name])
    try:
        same = _unshared(akash_sdl.load(text, where)[0]) == expected
    except UsageError:
        same = False
    if not same:
        raise UsageError(
            f"the credentials of {', '.join(names)} in {where} are shared with other parts of the file, by an anchor or a merge",
            hint="Give each of these services a credentials block of its own; nothing was changed.",
        )
    return text


def _unshared(said: Any) -> Any:
    """Return a copy in which nothing is one object with something else, as aliases are when they are read."""
    if isinstance(said, dict):
        return {key: _unshared(value) for key, value in said.items()}
    return [_unshared(value) for value in said] if isinstance(said, list) else said
