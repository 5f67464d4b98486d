"""The one flow on the rehearsal stage: what is made, what is refused, what is taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullgrant.errors import Locked, NotOurs, OutcomeUnknown, PolicyForbids, ProofFailed, SinkFailed, UsageError
from pullgrant.flows.apply import apply, show
from pullgrant.flows.recover import recover
from pullgrant.flows.status import status
from pullgrant.model import history as past
from pullgrant.model.operation import Close
from pullgrant.model.plan import Action
from pullgrant.model.proof import Answer, Outcome, Verdict
from pullgrant.planner import Wish
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Fuse, Stage, unknown


def wish(reader, **more):
    return Wish(reader=reader, slots=(ONE, TWO), **more)


def test_a_new_reader_is_proven_and_delivered(stage, reader):
    """The main job itself would not be done."""
    done = apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert done.proof.verdict is Verdict.PROVEN
    assert [done.proof.pull.answer, done.proof.push.answer, done.proof.anonymous.answer, done.proof.outside.answer] == [
        Answer.ALLOWED, Answer.DENIED, Answer.DENIED, Answer.DENIED,
    ]  # fmt: skip
    assert [stage.pulls(ONE), stage.pulls(TWO)] == [True, True]
    assert done.operation.closed is Close.CURRENT


def test_the_second_run_makes_no_call_that_changes_something(stage, reader):
    """A scheduler that repeats the command would burn keys."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    fuse = Fuse()
    again = apply(wish(reader), stage.ports(reader, fuse), wait=NO_WAIT)
    assert (again.plan.steps, again.plan.why, fuse.calls) == ((), "all is as wanted", ["provider.observe"])
    assert again.operation.issued.key.id == "key-1"


def test_plan_changes_nothing(stage, reader):
    """--plan would do what it only announces."""
    fuse = Fuse()
    shown = show(wish(reader), stage.ports(reader, fuse))
    assert [step.action for step in shown.plan.steps] == [
        Action.CREATE, Action.GRANT, Action.ISSUE, Action.PROVE, Action.DELIVER, Action.DELIVER,
    ]  # fmt: skip
    assert fuse.calls == ["provider.observe"]


@pytest.mark.parametrize("rights", [{"pull", "push"}, set()])
def test_wrong_rights_are_taken_back_undelivered(stage, reader, rights):
    """A credential that can do more, or nothing, would reach a platform."""
    stage.rights = frozenset(rights)
    with pytest.raises(ProofFailed):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert (stage.keys, stage.slots) == ({}, {})
    assert [one.closed for one in stage.operations.values()] == [Close.UNDONE]


def test_reaching_outside_the_scope_fails_the_proof(stage, reader):
    """A grant on the whole project would pass for a narrow one."""
    stage.outside = True
    with pytest.raises(ProofFailed, match="outside its scope"):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert stage.keys == {}


def test_a_public_registry_proves_nothing(stage, reader):
    """A public image would count as a proof of least privilege."""
    stage.public = True
    with pytest.raises(ProofFailed, match="proves nothing"):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert stage.slots == {}


def test_nothing_to_pull_is_unproven_and_delivered_only_when_asked(stage, reader):
    """`unproven` would be sold as proven, or an unproven credential delivered unasked."""
    stage.empty = True
    with pytest.raises(ProofFailed, match="nothing was pushed yet"):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert stage.slots == {}
    accepted = replace(reader, unproven=True)
    done = apply(wish(accepted), stage.ports(accepted), wait=NO_WAIT)
    assert (done.proof.verdict, stage.pulls(ONE)) == (Verdict.UNPROVEN, True)


def test_propagation_is_waited_for_within_the_budget(stage, reader):
    """A grant that needs a moment would fail, or one that never comes would hang."""
    stage.settles_after = 4
    assert apply(wish(reader), stage.ports(reader), wait=NO_WAIT).proof.verdict is Verdict.PROVEN
    started = stage.clock.now()
    never = Stage(settles_after=10**6)
    with pytest.raises(ProofFailed):
        apply(wish(reader), never.ports(reader), wait=NO_WAIT)
    assert never.clock.now() - started < timedelta(minutes=2)


def test_a_forbidding_policy_stops_before_the_first_change(stage, reader):
    """A run that cannot end well would leave an identity behind."""
    stage.keys_forbidden = True
    with pytest.raises(PolicyForbids) as caught:
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert caught.value.exit_code == 3
    assert (stage.owner, stage.operations) == ("", {})


def test_a_foreign_identity_needs_adopt(stage, reader):
    """Somebody else's identity would be changed unasked."""
    stage.owner = "somebody"
    with pytest.raises(NotOurs):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert stage.owner == "somebody"
    apply(wish(reader, adopt=True), stage.ports(reader), wait=NO_WAIT)
    assert stage.owner == stage.ledger_id


