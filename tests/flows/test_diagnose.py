"""Diagnosis on the rehearsal stage: one cause for each thing that can be wrong, and nothing left behind."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from pullgrant.errors import Locked, NotFound, NotSignedIn, SinkFailed
from pullgrant.flows.apply import apply
from pullgrant.flows.causes import Cause
from pullgrant.flows.diagnose import diagnose, diagnose_alone
from pullgrant.flows.diagnosis import Case
from pullgrant.flows.recover import recover
from pullgrant.model.credential import Credential, Held, Slot
from pullgrant.model.image import Image
from pullgrant.model.operation import Close
from pullgrant.model.proof import Answer, Outcome
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.secret import Secret
from pullgrant.testing.fuse import Fuse, Killed
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Stage

RENEWAL = "pullgrant rotate --now --reader stage:acme/docker-reader"
BOOTSTRAP = "pullgrant stage.bootstrap"
IMAGE = Image(host="registry.example", repository="app", reference="v1")


@dataclass(frozen=True)
class Step:
    stage: str
    outcome: Outcome
    status: int = 0


class Walker:
    """The stage's registry, stage by stage; `down` is a status that it gives to everybody."""

    def __init__(self, stage: Stage, *, down: int = 0) -> None:
        self.stage, self.down, self.walks = stage, down, 0

    def walk(self, image, credential):
        self.walks += 1
        stage = self.stage
        if self.down:
            return (Step("reach", Outcome(answer=Answer.UNKNOWN, words="busy"), self.down),)
        if image.reference == "gone":
            return (Step("manifest", Outcome(answer=Answer.UNKNOWN, words="no such image or tag: 404"), 404),)
        if stage.public:
            return (Step("manifest", Outcome(answer=Answer.ALLOWED), 200),)
        if credential is None or not stage.signs_in(credential):
            return (Step("token", Outcome(answer=Answer.DENIED, words="401 wrong"), 401),)
        known = Step("token", Outcome(answer=Answer.ALLOWED), 200)
        allowed = stage.granted and image.repository == "app" and stage.settles_after == 0
        stage.settles_after = max(0, stage.settles_after - 1)
        answer = Outcome(answer=Answer.ALLOWED if allowed else Answer.DENIED, words="" if allowed else "403 denied")
        return known, Step("manifest", answer, 200 if allowed else 403)

    def tags(self, host, repository, credential, *, most=100):
        return ("v1", "v2") if repository == "app" else ()


def made(stage, reader):
    """Make the reader and deliver it into both slots."""
    apply(Wish(reader=reader, slots=(ONE, TWO)), stage.ports(reader), wait=NO_WAIT)


def ask(stage, reader, *, walker=None, image=IMAGE, slot=None, ports=None, **case):
    one = Case(image=image, walker=walker or Walker(stage), bootstrap=BOOTSTRAP, **case)
    return diagnose(one, reader, ports or stage.ports(reader), slot=slot, wait=NO_WAIT)


def broken(stage, reader, error):
    """Return ports whose cloud answers with an error."""

    class Cloud(type(stage.ports(reader).provider)):
        def observe(self):
            raise error

    return replace(stage.ports(reader), provider=Cloud(stage, Fuse(), reader))


@pytest.mark.parametrize("readable", [True, False])
def test_nothing_wrong(stage, reader, readable):
    """A healthy pull would be given a cause, or leave a key behind."""
    made(stage, reader)
    stage.readable = readable
    keys, held = dict(stage.keys), dict(stage.slots)
    found = ask(stage, reader)
    assert (found.cause, stage.keys, stage.slots) == (None, keys, held)
    assert found.through == ("what two:second holds" if readable else "a key made for it and withdrawn")
    assert [one for one in stage.operations.values() if one.closed is None] == []


@pytest.mark.parametrize("readable", [True, False])
def test_a_deleted_key(stage, reader, readable):
    """A dead credential would not be named, or a key be made to find what the cloud knows already."""
    made(stage, reader)
    stage.readable = readable
    stage.keys.clear()
    found = ask(stage, reader)
    assert (found.cause, found.mend, stage.made) == (Cause.DEAD_CREDENTIAL, RENEWAL, 1)
    assert (
        found.words
        == f"the credential in {'one' if readable else 'one, two:second'} is dead: its key key-1 is gone from the cloud"
    )
    assert [one.stage for one in found.steps] == (["token"] if readable else [])


