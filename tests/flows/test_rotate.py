"""One round over many readers: who is due, who is left, what fails alone, and what the exit code is made of."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.street import NO_WAIT, ONE, TWO, Fuse, Street, hours
from pullgrant.errors import PermissionDenied, SinkFailed, Unavailable
from pullgrant.flows.recover import recover
from pullgrant.flows.rotate import Terms, is_due, next_at, rotate
from pullgrant.flows.rounds import dying, next_run, run_round, worst
from pullgrant.model import history as past
from pullgrant.model.operation import Close
from pullgrant.testing.fuse import unknown
from pullgrant.testing.stage import Stage


@pytest.fixture
def street() -> Street:
    return Street()


def token(street, name="short", **more):
    return street.move_in(name, ttl=hours(12), **more)


def renewed(turns):
    return [turn.reader.name for turn in turns if turn.done.applied and turn.done.applied.receipts]


def test_nothing_due_builds_nothing(street):
    """A frequent schedule would sign in, and cost calls, for nothing."""
    token(street)
    street.move_in("long")
    turns = street.round()
    assert (renewed(turns), street.built, worst(turns)) == ([], [], None)
    assert next_run(turns) <= street.clock.now() + hours(6)


def test_what_is_due_is_renewed_and_nothing_else(street):
    """Half a life later a token would be left, or a good key be replaced with it."""
    short, long = token(street), street.move_in("long")
    before = street.secret(long)
    street.clock.time += hours(6)
    turns = street.round()
    assert (renewed(turns), street.secret(long), street.built) == (["short"], before, [short.id])
    assert renewed(street.round()) == []


def test_the_journal_of_years_is_that_of_a_month(street):
    """Every run would be slower than the one before, for ever."""
    tokens, keys = token(street), street.move_in("long", rotate_every=timedelta(days=5), grace=hours(30))
    for _ in range(4 * 90):
        street.clock.time += hours(6)
        street.round()
        assert all(street.pulls(reader, slot) for reader in (tokens, keys) for slot in (ONE, TWO))
    assert len(street.history(tokens.id)) <= 4 * 32
    assert len(street.history(keys.id)) <= 8
    assert len(street.stages[keys.id].keys) <= 2


def test_a_superseded_key_is_withdrawn_after_its_grace(street):
    """A platform that caches would lose its key, or old keys would pile up."""
    reader = street.move_in("long", rotate_every=timedelta(days=5), grace=hours(30))
    street.clock.time += timedelta(days=5)
    assert renewed(street.round()) == ["long"]
    assert sorted(street.stages[reader.id].keys) == ["key-1", "key-2"]
    street.clock.time += hours(29)
    assert street.round()[0].done.withdrawn == ()
    street.clock.time += hours(1)
    assert (street.round()[0].done.withdrawn, sorted(street.stages[reader.id].keys)) == (("key-1",), ["key-2"])


def test_a_key_that_cannot_be_withdrawn_is_a_failure(street):
    """An old key would live on for ever while every run says that all is well."""
    reader = street.move_in("long", rotate_every=timedelta(days=5))
    street.clock.time += timedelta(days=5)
    street.round()
    street.clock.time += timedelta(days=2)
    street.fuses[reader.id] = Fuse(at=0, error=lambda: PermissionDenied("no right to delete keys"))
    turns = street.round()
    assert (turns[0].done.stuck, type(worst(turns)), turns[0].done.withdrawn) == (("key-1",), Unavailable, ())
    assert "key-1 could not be withdrawn" in worst(turns).message
    assert street.round()[0].done.withdrawn == ("key-1",)


def test_another_age_for_one_run(street):
    """--rotate-every would do nothing, or change the reader's own age for good."""
    reader = street.move_in("long")
    street.clock.time += timedelta(days=8)
    assert renewed(street.round(Terms(rotate_every=timedelta(days=9)))) == []
    turns = street.round(Terms(rotate_every=timedelta(days=7)))
    assert (renewed(turns), turns[0].done.applied.plan.why) == (["long"], "its key is older than --rotate-every")
    kept = past.current(street.history(reader.id)).intent.reader
    assert kept.rotate_every == timedelta(days=30)


