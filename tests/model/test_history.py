"""What the journal of one reader comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pullgrant.model import history as past
from pullgrant.model.credential import Slot
from pullgrant.model.operation import Close, Delivering, Emptied, Intent, KeyIssued, Noted, Operation, Retired, Withdrawn
from pullgrant.model.reader import Key, Reader

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = START + timedelta(days=100)
READER = Reader(provider="gcp", account="p", name="a", host="gcr.io")
ONE, TWO = Slot(sink="one", server="gcr.io"), Slot(sink="two", server="gcr.io")


def ended(day, *events, closed=Close.CURRENT):
    at = START + day * DAY
    noted = tuple(Noted(at=at, event=event) for event in events)
    intent = Intent(verb="rotate", reader=READER)
    return Operation(id=f"op-{day}", opened_at=at, intent=intent, events=noted, closed=closed, closed_at=closed and at)


def key(name, *, revocable=False):
    return Key(id=name, revocable=revocable)


def issued(name, **more):
    return KeyIssued(key=key(name, **more), fingerprint="f")


def days(history):
    return [int(one.id.removeprefix("op-")) for one in past.outlived(history, NOW)]


def test_tokens_are_forgotten_after_a_month():
    """The journal of a token that is renewed four times a day would grow for ever."""
    history = [ended(day, issued(f"k{day}"), Delivering(slot=ONE)) for day in range(0, 100, 10)]
    assert days(history) == [0, 10, 20, 30, 40, 50, 60]


def test_the_current_operation_stays():
    """A reader that is renewed once a year would be unknown after a month."""
    assert days([ended(0, issued("a"), Delivering(slot=ONE))]) == []
    assert days([ended(0, issued("a"), Delivering(slot=ONE)), ended(1, closed=Close.UNDONE)]) == []


@pytest.mark.parametrize(
    "first",
    [
        ended(0, issued("a", revocable=True), Delivering(slot=ONE)),
        ended(0, issued("a"), Retired(key=key("b", revocable=True), withdraw_after=NOW), Delivering(slot=ONE)),
        replace(ended(0, issued("a"), Delivering(slot=ONE), closed=None), closed_at=None),
        ended(0, issued("a"), Delivering(slot=ONE), Delivering(slot=TWO)),
        ended(80, issued("a"), Delivering(slot=ONE)),
    ],
    ids=["a key that lives", "a key that waits", "open", "a slot of its own", "young"],
)
def test_what_something_depends_on_stays(first):
    """A key would never be withdrawn, a slot never be emptied, or an interrupted run never be recovered."""
    assert days([first, ended(90, issued("z"), Delivering(slot=ONE))]) == []


def test_what_is_over_in_every_way_goes():
    """A key that is gone, or a slot that was emptied, would keep its operation for ever."""
    gone = ended(0, issued("a", revocable=True), Delivering(slot=ONE), Delivering(slot=TWO))
    emptied = ended(5, Emptied(slot=TWO), closed=Close.UNDONE)
    last = ended(90, issued("z"), Retired(key=key("a"), withdraw_after=NOW), Withdrawn(key_id="a"), Delivering(slot=ONE))
    assert days([gone, emptied, last]) == [0, 5]
    revoked = ended(10, closed=Close.REVOKED)
    assert days([gone, emptied, revoked, ended(20, issued("y"), Delivering(slot=ONE)), last]) == [0, 5, 10, 20]


def test_nothing_else_is_said_of_what_remains():
    """What is forgotten would change what is thought of the reader."""
    history = [ended(0, issued("a", revocable=True), Delivering(slot=ONE))]
    for day in range(10, 100, 10):
        before = f"k{day - 10}" if day > 10 else "a"
        retired = Retired(key=key(before, revocable=True), withdraw_after=START + (day + 1) * DAY)
        withdrawal = (Withdrawn(key_id=before),) if day < 90 else ()
        history.append(ended(day, issued(f"k{day}", revocable=True), Delivering(slot=ONE), retired, *withdrawal))
    rest = history[len(past.outlived(history, NOW)) :]
    assert len(rest) == 3
    for question in (past.current, past.asked, past.waiting, past.slots, past.interrupted):
        assert question(rest) == question(history)
    assert past.to_retire(rest, rest[-1]) == past.to_retire(history, history[-1])