def test_a_disabled_key(stage, reader):
    """A key that somebody disabled would be called missing."""
    made(stage, reader)
    stage.readable = False
    stage.keys["key-1"] = replace(stage.keys["key-1"], enabled=False)
    found = ask(stage, reader)
    assert (found.cause, "key-1 is disabled" in found.words) == (Cause.DEAD_CREDENTIAL, True)


def test_a_reader_that_is_gone(stage, reader):
    """A deleted service account would be taken for a missing key."""
    made(stage, reader)
    stage.owner, stage.readable = "", False
    found = ask(stage, reader)
    assert (found.cause, "reader docker-reader is gone" in found.words) == (Cause.DEAD_CREDENTIAL, True)


@pytest.mark.parametrize("readable", [True, False])
def test_an_expired_token(stage, reader, readable):
    """A token that ran out would be taken for a wrong one, and its end not be told."""
    stage.ttl, stage.readable = timedelta(hours=12), readable
    made(stage, reader)
    stage.clock.sleep(13 * 3600)
    found = ask(stage, reader)
    assert (found.cause, "expired at 2026-01-01 12:00 UTC" in found.words, found.mend) == (
        Cause.DEAD_CREDENTIAL, True, RENEWAL,
    )  # fmt: skip


@pytest.mark.parametrize("readable", [True, False])
def test_a_permission_that_was_taken_away(stage, reader, readable):
    """A missing permission would be taken for a dead credential."""
    made(stage, reader)
    stage.granted, stage.readable = False, readable
    found = ask(stage, reader)
    assert (found.cause, found.mend) == (Cause.NO_PERMISSION, RENEWAL)
    assert "roles/reader on registry/app is not granted" in found.words


def test_a_slot_that_holds_something_else(stage, reader):
    """Somebody's own login in the slot would be taken for our dead credential."""
    made(stage, reader)
    stage.slots[TWO] = Credential(server="registry.example", username="me", secret=Secret("mine"))
    found = ask(stage, reader)
    assert (found.cause, found.mend) == (Cause.OTHER_CREDENTIAL, RENEWAL)
    assert found.words == "two:second holds something else than was delivered: 401 wrong"


def test_something_else_that_pulls_is_a_remark(stage, reader):
    """A pull that works would be called broken."""
    made(stage, reader)
    stage.secrets["other"], stage.keys["other"] = "theirs", replace(stage.keys["key-1"], id="other")
    stage.slots[ONE] = Credential(server="registry.example", username="me", secret=Secret("theirs"))
    found = ask(stage, reader)
    assert (found.cause, found.remarks) == (
        None, ("one holds something else than was delivered, which may pull all the same",),
    )  # fmt: skip


def test_an_empty_slot(stage, reader):
    """A platform that lost its entry would be looked for at the registry."""
    made(stage, reader)
    del stage.slots[TWO]
    found = ask(stage, reader)
    assert (found.cause, found.words, found.mend) == (
        Cause.NO_CREDENTIAL, "two:second holds no credential for registry.example", RENEWAL,
    )  # fmt: skip


def test_a_slot_that_was_never_delivered_to(stage, reader):
    """The command would renew other slots and leave this one empty."""
    made(stage, reader)
    found = ask(stage, reader, slot=Slot(sink="two", server="registry.example", target="third"))
    assert (found.cause, found.mend) == (
        Cause.NO_CREDENTIAL, f"{BOOTSTRAP} --reader docker-reader --sink two:third",
    )  # fmt: skip


def test_one_slot_only(stage, reader):
    """A question about one platform would be answered by another."""
    made(stage, reader)
    del stage.slots[TWO]
    found = ask(stage, reader, slot=ONE)
    assert (found.cause, found.through) == (None, "what one holds")


@pytest.mark.parametrize("readable", [True, False])
def test_no_such_tag(stage, reader, readable):
    """A typing error would lead to a new credential; the tags that are there would not be named."""
    made(stage, reader)
    stage.readable = readable
    found = ask(stage, reader, image=replace(IMAGE, reference="gone"))
    assert (found.cause, found.mend, found.advice) == (
        Cause.NO_IMAGE, "", "Push it first, or deploy a tag that is there: v1, v2.",
    )  # fmt: skip


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("status", [429, 503])
def test_a_registry_that_is_down(stage, reader, readable, status):
    """A good credential would be replaced because its registry is down, or a key be left behind."""
    made(stage, reader)
    stage.readable = readable
    found = ask(stage, reader, walker=Walker(stage, down=status))
    assert (found.cause, found.mend, sorted(stage.keys)) == (Cause.REGISTRY, "", ["key-1"])


