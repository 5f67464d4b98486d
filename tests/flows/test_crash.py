"""The flow is stopped before and after every outside call, and again inside the recovery: it always converges."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullgrant.errors import PullgrantError, RateLimited, Unavailable
from pullgrant.flows.apply import apply
from pullgrant.flows.recover import recover
from pullgrant.flows.revoke import revoke
from pullgrant.flows.verify import verify
from pullgrant.planner import Wish
from pullgrant.testing.fuse import Fuse, Killed, unknown
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Stage

WORLDS = {
    "keys": {},
    "keys-with-notes": {"key_notes": True},
    "platforms-that-show-nothing": {"readable": False},
    "tokens": {"ttl": timedelta(hours=1)},
}
ERRORS = {
    "killed": None,
    "down": lambda: Unavailable("503"),
    "throttled": lambda: RateLimited("429"),
    "lost-answer": unknown,
}


def attempt(action, stage, reader, fuse):
    """Run one verb as a process of its own that may die; return whether it came to its end."""
    stage.locked.clear()
    try:
        action(stage, reader, fuse)
    except (Killed, PullgrantError):
        return False
    return True


def bootstrap(stage, reader, fuse):
    apply(Wish(reader=reader, slots=(ONE, TWO)), stage.ports(reader, fuse), wait=NO_WAIT)


def renew(stage, reader, fuse):
    apply(Wish(reader=reader, slots=(ONE, TWO), verb="rotate", because="due"), stage.ports(reader, fuse), wait=NO_WAIT)


def check(stage, reader, fuse):
    verify(reader, stage.ports(reader, fuse), wait=NO_WAIT)


def mend(stage, reader, fuse):
    recover(reader, stage.ports(reader, fuse), wait=NO_WAIT)


def calls_of(action, world, reader, *, before):
    stage = Stage(**WORLDS[world])
    if before:
        bootstrap(stage, reader, Fuse())
    fuse = Fuse()
    action(stage, reader, fuse)
    return len(fuse.calls)


def assert_converged(stage, reader):
    """No open operation, no orphan key, every slot pulls with the one current key, and only that is left after the grace."""
    assert attempt(mend, stage, reader, Fuse())
    assert attempt(bootstrap, stage, reader, Fuse())
    assert [one for one in stage.operations.values() if one.closed is None] == []
    assert [stage.pulls(ONE), stage.pulls(TWO)] == [True, True]
    assert len({stage.slots[slot].secret.reveal() for slot in (ONE, TWO)}) == 1
    stage.clock.time += timedelta(days=1, minutes=1) if stage.ttl is None else timedelta()
    assert attempt(bootstrap, stage, reader, Fuse())
    assert len(stage.keys) == (1 if stage.ttl is None else 0)
    assert [stage.pulls(ONE), stage.pulls(TWO)] == [True, True]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("action", "before"), [(bootstrap, False), (renew, True), (check, True)])
def test_stopped_anywhere_the_next_run_converges(reader, world, action, before, error):
    """A killed or refused run would leave an orphan key, a dead credential in a platform, or an operation open for ever."""
    runs = 0
    for at in range(calls_of(action, world, reader, before=before)):
        for after in (False, True):
            stage = Stage(**WORLDS[world])
            if before:
                bootstrap(stage, reader, Fuse())
            pulling = before and stage.pulls(ONE)
            attempt(action, stage, reader, Fuse(at=at, after=after, error=ERRORS[error]))
            assert not pulling or (stage.pulls(ONE) and stage.pulls(TWO)), "what the user had before still works"
            assert_converged(stage, reader)
            runs += 1
    assert runs >= 10


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("action", "before"), [(bootstrap, False), (renew, True)])
def test_stopped_again_inside_the_recovery_it_still_converges(reader, world, action, before):
    """A second crash, in `recover` itself, would make a mess that the first one did not."""
    for at in range(calls_of(action, world, reader, before=before)):
        for after in (False, True):
            for again in range(0, 24, 1):
                stage = Stage(**WORLDS[world])
                if before:
                    bootstrap(stage, reader, Fuse())
                attempt(action, stage, reader, Fuse(at=at, after=after))
                fuse = Fuse(at=again, after=after)
                attempt(mend, stage, reader, fuse)
                assert_converged(stage, reader)
                if again >= len(fuse.calls):
                    break


@pytest.mark.parametrize("world", WORLDS)
def test_a_stopped_revocation_ends_with_nothing_of_ours(reader, world):
    """A revocation that was interrupted would leave power in the cloud or an entry in a platform."""

    def take_back(stage, reader, fuse):
        revoke(reader, stage.ports(reader, fuse), wait=NO_WAIT)

    for at in range(calls_of(take_back, world, reader, before=True)):
        for after in (False, True):
            stage = Stage(**WORLDS[world])
            bootstrap(stage, reader, Fuse())
            attempt(take_back, stage, reader, Fuse(at=at, after=after))
            stage.locked.clear()
            mend(stage, reader, Fuse())
            take_back(stage, reader, Fuse())
            assert (stage.owner, stage.keys, stage.slots, stage.granted) == ("", {}, {}, False)
            assert [one for one in stage.operations.values() if one.closed is None] == []


@pytest.mark.parametrize("error", ERRORS)
def test_a_stopped_taking_back_ends_with_nothing_of_ours(reader, error):
    """A refused bootstrap that is stopped while it cleans up would leave a reader that no verb of ours knows of."""
    fuse = Fuse()
    attempt(bootstrap, Stage(keys_refused=True), reader, fuse)
    for at in range(len(fuse.calls)):
        for after in (False, True):
            stage = Stage(keys_refused=True)
            attempt(bootstrap, stage, reader, Fuse(at=at, after=after, error=ERRORS[error]))
            assert attempt(mend, stage, reader, Fuse())
            attempt(bootstrap, stage, reader, Fuse())
            assert (stage.owner, stage.granted, stage.keys, stage.slots) == ("", False, {}, {})
            assert [one for one in stage.operations.values() if one.closed is None] == []


def test_a_failing_proof_during_rotation_keeps_the_old_credential(reader):
    """A rotation that cannot be proven would replace a good credential."""
    stage = Stage()
    bootstrap(stage, reader, Fuse())
    stage.rights = frozenset({"pull", "push"})
    assert not attempt(renew, stage, reader, Fuse())
    stage.rights = frozenset({"pull"})
    assert (stage.slots[ONE].secret.reveal(), sorted(stage.keys)) == ("secret-of-key-1", ["key-1"])


def test_the_stage_can_say_no(reader):
    """A rehearsal stage that allows everything would prove nothing about the flow."""
    stage = Stage()
    bootstrap(stage, reader, Fuse())
    held = stage.slots[ONE]
    assert not stage.signs_in(replace(held, secret=type(held.secret)("wrong")))
    stage.keys.clear()
    assert not stage.pulls(ONE)
