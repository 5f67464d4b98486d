"""Reading what a token grants."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.model.credential import Credential
from pullgrant.probe.token import basic, granted
from pullgrant.secret import Secret

ACCESS = {"access": [{"type": "repository", "name": "team/app", "actions": ["pull"]}]}


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_jwt_shows_its_actions() -> None:
    """A reader's token would look opaque."""
    assert granted(Secret(f"h.{encoded(json.dumps(ACCESS))}.s"), "team/app") == frozenset({"pull"})


@pytest.mark.parametrize("more", ["", "x", "xx", "xxx"])
def test_padding_of_every_length(more: str) -> None:
    """Tokens of some lengths would look opaque."""
    assert granted(Secret(f"h.{encoded(json.dumps({**ACCESS, 'jti': more}))}.s"), "team/app") == frozenset({"pull"})


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "",
        "..",
        "a.b.c",
        f"h.{encoded(json.dumps(ACCESS))}",
        f"h.{encoded(json.dumps(ACCESS))}.s.t",
        f"h.{encoded('[7]')}.s",
        f"h.{encoded('{}')}.s",
        f"h.{encoded(json.dumps({'access': {'team/app': ['pull']}}))}.s",
        f"h.{encoded('[' * 100_000)}.s",
        "h.\u00e9.s",
    ],
)
def test_anything_else_is_opaque(token: str) -> None:
    """A token that shows no rights would be read as one that has none."""
    assert granted(Secret(token), "team/app") is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_never_raises(token: str, claims: str) -> None:
    """A hostile token would end the program instead of the question."""
    assert granted(Secret(token), "a") is None
    assert granted(Secret(f"h.{encoded(claims)}.s"), "a") is None


def test_basic_keeps_colons_and_other_scripts() -> None:
    """A secret with a colon, or outside ASCII, would reach the registry changed."""
    credential = Credential(server="a.example", username="robot$p+n", secret=Secret("a:b:\u00fc"))
    assert base64.b64decode(basic(credential).reveal().removeprefix("Basic ")).decode() == "robot$p+n:a:b:\u00fc"
