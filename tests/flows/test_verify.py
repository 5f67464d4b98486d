"""Proving again on the rehearsal stage: what is found, what it is proven with, and that nothing of the question stays."""

from dataclasses import replace

import pytest

from pullgrant.errors import NotFound, PermissionDenied, Unavailable
from pullgrant.flows.apply import apply
from pullgrant.flows.verify import verify
from pullgrant.model.operation import Close
from pullgrant.model.proof import Verdict
from pullgrant.planner import Wish
from pullgrant.secret import Secret
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Stage

OTHER = Secret("something-else")


@pytest.fixture
def made(stage, reader):
    apply(Wish(reader=reader, slots=(ONE, TWO)), stage.ports(reader), wait=NO_WAIT)
    return stage


def look(stage, reader, fuse=None):
    return verify(reader, stage.ports(reader, fuse), wait=NO_WAIT)


def test_all_is_well(made, reader):
    """A sound reader would raise an alarm, or be asked with anything else than what a platform holds."""
    found = look(made, reader)
    assert (found.good, found.proof.verdict, found.findings) == (True, Verdict.PROVEN, ())
    assert (found.through, sorted(made.keys), len(made.operations)) == (f"the credential in {ONE}", ["key-1"], 1)


def test_nothing_to_verify(stage, reader):
    """A reader that was never made would end as a bug of ours."""
    with pytest.raises(NotFound, match="no current credential"):
        look(stage, reader)


def test_a_permission_that_was_taken_away(made, reader):
    """The reader would only be said not to pull, and not why."""
    made.granted = False
    found = look(made, reader)
    assert (found.good, found.proof.verdict) == (False, Verdict.FAILED)
    assert found.findings == ("roles/reader on registry/app is no longer granted",)


@pytest.mark.parametrize(("change", "words"), [("gone", "is gone from the cloud"), ("off", "is disabled")])
def test_a_dead_key(made, reader, change, words):
    """A key that somebody deleted or switched off would show when a service restarts."""
    if change == "gone":
        made.keys.clear()
    else:
        made.keys["key-1"] = replace(made.keys["key-1"], enabled=False)
    found = look(made, reader)
    assert (found.good, found.proof.verdict, found.findings) == (False, Verdict.FAILED, (f"its key key-1 {words}",))


def test_one_slot_holds_something_else(made, reader):
    """The proof would be made with what somebody else put there, and the difference not be told."""
    made.slots[ONE] = replace(made.slots[ONE], secret=OTHER)
    found = look(made, reader)
    assert (found.good, found.proof.verdict, found.through) == (False, Verdict.PROVEN, f"the credential in {TWO}")
    assert found.findings == (f"{ONE} holds something else than was delivered",)


def test_an_empty_slot(made, reader):
    """A platform that lost the credential would be found by its next restart."""
    del made.slots[TWO]
    assert look(made, reader).findings == (f"{TWO} holds no credential any more",)


def test_where_no_platform_shows_it_a_key_is_made_and_taken_back(reader):
    """Nothing could be proven, or every check would leave a key behind."""
    stage = Stage(readable=False)
    apply(Wish(reader=reader, slots=(ONE, TWO)), stage.ports(reader), wait=NO_WAIT)
    found = look(stage, reader)
    assert (found.good, found.through, sorted(stage.keys)) == (True, "a key made for it and withdrawn", ["key-1"])
    assert [one.closed for one in stage.operations.values()] == [Close.CURRENT, Close.VERIFIED]


@pytest.mark.parametrize(
    ("error", "left"), [(PermissionDenied("no"), Close.UNDONE), (Unavailable("503"), None)], ids=["refused", "down"]
)
def test_no_key_for_the_question(reader, error, left):
    """A refusal would stay open for ever; a key whose answer was lost would be forgotten before the cloud lists it."""
    stage = Stage(readable=False)
    apply(Wish(reader=reader, slots=(ONE,)), stage.ports(reader), wait=NO_WAIT)
    calls = Fuse()
    look(stage, reader, calls)
    with pytest.raises(type(error)):
        look(stage, reader, Fuse(at=calls.calls.index("provider.issue"), error=lambda: error))
    assert [one.closed for one in stage.operations.values()] == [Close.CURRENT, Close.VERIFIED, left]


def test_a_reader_that_is_gone(reader):
    """A key would be asked for of nobody."""
    stage = Stage(readable=False)
    apply(Wish(reader=reader, slots=(ONE,)), stage.ports(reader), wait=NO_WAIT)
    stage.owner, stage.granted = "", False
    stage.keys.clear()
    found = look(stage, reader)
    assert (found.good, found.through, found.proof.why) == (False, "nothing", "the reader is gone from the cloud")
    assert found.findings == ("its key key-1 is gone from the cloud",)