def test_a_repository_that_is_gone(stage, reader):
    """A deleted registry would be taken for a missing permission."""
    made(stage, reader)
    stage.granted = False
    gone = NotFound("the repository registry/app does not exist", hint="create it")
    found = ask(stage, reader, ports=broken(stage, reader, gone))
    assert (found.cause, found.words, found.advice, found.mend) == (
        Cause.NO_IMAGE, "the repository registry/app does not exist", "create it", "",
    )  # fmt: skip


def test_a_cloud_that_does_not_answer_matters_only_where_nothing_else_tells(stage, reader):
    """An operator who is not signed in could not even diagnose a docker config; or would be told that all is well."""
    made(stage, reader)
    unsigned = NotSignedIn("you are not signed in")
    assert ask(stage, reader, ports=broken(stage, reader, unsigned)).cause is None
    stage.readable = False
    with pytest.raises(NotSignedIn):
        ask(stage, reader, ports=broken(stage, reader, unsigned))
    assert stage.made == 1


@pytest.mark.parametrize(
    "answer", [Held(reference="x", words="status Conflict"), SinkFailed("the program is missing")], ids=["held", "failed"]
)
def test_what_a_platform_says_of_its_entry(stage, reader, answer):
    """A status other than OK would be kept from the user; or a sink that shows nothing would be called the cause."""
    made(stage, reader)
    ports = stage.ports(reader)

    class Sink(type(ports.sinks["one"])):
        def inspect(self, slot):
            if isinstance(answer, Exception):
                raise answer
            return answer

    found = ask(stage, reader, ports=replace(ports, sinks=dict.fromkeys(("one", "two"), Sink(stage, Fuse()))))
    told = answer.words if isinstance(answer, Held) else answer.message
    assert (found.cause, found.words) == (None, "the reader may pull it: nothing is wrong that can be seen")
    assert found.remarks[1:3] == (f"one says: {told}", f"two:second says: {told}")


def test_a_new_key_is_waited_for(stage, reader):
    """A key that the registry does not know yet would be called a missing permission."""
    made(stage, reader)
    stage.readable, stage.settles_after = False, 3
    walker = Walker(stage)
    assert (ask(stage, reader, walker=walker).cause, walker.walks) == (None, 4)


def test_a_refusal_that_stays_is_told_when_the_budget_is_spent(stage, reader):
    """A refused key would be waited for without end, or left behind."""
    made(stage, reader)
    stage.readable, stage.settles_after = False, 10**6
    started = stage.clock.monotonic()
    found = ask(stage, reader)
    waited = stage.clock.monotonic() - started
    assert (found.cause, found.mend, 50 < waited <= 60, sorted(stage.keys)) == (
        Cause.NO_PERMISSION, RENEWAL, True, ["key-1"],
    )  # fmt: skip


@pytest.mark.parametrize("readable", [True, False])
def test_an_image_outside_the_scope(stage, reader, readable):
    """A reader would be renewed for ever for an image that it was never to reach."""
    made(stage, reader)
    stage.readable = readable
    started = stage.clock.monotonic()
    found = ask(stage, reader, image=replace(IMAGE, repository="other"), covered=False)
    assert (found.cause, found.mend, stage.clock.monotonic()) == (Cause.NO_PERMISSION, BOOTSTRAP, started)
    assert "other lies outside the scope of stage:acme/docker-reader" in found.words


def test_a_reader_without_credential(stage, reader):
    """A reader that was never made would end in an error instead of an answer."""
    found = ask(stage, reader)
    assert (found.cause, found.mend) == (Cause.NO_CREDENTIAL, BOOTSTRAP)


def test_an_interrupted_run(stage, reader):
    """A run that was killed in the middle would be answered by a second one beside it."""
    with pytest.raises(Killed):
        apply(Wish(reader=reader, slots=(ONE,)), stage.ports(reader, Fuse(at=9)), wait=NO_WAIT)
    stage.locked.clear()
    found = ask(stage, reader)
    assert (found.cause, found.mend) == (Cause.NO_CREDENTIAL, "pullgrant recover")


