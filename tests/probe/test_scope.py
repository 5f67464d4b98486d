"""Reading and writing scopes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.probe.scope import Scope, parse_scopes

NAMES = st.from_regex(
    r"([a-z]{1,8}(\.[a-z]{1,5})?(:[0-9]{1,5})?/)?[a-z0-9]{1,8}([._-][a-z0-9]{1,5})?(/[a-z0-9]{1,8})?", fullmatch=True
)
SCOPES = st.builds(
    Scope,
    kind=st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True),
    name=NAMES,
    actions=st.frozensets(st.sampled_from(["pull", "push", "delete", "*"]), min_size=1),
)


@given(st.lists(SCOPES, max_size=4))
def test_reads_back_what_was_written(scopes: list[Scope]) -> None:
    """A name with a port would be cut at the wrong colon, and another repository asked for."""
    assert parse_scopes(" ".join(map(str, scopes))) == tuple(scopes)


@given(st.text(st.sampled_from("ab:,() /*"), max_size=40))
def test_never_raises(text: str) -> None:
    """A hostile scope would end the program instead of the question."""
    assert all(scope.kind is not None and scope.name for scope in parse_scopes(text))


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("repository:a/b:pull,push", [("repository", "a/b", {"pull", "push"})]),
        ("repository:host:5000/a/b:pull", [("repository", "host:5000/a/b", {"pull"})]),
        ("repository(plugin):a/b:pull", [("repository", "a/b", {"pull"})]),
        ("registry:catalog:* repository:a:pull", [("registry", "catalog", {"*"}), ("repository", "a", {"pull"})]),
        ("repository:a:", [("repository", "a", set())]),
        ("repository", []),
        ("repository:a", []),
        ("::", []),
    ],
)
def test_grammar(text: str, scopes: list[tuple[str, str, set[str]]]) -> None:
    """A scope of the public grammar would be misread."""
    assert [(scope.kind, scope.name, set(scope.actions)) for scope in parse_scopes(text)] == scopes


def test_is_written_with_sorted_actions() -> None:
    """The same question would be asked in two spellings."""
    assert str(Scope(name="a/b", actions=frozenset({"push", "pull"}))) == "repository:a/b:pull,push"