def test_a_reader_that_another_run_holds_is_skipped(street):
    """Two schedulers at once would wait for one another, or one of them fail."""
    held, free = token(street, "held"), token(street, "free")
    street.clock.time += hours(6)
    street.stages[held.id].locked = {"held"}
    real = Stage.ports

    def ports(self, reader, fuse=None):
        made = real(self, reader, fuse)
        self.locked |= {reader.id} if "held" in self.locked else set()
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "ports", ports)
        turns = {turn.reader.name: turn for turn in street.round()}
    assert (turns["held"].error, "is held" in turns["held"].skipped) == (None, True)
    assert (renewed(turns.values()), worst(tuple(turns.values()))) == (["free"], None)
    assert street.pulls(free)


def test_one_failure_keeps_nobody_waiting(street):
    """One broken platform would let the credentials of all others die."""
    first, second, third = (token(street, name) for name in ("first", "second", "third"))
    street.clock.time += hours(6)
    street.stages[first.id].broken_sinks = {"two"}
    street.dark = {second.id}
    turns = street.round()
    assert renewed(turns) == ["third"]
    assert [type(turn.error) for turn in turns] == [SinkFailed, Unavailable, type(None)]
    assert type(worst(turns)) is Unavailable, "the highest exit code"
    assert street.pulls(third)


def test_a_bug_that_meets_one_reader_is_its_own(street):
    """A bug of ours, met by one reader, would end the run of all others."""
    first, _ = token(street, "first"), token(street, "second")
    street.clock.time += hours(6)
    street.fuses[first.id] = Fuse(at=0, error=lambda: KeyError("a secret may stand here"))
    turns = street.round()
    assert (renewed(turns), turns[0].error.message, worst(turns).exit_code) == (
        ["second"],
        "a bug of pullgrant: KeyError",
        1,
    )


def test_whose_credential_dies_first_is_first(street):
    """With many readers and little time the wrong one would die."""
    street.move_in("key", rotate_every=hours(1))
    token(street, "later")
    street.clock.time += hours(1)
    street.move_in("sooner", ttl=hours(2))
    street.clock.time += hours(6)
    street.built.clear()
    run_round(street.readers(), street.house(), Terms(), at_once=1)
    assert street.built == ["stage:acme/sooner", "stage:acme/later", "stage:acme/key"]


def test_asked_to_stop_it_begins_no_further_reader(street):
    """SIGTERM would be ignored until the last of a thousand readers."""
    for name in ("a", "b", "c"):
        token(street, name)
    street.clock.time += hours(6)
    street.built.clear()
    turns = run_round(street.readers(), street.house(stopping=lambda: len(street.built) >= 1), Terms(), at_once=1)
    assert (len(renewed(turns)), sum("asked to stop" in turn.skipped for turn in turns)) == (1, 2)


def test_the_end_of_a_credential_is_announced(street):
    """A schedule that is too slow would show only when a platform can no longer pull."""
    token(street)
    turns, now = street.round(), street.clock.now()
    assert dying(turns, now, hours(11)) is None
    assert (dying(turns, now, hours(13)).exit_code, "dies at" in dying(turns, now, hours(13)).message) == (6, True)
    assert "has died" in dying(turns, now + hours(14), hours(1)).message


def test_a_refused_credential_is_renewed_at_once(street):
    """A token that the registry refuses before its time would stay until half its life is over."""
    reader = token(street)
    assert renewed(street.round(Terms(proving=True))) == []
    street.stages[reader.id].secrets.clear()
    assert not street.pulls(reader)
    assert renewed(street.round()) == [], "without --verify the registry is not asked"
    assert (renewed(street.round(Terms(proving=True))), street.pulls(reader)) == (["short"], True)


