"""Our mark on tokens and robots."""

from __future__ import annotations

import pytest

from pullgrant.model.mark import Mark, Token, ownership, read_mark
from pullgrant.model.reader import Key, Ownership

MARK = Mark(reader="docker-reader", ledger="0123456789ab", operation="0123456789abcdef")


def test_there_and_back() -> None:
    """A token of ours would not be known again, also among other words."""
    assert (read_mark(str(MARK)), read_mark(f"by hand: {MARK}; keep"), len(str(MARK))) == (MARK, MARK, 77)


@pytest.mark.parametrize(
    "text",
    [None, 7, "", "pullgrant", "notpullgrant reader=a ledger=b operation=c", "pullgrant reader=a b ledger=c operation=d",
     "pullgrant reader=a ledger=b"],
)  # fmt: skip
def test_no_mark(text: object) -> None:
    """Something foreign would be taken for ours, and deleted one day."""
    assert read_mark(text) is None


def test_a_longer_id_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger whose id begins like ours would be taken for ours."""
    other = read_mark(f"{MARK}".replace("ledger=0123456789ab", "ledger=0123456789abc"))
    assert other is not None
    assert ownership([other], ledger=MARK.ledger) is Ownership.OTHER_LEDGER


def test_ownership() -> None:
    """A reader with one token of ours would be called foreign, or nobody's be called ours."""
    theirs = Mark(reader=MARK.reader, ledger="b", operation="c")
    found = [ownership(marks, ledger=MARK.ledger) for marks in ([], [theirs], [theirs, MARK])]
    assert found == [Ownership.ABSENT, Ownership.OTHER_LEDGER, Ownership.OURS]


def test_a_token_is_a_key() -> None:
    """`recover` would not find the operation that made a token."""
    assert Token(id="7", mark=MARK, enabled=False).key == Key(id="7", note=MARK.operation, enabled=False)