def test_the_borrowed_key_of_a_killed_diagnosis_is_taken_back(stage, reader):
    """A diagnosis that is killed would leave a living key that nobody knows."""
    made(stage, reader)
    stage.readable = False
    counting = Fuse()
    ask(stage, reader, ports=stage.ports(reader, counting))
    deaths = 0
    for at in range(len(counting.calls)):
        for after in (False, True):
            try:
                ask(stage, reader, ports=stage.ports(reader, Fuse(at=at, after=after)))
            except Killed:
                deaths += 1
            stage.locked.clear()
            recover(reader, stage.ports(reader), wait=NO_WAIT)
            left = [one for one in stage.operations.values() if one.closed is None]
            assert (sorted(stage.keys), left) == (["key-1"], [])
    assert deaths == 2 * len(counting.calls)


def test_another_run_is_not_disturbed(stage, reader):
    """A diagnosis would make a key while a rotation of the same reader runs."""
    made(stage, reader)
    stage.readable = False
    with stage.ports(reader).ledger.exclusive(reader.id, wait=NO_WAIT), pytest.raises(Locked):
        ask(stage, reader)
    assert stage.made == 1


# An image that no reader covers.


def alone(stage, *, slot=None, held=None, beside=(), image=IMAGE, down=0):
    case = Case(image=image, walker=Walker(stage, down=down), bootstrap=BOOTSTRAP)
    return diagnose_alone(case, slot=slot, held=held, beside=beside)


def holding(secret):
    credential = Credential(server="registry.example", username="me", secret=Secret(secret))
    return Held(reference="one", username="me", credential=credential)


def test_no_reader_and_no_credential(stage):
    """The user would not learn which command makes a reader."""
    found = alone(stage)
    assert (found.cause, found.mend) == (Cause.NO_CREDENTIAL, BOOTSTRAP)


def test_a_public_image_needs_none(stage):
    """A reader would be made for what everybody may pull."""
    stage.public = True
    found = alone(stage)
    assert (found.cause, found.words) == (None, "public: it can be pulled without a credential")


def test_a_limit_on_anonymous_callers_is_mended_by_a_reader(stage):
    """A user of a shared address would wait for an allowance that others use up."""
    assert (alone(stage, down=429).mend, alone(stage, down=503).mend) == (BOOTSTRAP, "")


def test_a_foreign_credential_in_the_slot(stage, reader):
    """A dead login that we did not make would be diagnosed as if there were none."""
    found = alone(stage, slot=ONE, held=holding("dead"))
    assert (found.cause, found.mend) == (Cause.DEAD_CREDENTIAL, f"{BOOTSTRAP} --sink one --adopt")
    made(stage, reader)
    assert alone(stage, slot=ONE, held=holding("secret-of-key-1")).cause is None


def test_a_slot_that_does_not_show_what_it_holds(stage):
    """A credential that cannot be read would be reported as none."""
    found = alone(stage, slot=ONE, held=Held(reference="one", username="me"))
    assert (found.cause, "does not show what it holds" in found.words) == (Cause.NO_CREDENTIAL, True)


@pytest.mark.parametrize(
    ("host", "cause", "words"),
    [
        ("registry.example", Cause.NO_PERMISSION, "lies outside its scope"),
        (
            "eu.registry.example",
            Cause.WRONG_HOST,
            "is a reader of eu.registry.example, and the image lies at registry.example",
        ),
    ],
)
def test_a_reader_beside(stage, host, cause, words):
    """A neighbour's scope or host would be no hint to what is wrong."""
    beside = Reader(provider="stage", account="acme", name="docker-reader", host=host)
    found = alone(stage, beside=[beside])
    assert (found.cause, words in found.words, found.mend) == (cause, True, BOOTSTRAP)


def test_no_secret_is_in_a_diagnosis(stage, reader):
    """A diagnosis that is printed would show a credential."""
    made(stage, reader)
    stage.keys.clear()
    assert "secret-of" not in repr(ask(stage, reader)) + repr(alone(stage, slot=ONE, held=holding("secret-of-x")))
    assert [one.closed for one in stage.operations.values()] == [Close.CURRENT]