def test_a_slot_that_holds_something_else_is_mended(street):
    """A platform whose entry somebody changed would stay broken."""
    reader = token(street)
    stage = street.stages[reader.id]
    stage.slots[TWO] = replace(stage.slots[ONE], secret=type(stage.slots[ONE].secret)("by hand"))
    assert renewed(street.round(Terms(proving=True))) == ["short"]
    assert street.pulls(reader, TWO)


def test_keys_do_not_pile_up_while_a_platform_is_down(street):
    """A platform that is down for a day would fill the identity with keys, until the cloud makes no more."""
    reader = street.move_in("long", rotate_every=timedelta(days=5), grace=hours(1))
    stage = street.stages[reader.id]
    street.clock.time += timedelta(days=5)
    stage.broken_sinks = {"two"}
    for _ in range(24 * 12):
        assert type(worst(street.round())) is SinkFailed, "a delivery that is not complete is never called well"
        street.clock.time += timedelta(minutes=5)
        assert street.pulls(reader, TWO), "the old key lives while one slot holds it"
    assert (len(stage.keys) <= 8, street.built) == (True, [])
    stage.broken_sinks = set()
    recover(reader, street.ports(reader), wait=NO_WAIT)
    street.clock.time += hours(2)
    assert worst(street.round()) is None
    assert (len(stage.keys), street.pulls(reader), street.pulls(reader, TWO)) == (1, True, True)
    assert street.secret(reader) == street.secret(reader, TWO)


def test_a_delivery_that_waits_is_tried_again_by_itself(street):
    """A platform that came back would never get its credential unless somebody looks."""
    reader = street.move_in("long", rotate_every=timedelta(days=5))
    street.clock.time += timedelta(days=5)
    street.stages[reader.id].broken_sinks = {"two"}
    street.round()
    street.stages[reader.id].broken_sinks = set()
    street.clock.time += timedelta(minutes=16)
    assert (renewed(street.round()), street.secret(reader) == street.secret(reader, TWO)) == (["long"], True)


def test_tokens_are_tried_again_at_once(street):
    """A token leaves nothing behind: waiting would only bring its end nearer."""
    reader = token(street)
    street.clock.time += hours(6)
    street.stages[reader.id].broken_sinks = {"two"}
    for _ in range(4):
        assert type(worst(street.round())) is SinkFailed
    street.stages[reader.id].broken_sinks = set()
    assert renewed(street.round()) == ["short"]


def test_what_was_interrupted_is_due(street):
    """A run that was killed in the middle would wait for half a life before it is finished."""
    reader = token(street)
    street.clock.time += hours(6)
    street.fuses[reader.id] = Fuse(at=12, error=unknown)
    street.round()
    history = street.history(reader.id)
    assert [one.closed for one in history if one.closed is None] != []
    assert (is_due(reader, history, street.clock.now()), next_at(reader, history) <= street.clock.now()) == (True, True)
    street.round()
    assert [one.closed for one in street.history(reader.id)][-1] is Close.CURRENT


def test_a_reader_that_was_never_made_costs_nothing(stage, reader):
    """A bootstrap that failed would fail again in every round."""
    done = rotate(reader, stage.ports(reader), Terms(proving=True))
    assert (done.applied, done.next_at, stage.slots) == (None, None, {})


def test_a_clock_that_was_set_back_renews_what_is_short(street):
    """A token would be taken for alive hours after its end."""
    short, long = token(street), street.move_in("long")
    street.clock.time += hours(2)
    turns = street.round(Terms(doubting=True))
    assert (renewed(turns), turns[0].done.applied.plan.why) == (
        ["short"], "the clock was set back, so that its expiry cannot be trusted",
    )  # fmt: skip
    assert (street.pulls(short), street.secret(long)) == (True, "secret-of-key-1")
