"""The management APIs: refusals become the right errors, lists are read to their end, and nothing secret is quoted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

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
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import ByPassword, ByToken, Rest, Step, said

LOOK, MAKE = Step(doing="look"), Step(doing="make", right="the right to make", changes=True)


class Line(Http):
    """A client that answers from a list and remembers what was asked."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__()
        self.replies, self.asked = list(replies), []

    def ask(self, method: str, url: str, **more: Any) -> Reply:
        self.asked.append((method, url, more.get("headers"), list(more.get("params") or ())))
        return self.replies.pop(0)


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=content)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Reference:
    monkeypatch.setenv("SOME_TOKEN", "hunter2-token")
    return Reference("env:SOME_TOKEN")


def rest(token: Reference, *replies: Reply) -> tuple[Rest, Line]:
    line = Line(*replies)
    found = Rest(line, "https://api.example/v1", service="Example", sign_in=ByToken(token), sign_in_hint="sign in")
    return found, line


@pytest.mark.parametrize(
    ("status", "step", "kind"),
    [
        (401, LOOK, NotSignedIn),
        (403, MAKE, PermissionDenied),
        (404, LOOK, NotFound),
        (400, MAKE, Refused),
        (409, MAKE, Refused),
        (302, LOOK, Refused),
        (429, LOOK, RateLimited),
        (500, LOOK, Unavailable),
        (408, LOOK, Unavailable),
        (503, MAKE, OutcomeUnknown),
        (408, MAKE, OutcomeUnknown),
    ],
)
def test_statuses(token: Reference, status: int, step: Step, kind: type[PullgrantError]) -> None:
    """A refusal would be repeated, or a lost answer be taken for a refusal."""
    asked, _ = rest(token, reply(status, {"message": "no hunter2-token"}))
    with pytest.raises(kind) as caught:
        asked.call(step, "POST", "/things")
    assert (type(caught.value), "hunter2" in str(caught.value), bool(caught.value.hint)) == (kind, False, True)
    assert f"could not {step.doing}: {status}" in caught.value.message


def test_a_throttle_says_how_long(token: Reference) -> None:
    """A caller would come back at once."""
    asked, _ = rest(token, reply(429, retry_after="7"), reply(429))
    waits = []
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            asked.call(LOOK, "GET", "/things")
        waits.append(caught.value.retry_after)
    assert waits == [7.0, 60.0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": [{"code": "DENIED", "message": "no"}, {"message": "never"}]}, "403 no; never"),
        ({"message": {"name": ["is too long", "is odd"]}}, "403 name is too long; name is odd"),
        ({"message": "401 Unauthorized"}, "403 401 Unauthorized"),
        ({"error": "scopes is missing"}, "403 scopes is missing"),
        ({"detail": "no", "title": "x"}, "403 no"),
        ({"error_message": "no", "token": "hunter2"}, "403 no"),
        ({"token": "hunter2"}, "403"),
        (b"<html>hunter2</html>", "403"),
        (None, "403"),
    ],
)
def test_what_services_say(body: Any, words: str) -> None:
    """A service's own reason would be lost, or a field that is none be shown."""
    assert said(reply(403, body)) == words


@pytest.mark.parametrize(("step", "kind"), [(LOOK, Unavailable), (MAKE, OutcomeUnknown)])
def test_half_an_answer(token: Reference, step: Step, kind: type[PullgrantError]) -> None:
    """Half an answer would be taken for a whole one, or a change for none."""
    asked, _ = rest(token, reply(200, b'{"id": 1'), reply(200, ["no object"]))
    for _ in range(2):
        with pytest.raises(kind, match="half an answer") as caught:
            asked.ask(step, "POST", "/things")
        assert type(caught.value) is kind


def pages(asked: Rest) -> Sequence[Any]:
    return [item["id"] for item in asked.pages(LOOK, "/things", params=[("size", "2")])]


def test_pages(token: Reference) -> None:
    """Items of a later page would not be seen, or the sign-in follow an address of somebody else."""
    elsewhere = '<https://evil.example/v1/things?size=2&page=2>; rel="next", <https://api.example/>; rel="last"'
    asked, line = rest(token, reply(200, [{"id": 1}, {"id": 2}], link=elsewhere), reply(200, [{"id": 3}]))
    assert pages(asked) == [1, 2, 3]
    assert [(url, params) for _, url, _, params in line.asked] == [
        ("https://api.example/v1/things", [("size", "2")]),
        ("https://api.example/v1/things", [("size", "2"), ("page", "2")]),
    ]


def test_pages_end(token: Reference) -> None:
    """A list that always names a next page would be read for ever."""
    again = '<https://api.example/v1/things?page=1>; rel="next"'
    asked, line = rest(token, *(reply(200, [{"id": 1}], link=again) for _ in range(99)))
    assert (len(pages(asked)), len(line.asked)) == (50, 50)


def test_a_last_page_names_no_next_one(token: Reference) -> None:
    """A link to another relation would be followed."""
    asked, line = rest(token, reply(200, [{"id": 1}], link='<https://api.example/v1/things?page=9>; rel="last"'))
    assert (pages(asked), len(line.asked)) == ([1], 1)


def test_sign_ins(token: Reference) -> None:
    """A sign-in would go in another form than the service reads, or part of it be quoted."""
    line = Line(reply(200, {}), reply(400, {"message": "no b3BlcmF0b3I6aHVudGVyMi10b2tlbg=="}))
    by_password = Rest(line, "https://x.example", service="X", sign_in=ByPassword("operator", token), sign_in_hint="")
    by_password.ask(LOOK, "GET", "/")
    assert line.asked[0][2] == {"authorization": "Basic b3BlcmF0b3I6aHVudGVyMi10b2tlbg=="}
    with pytest.raises(Refused) as caught:
        by_password.ask(LOOK, "GET", "/")
    assert "b3Bl" not in str(caught.value)
    assert ByToken(token, header="private-token", prefix="").headers() == {"private-token": "hunter2-token"}
