"""The management APIs of registries: JSON over HTTPS with an operator's sign-in, refusals as errors of this project."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from pullgrant.errors import (
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    PermissionDenied,
    PullgrantError,
    RateLimited,
    Refused,
    Unavailable,
)
from pullgrant.kit.http import Http, Reply
from pullgrant.kit.redact import redact
from pullgrant.kit.references import Reference
from pullgrant.secret import Secret

_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?', re.ASCII)
_MOST_PAGES = 50
_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call in words that follow `could not`; `right` is what the operator needs for it.

    `changes`: when no answer comes, nobody knows what was done.
    """

    doing: str
    right: str = ""
    changes: bool = False


class SignIn(Protocol):
    """How an operator signs in to an API."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that carry it. Errors of `kit.references`."""

    def secrets(self) -> tuple[Secret, ...]:
        """Return what a refusal must not be quoted with."""


class ByPassword:
    """Basic authentication."""

    def __init__(self, username: str, password: Reference) -> None:
        self._username, self._password = username, password

    def headers(self) -> Mapping[str, str]:
        """See SignIn."""
        return {"authorization": f"Basic {self._encoded().reveal()}"}

    def secrets(self) -> tuple[Secret, ...]:
        """See SignIn."""
        return (self._password.secret, self._encoded())

    def _encoded(self) -> Secret:
        return Secret(b64encode(f"{self._username}:{self._password.secret.reveal()}".encode()).decode())


class ByToken:
    """A token in one header, `Authorization: Bearer` unless another is given."""

    def __init__(self, token: Reference, *, header: str = "authorization", prefix: str = "Bearer ") -> None:
        self._token, self._header, self._prefix = token, header, prefix

    def headers(self) -> Mapping[str, str]:
        """See SignIn."""
        return {self._header: f"{self._prefix}{self._token.secret.reveal()}"}

    def secrets(self) -> tuple[Secret, ...]:
        """See SignIn."""
        return (self._token.secret,)


class Rest:
    """Calls below one base address. `service` names it in messages, `sign_in_hint` says what to do when it refuses us.

    `wait_of` reads how many seconds a throttled caller shall wait, where that is not in a Retry-After header.
    """

    def __init__(
        self,
        http: Http,
        base: str,
        *,
        service: str,
        sign_in: SignIn,
        sign_in_hint: str,
        wait_of: Callable[[Reply], float | None] = lambda reply: reply.retry_after,
    ) -> None:
        self._http, self._base, self._service = http, base, service
        self._sign_in, self._hint, self._wait_of = sign_in, sign_in_hint, wait_of

    def call(
        self,
        step: Step,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and return its answer of success. Raises the error that a refusal is."""
        headers = {**(headers or {}), **self._sign_in.headers()}
        reply = self._http.ask(method, f"{self._base}{path}", headers=headers, params=params, json=body)
        if reply.status >= 300:
            known, wait = self._sign_in.secrets(), self._wait_of(reply)
            raise judged(reply, step, service=self._service, hint=self._hint, known=known, wait=wait)
        return reply

    def ask(
        self,
        step: Step,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object of a call. Half an answer to a call that changes something is an unknown outcome."""
        found = self.call(step, method, path, params=params, body=body, headers=headers).json()
        if not isinstance(found, dict):
            raise _half(step)
        return found

    def pages(self, step: Step, path: str, *, params: Sequence[tuple[str, str]] = ()) -> Iterator[dict[str, Any]]:
        """Yield the items of a list that goes on where a `Link` header says, fifty pages at most (RFC 8288).

        Only the query of that address is used: whatever it says, the sign-in goes to our own base address alone.
        """
        for _ in range(_MOST_PAGES):
            reply = self.call(step, "GET", path, params=params)
            found = reply.json()
            if not isinstance(found, list):
                raise _half(step)
            yield from (item for item in found if isinstance(item, dict))
            following = _NEXT.search(reply.headers.get("link", ""))
            if not following:
                return
            params = parse_qsl(urlsplit(following[1]).query, keep_blank_values=True)


def judged(
    reply: Reply,
    step: Step,
    *,
    service: str,
    hint: str = "",
    known: tuple[Secret, ...] = (),
    wait: float | None = None,
) -> PullgrantError:
    """Return the error that an answer of no success is, with the service's own words, redacted; `wait` is in seconds."""
    words = f"could not {step.doing}: {said(reply, *known)}"
    match reply.status:
        case 401:
            return NotSignedIn(f"{service} does not accept your sign-in: {words}", hint=hint)
        case 403:
            return PermissionDenied(words, hint=f"You need {step.right}." if step.right else hint)
        case 404:
            return NotFound(words, hint="Check the name; what you may not see is not found either.")
        case 429:
            return RateLimited(words, retry_after=wait or _MINUTE, hint="Wait, then run the same command again.")
        case status if status == 408 or status >= 500:
            kind = OutcomeUnknown if step.changes else Unavailable
            return kind(words, hint="Run the same command again in a while.")
    return Refused(words, hint=f"{service} gives no further reason.")


def said(reply: Reply, *known: Secret) -> str:
    """Return what an answer says in words, redacted, never empty."""
    words = "; ".join(_messages(reply.json()))
    return f"{reply.status} {redact(words, *known, limit=300)}".strip()


def _messages(body: Any) -> Iterator[str]:
    """Yield the messages of the forms that Harbor, Quay, GitLab, Docker Hub and GitHub give their errors."""
    if isinstance(body, str) and body:
        yield body
    elif isinstance(body, list):
        for item in body:
            yield from _messages(item)
    elif isinstance(body, dict):
        named = [
            body[name] for name in ("errors", "message", "error_message", "detail", "error_description") if body.get(name)
        ]
        if named:
            yield from _messages(named[0])
        elif body.get("error"):
            yield from _messages(body["error"])
        else:  # GitLab's validation errors: {"message": {"name": ["is too long"]}}
            for name, value in body.items():
                yield from (f"{name} {words}" for words in _messages(value if isinstance(value, list) else None))


def _half(step: Step) -> PullgrantError:
    kind = OutcomeUnknown if step.changes else Unavailable
    return kind(f"could not {step.doing}: half an answer came", hint="Run the same command again.")
