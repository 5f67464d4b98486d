"""Revoking on the rehearsal stage: what is taken back, what stands in the way, what is left for the next run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullgrant.errors import NotOurs, SinkFailed, Unavailable
from pullgrant.flows.apply import apply
from pullgrant.flows.recover import recover
from pullgrant.flows.revoke import revoke
from pullgrant.model.operation import Close
from pullgrant.planner import Wish
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Stage


@pytest.fixture
def made(stage, reader):
    apply(Wish(reader=reader, slots=(ONE, TWO)), stage.ports(reader), wait=NO_WAIT)
    return stage


def test_all_of_it_is_taken_back_and_said(made, reader):
    """Power would stay in the cloud, an entry in a platform, or the user would not read what went."""
    done = revoke(reader, made.ports(reader), wait=NO_WAIT)
    assert (done.keys, done.slots, done.dies_at) == (("key-1",), (ONE, TWO), None)
    assert (made.owner, made.granted, made.keys, made.slots) == ("", False, {}, {})
    again = revoke(reader, made.ports(reader), wait=NO_WAIT)
    assert (again.keys, again.slots) == ((), ())


def test_a_token_that_outlives_its_reader_is_said(reader):
    """The user would believe that nothing can pull any more."""
    stage = Stage(ttl=timedelta(hours=1))
    apply(Wish(reader=reader, slots=(ONE,)), stage.ports(reader), wait=NO_WAIT)
    assert revoke(reader, stage.ports(reader), wait=NO_WAIT).dies_at == stage.clock.now() + timedelta(hours=1)
    stage.clock.time += timedelta(hours=1)
    assert revoke(reader, stage.ports(reader), wait=NO_WAIT).dies_at is None


def test_a_platform_that_keeps_its_entry_is_emptied_by_the_next_run(made, reader):
    """The entry would stay for ever, or a platform that is down would keep the reader's power alive."""
    fuse = Fuse(at=_call(reader, f"sink.withdraw {ONE}"), error=lambda: SinkFailed("down", hint="start it"))
    with pytest.raises(SinkFailed, match="down") as caught:
        revoke(reader, made.ports(reader, fuse), wait=NO_WAIT)
    assert (caught.value.hint, caught.value.exit_code, list(made.slots), made.pulls(ONE)) == ("start it", 5, [ONE], False)
    assert [one.closed for one in made.operations.values()] == [Close.CURRENT, None]
    recover(reader, made.ports(reader), wait=NO_WAIT)
    assert ([one.closed for one in made.operations.values()], made.slots) == ([Close.CURRENT, Close.REVOKED], {})


def test_a_cloud_that_is_down_leaves_all_as_it_was(made, reader):
    """The platforms would be emptied while the key lives on."""
    with pytest.raises(Unavailable):
        revoke(reader, made.ports(reader, Fuse(at=0, error=lambda: Unavailable("503"))), wait=NO_WAIT)
    assert (made.pulls(ONE), made.pulls(TWO), len(made.operations)) == (True, True, 1)


def test_a_key_of_somebody_else_stands_in_the_way(made, reader):
    """What others pull with would end with a reader that was taken over, unasked."""
    theirs = made.ports(reader).provider.issue(None, note="").key.id
    with pytest.raises(NotOurs, match=theirs) as caught:
        revoke(reader, made.ports(reader), wait=NO_WAIT)
    assert (caught.value.exit_code, "--all-keys" in caught.value.hint) == (3, True)
    assert (sorted(made.keys), made.pulls(ONE), len(made.operations)) == (["key-1", theirs], True, 1)
    revoke(reader, made.ports(reader), wait=NO_WAIT, all_keys=True)
    assert (made.owner, made.keys, made.slots) == ("", {}, {})


def test_a_dead_key_of_somebody_else_does_not(made, reader):
    """A key that opens nothing any more would keep the reader alive."""
    for change in ({"enabled": False}, {"expires_at": made.clock.now()}):
        theirs = made.ports(reader).provider.issue(None, note="").key
        made.keys[theirs.id] = replace(theirs, **change)
    revoke(reader, made.ports(reader), wait=NO_WAIT)
    assert made.owner == ""


def test_a_reader_that_is_no_longer_ours_is_left_alone(made, reader):
    """Somebody made it anew under the same name, and it would be deleted."""
    made.owner = "somebody"
    theirs = made.ports(reader).provider.issue(None, note="").key.id
    revoke(reader, made.ports(reader), wait=NO_WAIT)
    assert (made.owner, theirs in made.keys, made.slots) == ("somebody", True, {})


def _call(reader, name):
    """Return the number of the first call of that name in an undisturbed revocation."""
    twin, fuse = Stage(), Fuse()
    apply(Wish(reader=reader, slots=(ONE, TWO)), twin.ports(reader), wait=NO_WAIT)
    revoke(reader, twin.ports(reader, fuse), wait=NO_WAIT)
    return fuse.calls.index(name)
