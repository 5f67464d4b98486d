"""Recovering on the rehearsal stage: which key an interrupted run is taken to have made, and what else is put right."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullgrant.flows.apply import apply
from pullgrant.flows.recover import recover
from pullgrant.flows.revoke import revoke
from pullgrant.model.operation import Close
from pullgrant.planner import Wish
from pullgrant.testing.fuse import Fuse, Killed
from pullgrant.testing.stage import NO_WAIT, ONE, Stage


def renew(stage, reader, fuse=None):
    apply(Wish(reader=reader, slots=(ONE,), because="now"), stage.ports(reader, fuse), wait=NO_WAIT)


def killed_at_issue(stage, reader, *, after):
    """Renew in a process that dies before or after the cloud made the key, and does not note it either way."""
    calls, twin = Fuse(), Stage(key_notes=stage.key_notes)
    renew(twin, reader)
    renew(twin, reader, calls)
    with pytest.raises(Killed):
        renew(stage, reader, Fuse(at=calls.calls.index("provider.issue"), after=after))
    stage.locked.clear()


def by_hand(stage, reader, **when):
    """Make a key as a person would at the cloud's own pages."""
    stage.clock.time += timedelta(**when)
    key = stage.ports(reader).provider.issue(None, note="").key
    stage.keys[key.id] = replace(key, note="")
    return key.id


@pytest.mark.parametrize("notes", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_key_that_a_person_made_since_is_kept(reader, notes, after):
    """Somebody helps himself with a key while the reader waits for `recover`, and it would be deleted as ours."""
    stage = Stage(key_notes=notes)
    renew(stage, reader)
    killed_at_issue(stage, reader, after=after)
    theirs = by_hand(stage, reader, minutes=20)
    recover(reader, stage.ports(reader), wait=NO_WAIT)
    assert (sorted(stage.keys), stage.pulls(ONE)) == (["key-1", theirs], True)
    assert [one.closed for one in stage.operations.values()] == [Close.CURRENT, Close.UNDONE]


def test_of_two_keys_ours_is_the_first(stage, reader):
    """The key that a person made a minute after the crash would go with ours, or instead of it."""
    renew(stage, reader)
    killed_at_issue(stage, reader, after=True)
    theirs = by_hand(stage, reader, minutes=1)
    recover(reader, stage.ports(reader), wait=NO_WAIT)
    assert (theirs, sorted(stage.keys)) == ("key-3", ["key-1", theirs])


@pytest.mark.parametrize("apart", [timedelta(minutes=-10), timedelta(minutes=10), None])
def test_a_key_is_ours_though_the_clocks_differ(stage, reader, apart):
    """A cloud whose clock is not ours, or that tells no time, would keep an orphan key."""
    renew(stage, reader)
    killed_at_issue(stage, reader, after=True)
    key = stage.keys["key-2"]
    stage.keys["key-2"] = replace(key, created_at=key.created_at + apart if apart else None)
    recover(reader, stage.ports(reader), wait=NO_WAIT)
    assert sorted(stage.keys) == ["key-1"]


def test_a_grace_that_is_over_ends_here_too(stage, reader):
    """Nothing would end a superseded key where only `recover` is run."""
    renew(stage, reader)
    renew(stage, reader)
    stage.clock.time += timedelta(hours=23)
    assert recover(reader, stage.ports(reader), wait=NO_WAIT) is None
    assert sorted(stage.keys) == ["key-1", "key-2"]
    stage.clock.time += timedelta(hours=2)
    recover(reader, stage.ports(reader), wait=NO_WAIT)
    assert (sorted(stage.keys), stage.pulls(ONE)) == (["key-2"], True)


def test_a_revocation_settles_first(stage, reader):
    """The key that an interrupted run made would be taken for somebody else's, and stand in the way."""
    renew(stage, reader)
    killed_at_issue(stage, reader, after=True)
    done = revoke(reader, stage.ports(reader), wait=NO_WAIT)
    assert (done.keys, stage.owner, stage.keys) == (("key-1",), "", {})
