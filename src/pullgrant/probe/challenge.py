"""Reads WWW-Authenticate: which ways to sign in a registry offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r'[^\s,"=][^\s,"]*')
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_SPACES = re.compile(r"[ \t]+")
_GAP = re.compile(r"[\s,]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way to sign in; the scheme and the names of parameters are in lower case, values as they came."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def realm(self) -> str:
        """Where tokens are given (Bearer), or a text for people (Basic)."""
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        """The name under which the token service knows this registry."""
        return self.parameters.get("service", "")

    @property
    def scope(self) -> str:
        """What the refused request would have needed; empty when the registry does not say."""
        return self.parameters.get("scope", "")

    @property
    def error(self) -> str:
        """Why a token was refused, `insufficient_scope` or `invalid_token`; empty when none was seen (RFC 6750, 3.1)."""
        return self.parameters.get("error", "").lower()


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Return the challenges of one or several joined WWW-Authenticate headers, in their order (RFC 9110, 11.6.1).

    Never raises: reading ends where the header cannot be read, and a challenge that breaks off there is left out. An
    unquoted value may hold any character but space, comma and quote, as some registries send their realm. Of a repeated
    parameter the first counts.
    """
    found: list[Challenge] = []
    position = _end(_GAP, header, 0)
    while position < len(header):
        scheme = _TOKEN.match(header, position)
        if not scheme:
            break
        parameters, position, whole = _parameters(header, scheme.end())
        if not whole:
            break
        found.append(Challenge(scheme=scheme[0].lower(), parameters=MappingProxyType(parameters)))
    return tuple(found)


def choose(challenges: tuple[Challenge, ...]) -> Challenge | None:
    """Return the challenge to answer: Bearer with a realm before Basic; None when neither is offered."""
    bearer = (one for one in challenges if one.scheme == "bearer" and one.realm)
    basic = (one for one in challenges if one.scheme == "basic")
    return next(bearer, None) or next(basic, None)


def _parameters(header: str, position: int) -> tuple[dict[str, str], int, bool]:
    """Return the parameters from `position` on, where the next scheme may begin, and whether all could be read."""
    parameters: dict[str, str] = {}
    spaces = _SPACES.match(header, position)
    blob = spaces and _TOKEN68.match(header, spaces.end())
    position = _end(_GAP, header, blob.end() if blob else position)
    while name := _TOKEN.match(header, position):
        equals = _EQUALS.match(header, name.end())
        if not equals:
            break
        value = _QUOTED.match(header, equals.end()) or _BARE.match(header, equals.end())
        if not value:
            return parameters, position, False
        text = _ESCAPED.sub(r"\1", value[1]) if value.re is _QUOTED else value[0]
        parameters.setdefault(name[0].lower(), text)
        position = _end(_GAP, header, value.end())
    return parameters, position, position == len(header) or name is not None


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