def test_another_registry_needs_another_reader(stage, reader):
    """One identity would grow as wide as two registries."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    other = replace(reader, host="other.example")
    with pytest.raises(UsageError, match="already serves"):
        apply(wish(other), stage.ports(other), wait=NO_WAIT)


def test_a_new_slot_means_a_new_key_for_all_and_the_old_one_retires(stage, reader):
    """The old slot would keep a key that is about to be withdrawn."""
    apply(Wish(reader=reader, slots=(ONE,)), stage.ports(reader), wait=NO_WAIT)
    done = apply(Wish(reader=reader, slots=(TWO,)), stage.ports(reader), wait=NO_WAIT)
    assert done.plan.why == "two:second does not hold its credential yet"
    assert {slot: credential.secret.reveal() for slot, credential in stage.slots.items()} == {
        ONE: "secret-of-key-2", TWO: "secret-of-key-2",
    }  # fmt: skip
    assert sorted(stage.keys) == ["key-1", "key-2"]
    assert [one.key.id for one in past.waiting(tuple(stage.operations.values()))] == ["key-1"]


def test_the_old_key_lives_through_its_grace_and_not_longer(stage, reader):
    """A platform's cache would meet a dead key, or a superseded key would live for ever."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    apply(wish(reader, because="now"), stage.ports(reader), wait=NO_WAIT)
    stage.clock.time += timedelta(hours=23)
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert sorted(stage.keys) == ["key-1", "key-2"]
    stage.clock.time += timedelta(hours=2)
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert sorted(stage.keys) == ["key-2"]


@pytest.mark.parametrize("drift", ["key", "slot", "foreign", "grant"])
def test_drift_is_mended(stage, reader, drift):
    """A key deleted by hand, an emptied or overwritten slot, a lost grant would stay until three in the morning."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    if drift == "key":
        stage.keys.clear()
    elif drift == "slot":
        del stage.slots[TWO]
    elif drift == "foreign":
        stage.slots[TWO] = replace(stage.slots[TWO], secret=type(stage.slots[TWO].secret)("other"))
    else:
        stage.granted = False
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert [stage.pulls(ONE), stage.pulls(TWO)] == [True, True]


def test_one_failing_sink_leaves_the_others_delivered_and_recover_completes(stage, reader):
    """One platform that is down would lose the credential of the others, or stay without one for ever."""
    stage.broken_sinks.add("two")
    with pytest.raises(SinkFailed) as caught:
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert (caught.value.exit_code, stage.pulls(ONE)) == (5, True)
    assert [one.closed for one in stage.operations.values()] == [None]
    stage.broken_sinks.clear()
    recover(reader, stage.ports(reader), wait=NO_WAIT)
    assert [stage.pulls(ONE), stage.pulls(TWO)] == [True, True]
    assert [one.closed for one in stage.operations.values()] == [Close.SUPERSEDED, Close.CURRENT]


def test_a_lost_answer_of_issue_is_looked_up_and_taken_back(stage, reader):
    """A time-out after the effect would leave an orphan key."""
    fuse = Fuse(at=_place(reader, "provider.issue"), after=True, error=unknown)
    with pytest.raises(OutcomeUnknown):
        apply(wish(reader), stage.ports(reader, fuse), wait=NO_WAIT)
    assert sorted(stage.keys) == ["key-1"]
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert (sorted(stage.keys), stage.pulls(ONE)) == (["key-2"], True)


def test_a_second_run_at_once_is_told_so(stage, reader):
    """Two runs at once would make two keys."""
    ports = stage.ports(reader)
    with ports.ledger.exclusive(reader.id, wait=NO_WAIT), pytest.raises(Locked):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)


def test_keys_of_others_are_reported_and_left_alone(stage, reader):
    """A key that the user made by hand would be deleted, or never be mentioned."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    ports = stage.ports(reader)
    foreign = ports.provider.issue(None, note="").key
    shown = show(wish(reader), stage.ports(reader))
    assert any(foreign.id in remark for remark in shown.plan.remarks)
    apply(wish(reader, because="now"), stage.ports(reader), wait=NO_WAIT)
    assert foreign.id in stage.keys


def test_status_is_told_by_the_ledger_alone(stage, reader):
    """`status` would need the cloud, or show something else than was done."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    fuse = Fuse()
    (standing,) = status(stage.ports(reader, fuse).ledger)
    assert (standing.key_id, standing.slots, standing.unfinished, fuse.calls) == ("key-1", (ONE, TWO), (), [])
    assert standing.proof.verdict is Verdict.PROVEN
    assert stage.clock.now() < standing.next_at <= stage.clock.now() + timedelta(days=30)


def _place(reader, name):
    """Return the number of the first call of that name in an undisturbed first run."""
    fuse = Fuse()
    apply(wish(reader), Stage().ports(reader, fuse), wait=NO_WAIT)
    return fuse.calls.index(name)


def test_an_image_that_is_not_there_is_not_waited_for(stage, reader):
    """A misspelt --image would be asked for until the whole propagation budget is spent."""
    started = stage.clock.now()
    ports = stage.ports(reader)
    absent = Outcome(answer=Answer.UNKNOWN, words="no such image", absent=True)
    ports.probe.pull = lambda image, credential: absent if credential else Outcome(answer=Answer.DENIED)
    with pytest.raises(ProofFailed, match="no such image"):
        apply(wish(reader), ports, wait=NO_WAIT)
    assert (stage.clock.now() - started < timedelta(seconds=10), stage.keys) == (True, {})
