"""The one flow on the rehearsal stage: what is made, what is refused, what is taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullgrant.errors import (
    Locked,
    NotOurs,
    OutcomeUnknown,
    PermissionDenied,
    PolicyForbids,
    ProofFailed,
    RateLimited,
    SinkFailed,
    UsageError,
)
from pullgrant.flows.apply import apply, show
from pullgrant.flows.recover import recover
from pullgrant.flows.status import status
from pullgrant.model import history as past
from pullgrant.model.operation import Close
from pullgrant.model.plan import Action
from pullgrant.model.proof import Answer, Outcome, Verdict
from pullgrant.planner import Wish
from pullgrant.testing.fuse import Fuse, unknown
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Stage


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


def test_a_reader_that_is_refused_its_first_key_is_taken_back(stage, reader):
    """A refusal would leave a reader in the cloud that no verb of ours knows of."""
    stage.keys_refused = True
    with pytest.raises(PolicyForbids):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert (stage.owner, stage.granted, stage.keys) == ("", False, {})
    assert [(one.intent.verb, one.closed) for one in stage.operations.values()] == [
        ("bootstrap", Close.UNDONE), ("revoke", Close.REVOKED),
    ]  # fmt: skip
    assert status(stage.ports(reader).ledger) == ()


def test_a_refused_grant_takes_the_key_and_the_new_reader_back(stage, reader):
    """An operator who may not grant would be left with a reader and its key."""
    fuse = Fuse(at=_place(reader, "provider.grant"), error=lambda: PermissionDenied("no"))
    with pytest.raises(PermissionDenied):
        apply(wish(reader), stage.ports(reader, fuse), wait=NO_WAIT)
    assert (stage.owner, stage.keys, [one for one in stage.operations.values() if one.closed is None]) == ("", {}, [])


@pytest.mark.parametrize("before", ["in use", "adopted", "made by others with a key"])
def test_a_reader_that_somebody_may_depend_on_outlives_a_refusal(stage, reader, before):
    """A renewal or a take-over that is refused would end what worked."""
    if before == "in use":
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    elif before == "adopted":
        stage.owner, stage.granted = "somebody", True
    else:
        stage.owner, stage.granted = stage.ledger_id, True
        stage.ports(reader).provider.issue(None, note="")
    live = set(stage.keys)
    stage.keys_refused = True
    with pytest.raises(PolicyForbids):
        apply(wish(reader, adopt=True, because="now"), stage.ports(reader), wait=NO_WAIT)
    assert (stage.owner, stage.granted, set(stage.keys)) == (stage.ledger_id, True, live)


def test_what_an_earlier_attempt_left_is_taken_back_with_a_refusal(stage, reader):
    """A first run that was throttled would keep a later refusal from cleaning up."""
    fuse = Fuse(at=_place(reader, "provider.issue"), error=lambda: RateLimited("429"))
    with pytest.raises(RateLimited):
        apply(wish(reader), stage.ports(reader, fuse), wait=NO_WAIT)
    assert stage.owner == stage.ledger_id
    stage.keys_refused = True
    with pytest.raises(PolicyForbids):
        apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    assert stage.owner == ""


def test_a_reader_that_cannot_be_taken_back_does_not_stand_in_the_way(stage, reader):
    """Every later run would first fail at taking it back, and the user would not read why the key was refused."""
    stage.keys_refused = True
    ports = stage.ports(reader)
    ports.provider.remove = refuse
    with pytest.raises(PolicyForbids):
        apply(wish(reader), ports, wait=NO_WAIT)
    assert [one for one in stage.operations.values() if one.closed is None] == []
    stage.keys_refused = False
    assert apply(wish(reader), stage.ports(reader), wait=NO_WAIT).proof.verdict is Verdict.PROVEN


def refuse(identity):
    raise PermissionDenied("you may not delete it")


def test_other_circumstances_are_noted_without_a_new_credential(stage, reader):
    """Naming another image to prove with would burn a key, or `rotate` would not go by it."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    other = replace(reader, options={"image": "app:v2"}, grace=timedelta(hours=1))
    for _ in range(2):
        again = apply(wish(other), stage.ports(other), wait=NO_WAIT)
        assert (again.plan.steps, sorted(stage.keys)) == ((), ["key-1"])
    ledger = stage.ports(reader).ledger
    assert (ledger.readers(), len(ledger.history(reader.id))) == ((other,), 2)
    (standing,) = status(ledger)
    assert (standing.reader, standing.key_id, standing.unfinished) == (other, "key-1", ())
    apply(wish(other, because="now"), stage.ports(other), wait=NO_WAIT)
    (one,) = past.waiting(ledger.history(reader.id))
    assert (one.key.id, one.withdraw_after - stage.clock.now()) == ("key-1", timedelta(hours=1))


def test_another_kind_of_credential_is_a_new_one(stage, reader):
    """An option that changes the credential would be noted and not done."""
    apply(wish(reader), stage.ports(reader), wait=NO_WAIT)
    other = replace(reader, options={"expires_in": "30d"})
    assert apply(wish(other), stage.ports(other), wait=NO_WAIT).plan.why == "its scope or its kind of credential was changed"


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
