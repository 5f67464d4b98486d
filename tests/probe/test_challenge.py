"""Reading WWW-Authenticate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.probe.challenge import Challenge, choose, parse_challenges

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
CHALLENGES = st.lists(st.tuples(TOKENS, st.lists(st.tuples(TOKENS, VALUES), min_size=1, max_size=4)), max_size=4)


def parsed(header: str) -> list[tuple[str, dict[str, str]]]:
    return [(challenge.scheme, dict(challenge.parameters)) for challenge in parse_challenges(header)]


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        ('BEARER Realm="r" , SERVICE=s', [("bearer", {"realm": "r", "service": "s"})]),
        (
            "Bearer realm=https://a.example/token,service=s",
            [("bearer", {"realm": "https://a.example/token", "service": "s"})],
        ),
        ('Basic realm="a \\"b\\" \\\\ c"', [("basic", {"realm": 'a "b" \\ c'})]),
        ('Negotiate YII=, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        ("Negotiate, Basic", [("negotiate", {}), ("basic", {})]),
        ('Bearer realm="a" Basic realm="b"', [("bearer", {"realm": "a"}), ("basic", {"realm": "b"})]),
        (', , Basic realm = "x" ,,', [("basic", {"realm": "x"})]),
        ('Bearer realm="first",realm="second"', [("bearer", {"realm": "first"})]),
        ("", []),
    ],
)
def test_reads(header: str, challenges: list[tuple[str, dict[str, str]]]) -> None:
    """A registry's challenge would be misread, and the wrong token service asked or none."""
    assert parsed(header) == challenges


@pytest.mark.parametrize(
    "header",
    ['realm="x"', 'Bearer realm="https://a', 'Bearer realm="https://a", scope="rep', 'Bearer realm="a", x=', '"a"', "=("],
)
def test_leaves_out_what_breaks_off(header: str) -> None:
    """Half a challenge would be answered with a credential."""
    assert parsed(header) == []


def test_keeps_what_came_before_a_break() -> None:
    """One broken challenge at the end would hide the good one before it."""
    assert parsed('Bearer realm="a", Digest realm="b') == [("bearer", {"realm": "a"})]


@given(CHALLENGES)
def test_reads_back_what_was_written(challenges: list[tuple[str, list[tuple[str, str]]]]) -> None:
    """Some value, comma and quotes included, would change on its way through the parser."""
    header = ", ".join(
        f"{scheme} {', '.join(f'{name}={quoted(value)}' for name, value in pairs)}" for scheme, pairs in challenges
    )
    expected = []
    for scheme, pairs in challenges:
        parameters: dict[str, str] = {}
        for name, value in pairs:
            parameters.setdefault(name.lower(), value)
        expected.append((scheme.lower(), parameters))
    assert parsed(header) == expected


@given(st.text(st.sampled_from('ab=",\\ \t/é'), max_size=60))
def test_never_raises(header: str) -> None:
    """A hostile header would end the program instead of the question."""
    assert all(challenge.scheme for challenge in parse_challenges(header))


def test_prefers_bearer_with_a_realm() -> None:
    """The credential itself would be sent to the registry although it offers tokens."""
    bearer = Challenge(scheme="bearer", parameters={"realm": "https://a"})
    basic = Challenge(scheme="basic")
    assert choose((basic, Challenge(scheme="negotiate"), bearer)) == bearer
    assert choose((Challenge(scheme="bearer"), basic)) == basic
    assert choose((Challenge(scheme="digest", parameters={"realm": "x"}),)) is None


def test_error_is_read_in_lower_case() -> None:
    """A refusal that names its reason in another case would count as unknown."""
    assert parse_challenges('Bearer realm="a",error="Insufficient_Scope"')[0].error == "insufficient_scope"
