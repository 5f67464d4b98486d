"""What Akka does beyond the contract: eras, rotation, lost answers, other people's entries."""

from __future__ import annotations

import importlib.resources
import json

import pytest

from pullgrant.errors import NotOurs, NotSignedIn, OutcomeUnknown, SinkFailed, Unavailable, UsageError
from pullgrant.kit import process
from pullgrant.model.credential import Slot
from pullgrant.sinks.akka import Akka
from pullgrant.sinks.akka_cli import OUR_EMAIL, AkkaCli
from pullgrant.sinks.akka_place import secret_name
from pullgrant.testing.sink_contract import make_credential

PROGRAM = importlib.resources.files("pullgrant.sandbox.platforms").joinpath("akka_program.py").read_text()
HOST = "us.gcr.io"
SLOT = Slot(sink="akka", server=HOST, target="sample")
NAME = "pullgrant-us-gcr-io"
FOREIGN = {"server": "https://us.gcr.io", "username": "_json_key", "email": "in@valid.example", "password": "theirs"}


class Recorder:
    """Runs the fake and keeps the arguments. `lose`: the next additions end in a time-out, before or after their effect."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.lose: list[str] = []

    def __call__(self, argv, *, timeout, keep):
        self.calls.append(list(argv))
        lost = self.lose.pop(0) if self.lose and "add-credentials" in argv and "--help" not in argv else ""
        if lost != "before":
            done = process.run(argv, timeout=timeout, keep=keep)
        if lost:
            raise OutcomeUnknown("akka did not end within 75 s")
        return done

    def of(self, verb):
        return [call for call in self.calls if verb in call and "--help" not in call]


@pytest.fixture
def state(tmp_path, monkeypatch):
    """The fake's state: `state()` reads it, `state(key=value)` changes the project, `state.top` the whole."""
    file = tmp_path / "akka.json"
    monkeypatch.setenv("FAKE_AKKA_STATE", str(file))
    monkeypatch.setenv("AKKA_TOKEN", "sandbox")
    for name in ("PULLGRANT_SANDBOX_URL", "FAKE_AKKA_ERA", "AKKA_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    file.write_text(json.dumps({"projects": {"sample": {"secrets": {}, "registries": [], "entries": []}}}))

    def project(**changes):
        known = json.loads(file.read_text())
        known["projects"]["sample"] |= changes
        file.write_text(json.dumps(known))
        return known["projects"]["sample"]

    project.top = lambda **changes: file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return project


@pytest.fixture
def run(state, install):
    install("akka", PROGRAM)
    return Recorder()


@pytest.fixture
def sink(run):
    return Akka(AkkaCli(run=run))


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("docker.io", "pullgrant-docker-io"),
        ("https://index.docker.io/v1/", "pullgrant-docker-io"),
        ("US.gcr.io", "pullgrant-us-gcr-io"),
        ("registry.example.com:5000", "pullgrant-registry-example-com-5000"),
        ("[::1]:5000", "pullgrant-1--5000"),
        ("[fe80::]", "pullgrant-fe80"),
    ],
)
def test_secret_name(server, name):
    """Two spellings of a host would get two secrets, or a name that Akka does not take."""
    assert secret_name(server) == name


@pytest.mark.parametrize(
    ("server", "written"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("us.gcr.io", "https://us.gcr.io"),
        ("europe-west1-docker.pkg.dev", "https://europe-west1-docker.pkg.dev"),
        ("myregistry.azurecr.io", "myregistry.azurecr.io"),
    ],
)
def test_server_is_written_as_documented(sink, run, server, written):
    """Akka would not match the credential with the image's registry."""
    sink.deliver(Slot(sink="akka", server=server), make_credential(server, "x"))
    add = run.of("add-credentials")[0]
    assert add[add.index("--docker-server") + 1] == written


def test_arguments(sink, run):
    """A flag would be short, missing or misread, or the prompt of the CLI would wait for ever."""
    slot = Slot(sink="akka", server=HOST, target="sample,owner=acme,region=gcp-us-east1,context=work", name="mine")
    sink.deliver(slot, make_credential(HOST, "s3cret"))
    (add,) = run.of("add-credentials")
    assert add == [
        "akka", "docker", "add-credentials", "--docker-server", "https://us.gcr.io", "--docker-username", "reader",
        "--docker-email", OUR_EMAIL, "--secret-name", "mine", "--docker-password", "s3cret", "--project", "sample",
        "--owner", "acme", "--region", "gcp-us-east1", "--context", "work", "--disable-prompt", "--timeout", "60s",
        "--output", "json",
    ]  # fmt: skip


def test_an_empty_target_is_left_to_the_cli(sink, run, state):
    """The user's configured project would be overruled."""
    sink.deliver(Slot(sink="akka", server=HOST), make_credential(HOST, "s3cret"))
    assert "--project" not in run.of("add-credentials")[0]
    assert list(state()["secrets"]) == [NAME]


@pytest.mark.parametrize(
    "target", ["a,b", "a,owner=", "a,zone=b", "a,owner=x,owner=y", "--project", "a,region=--x", "a,project=b"]
)
def test_a_target_that_cannot_be_right(sink, target):
    """A typing error would select another project, or be taken for a flag."""
    with pytest.raises(UsageError) as caught:
        sink.preflight(Slot(sink="akka", server=HOST, target=target), ours=False, adopt=False)
    assert target in caught.value.message


@pytest.mark.parametrize("name", ["--all", "UPPER", "a b", "a/b", "-a", "a-", "x" * 254])
def test_a_name_that_cannot_be_right(sink, run, name):
    """A name could pass for a flag of `secrets delete`."""
    with pytest.raises(UsageError, match="no name for an Akka secret"):
        sink.withdraw(Slot(sink="akka", server=HOST, name=name))
    assert run.of("delete") == []


def test_rotation_leaves_the_list_of_registries_alone(sink, run):
    """A rotation would need an admin's right to the project's configuration."""
    for secret in ("first", "second"):
        sink.deliver(SLOT, make_credential(HOST, secret))
    assert ["--secret-only" in call for call in run.of("add-credentials")] == [False, True]


def test_rotation_survives_an_entry_that_vanishes(sink, run, state):
    """The secret would be renewed, and no registry would use it."""
    sink.deliver(SLOT, make_credential(HOST, "first"))
    plain = run.__call__

    def vanish(argv, *, timeout, keep):
        if "--secret-only" in argv:
            state(registries=[])
        return plain(argv, timeout=timeout, keep=keep)

    Akka(AkkaCli(run=vanish)).deliver(SLOT, make_credential(HOST, "second"))
    assert (state()["registries"], state()["secrets"][NAME]["password"]) == ([NAME], "second")


@pytest.mark.parametrize(
    ("lost", "additions"), [(["before"], 2), (["after"], 2), (["after", "before"], 2), (["before", "after"], 2)]
)
def test_a_lost_answer_is_repeated_once(sink, run, state, lost, additions):
    """An upsert whose answer was lost would be reported as failed, or repeated for ever."""
    run.lose = lost
    if len(lost) == 1:
        sink.deliver(SLOT, make_credential(HOST, "s3cret"))
        assert state()["secrets"][NAME]["password"] == "s3cret"
    else:
        with pytest.raises(OutcomeUnknown, match=r"twice; akka lists '.*does not show which password"):
            sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert len(run.of("add-credentials")) == additions


def test_a_list_that_does_not_end_is_unavailable(state, install):
    """A look that timed out would pass for a change of unknown outcome."""
    install("akka", PROGRAM)

    def run(argv, *, timeout, keep):
        if "list-credentials" in argv:
            raise OutcomeUnknown("akka did not end within 75 s")
        return process.run(argv, timeout=timeout, keep=keep)

    with pytest.raises(Unavailable) as caught:
        Akka(AkkaCli(run=run)).inspect(SLOT)
    assert (type(caught.value), caught.value.message) == (
        Unavailable,
        "akka did not end within 75 s (docker list-credentials)",
    )


def test_preflight_says_the_version(sink):
    """Nobody could tell later which CLI did it."""
    assert sink.preflight(SLOT, ours=False, adopt=False) == ("akka 3.0.61",)


def test_preflight_without_the_program(state, install):
    """The user would not learn what to install."""
    with pytest.raises(UsageError, match="not on PATH") as caught:
        Akka().preflight(SLOT, ours=False, adopt=False)
    assert "https://doc.akka.io" in caught.value.hint


def test_preflight_when_not_signed_in(sink, monkeypatch):
    """The user would not learn how to sign in."""
    monkeypatch.delenv("AKKA_TOKEN")
    with pytest.raises(NotSignedIn, match="not logged in") as caught:
        sink.preflight(SLOT, ours=False, adopt=False)
    assert "akka auth login" in caught.value.hint
    assert "AKKA_TOKEN" in caught.value.hint


def test_a_secret_without_an_entry_is_somebodys(sink, state):
    """A secret that no registry uses, such as an application's, would be overwritten."""
    state(secrets={NAME: {"type": "generic", "keys": ["k"], **FOREIGN}})
    with pytest.raises(NotOurs):
        sink.preflight(SLOT, ours=False, adopt=False)
    assert sink.inspect(SLOT).words == "the secret exists, but is not in the project's list of registries"


def test_another_name_for_our_registry(sink, state):
    """The project would get two credentials for one registry, and nobody knows which one counts."""
    state(secrets={"theirs": {"type": "docker", "keys": ["k"], **FOREIGN}}, registries=["theirs"])
    with pytest.raises(NotOurs, match="in the secret theirs"):
        sink.preflight(SLOT, ours=False, adopt=False)
    assert sink.inspect(SLOT) is None
    assert any("'theirs' is for us.gcr.io too" in remark for remark in sink.preflight(SLOT, ours=False, adopt=True))
    receipt = sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert any("'theirs' is for us.gcr.io too" in remark for remark in receipt.remarks)
    assert state()["secrets"]["theirs"]["password"] == "theirs"


def test_our_name_for_another_registry(sink, state):
    """The credential of another registry would be overwritten or removed, adopted or not."""
    state(
        secrets={NAME: {"type": "docker", "keys": ["k"], **FOREIGN, "server": "https://us.gcr.io.evil.example"}},
        registries=[NAME],
    )
    before = state()
    for call in (
        lambda: sink.preflight(SLOT, ours=True, adopt=True),
        lambda: sink.deliver(SLOT, make_credential(HOST, "s3cret")),
        lambda: sink.withdraw(SLOT),
    ):
        with pytest.raises(UsageError, match=r"is for https://us.gcr.io.evil.example"):
            call()
    assert state() == before


def test_a_status_that_is_not_ok_is_shown(sink, state):
    """A credential that Akka did not accept would look delivered."""
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    state(secrets={NAME: {**state()["secrets"][NAME], "status": "Invalid"}})
    assert sink.inspect(SLOT).words == "Invalid"
    assert "akka says of 'pullgrant-us-gcr-io': Invalid" in sink.preflight(SLOT, ours=True, adopt=False)


def test_withdraw_takes_entry_and_secret(sink, run, state):
    """The password would stay at the platform after a revocation."""
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    sink.withdraw(SLOT)
    assert (state()["registries"], state()["secrets"]) == ([], {})
    assert [call[1:4] for call in run.calls if call[-1] != "json" and NAME in call] == [
        ["docker", "remove-credentials", NAME],
        ["secrets", "delete", NAME],
    ]


def test_withdraw_after_a_crash_between_the_two(sink, state):
    """The secret of a half-done withdrawal would stay for ever."""
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    state(registries=[])
    sink.withdraw(SLOT)
    assert state()["secrets"] == {}


@pytest.mark.parametrize("verbs", [[], ["remove-credentials", "delete-credentials"]])
def test_an_unclear_removal_is_refused(sink, state, verbs):
    """A verb would be guessed."""
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    state.top(verbs=verbs)
    with pytest.raises(SinkFailed, match=f"lists {len(verbs)} commands that remove"):
        sink.withdraw(SLOT)
    assert state()["registries"] == [NAME]


@pytest.mark.parametrize("era", ["secret", "uuid"])
def test_the_removal_verb_is_the_listed_one(sink, state, era):
    """The documentation names a verb that the CLI does not have."""
    state.top(era=era, verbs=["delete-credentials" if era == "secret" else "remove-credentials"])
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    sink.withdraw(SLOT)
    assert sink.inspect(SLOT) is None


def test_an_unknown_program_is_refused(state, install):
    """Some other program called akka would be sent a password."""
    install("akka", "print('usage: akka [things]')")
    with pytest.raises(SinkFailed, match="not a command that is known here"):
        Akka().deliver(SLOT, make_credential(HOST, "s3cret"))


def test_a_list_of_unknown_form_is_refused(state, install):
    """What the platform holds would be guessed, and something of somebody else overwritten."""
    install("akka", "import sys\nprint('--docker-server --secret-name' if '--help' in sys.argv else 'There is weather.')")
    with pytest.raises(SinkFailed, match=r"in a form that is not known here: There is weather\."):
        Akka().deliver(SLOT, make_credential(HOST, "s3cret"))


def test_an_addition_that_is_not_listed_fails(state, install):
    """A CLI that says yes and does nothing would pass for a delivery."""
    install("akka", "import sys\nprint('--docker-server --secret-name' if '--help' in sys.argv else '[]')")
    with pytest.raises(SinkFailed, match="does not list"):
        Akka().deliver(SLOT, make_credential(HOST, "s3cret"))


def test_a_refusal_is_shown(sink, state):
    """The user would not learn what Akka said."""
    state.top(refusals=[["add-credentials", "rpc error: code = NotFound desc = no such region"]])
    with pytest.raises(SinkFailed, match=r"akka docker add-credentials failed: Error: .*no such region"):
        sink.deliver(SLOT, make_credential(HOST, "s3cret"))


class TestUuidEra:
    @pytest.fixture(autouse=True)
    def era(self, state):
        state.top(era="uuid")

    def test_rotation_adds_then_deletes_ours(self, sink, run, state):
        """Services would be without a credential for a moment, or old entries would pile up."""
        first = sink.deliver(SLOT, make_credential(HOST, "first")).reference
        second = sink.deliver(SLOT, make_credential(HOST, "second")).reference
        assert [(one["id"], one["password"]) for one in state()["entries"]] == [(second, "second")]
        assert [call[3] for call in run.of("delete-credentials")] == [first]
        verbs = [call[2] for call in run.calls if "--help" not in call]
        changes = [verb for verb in verbs if verb != "list-credentials"]
        assert changes == ["add-credentials", "add-credentials", "delete-credentials"]

    def test_a_foreign_entry_is_kept_and_said(self, sink, state):
        """Somebody else's entry for our registry would be deleted, or nobody would learn that there are two."""
        state(entries=[{"id": "11111111-2222-3333-4444-555555555555", **FOREIGN}])
        receipt = sink.deliver(SLOT, make_credential(HOST, "s3cret"))
        assert any("11111111-2222-3333-4444-555555555555 (user '_json_key')" in remark for remark in receipt.remarks)
        sink.withdraw(SLOT)
        assert [one["password"] for one in state()["entries"]] == ["theirs"]

    @pytest.mark.parametrize("username", ["reader", "another-reader"])
    def test_a_concurrent_writer_is_noticed(self, run, state, username):
        """Two new entries would be there, and one of them would be taken for ours."""

        def busy(argv, *, timeout, keep):
            done = run(argv, timeout=timeout, keep=keep)
            if "add-credentials" in argv and "--help" not in argv:
                (one,) = state()["entries"]
                state(entries=[one, {**one, "id": "22222222-2222-3333-4444-555555555555", "username": username}])
            return done

        with pytest.raises(SinkFailed, match="2 new entries"):
            Akka(AkkaCli(run=busy)).deliver(SLOT, make_credential(HOST, "s3cret"))
        assert len(state()["entries"]) == 2

    def test_the_entry_of_another_run_is_not_taken_for_ours(self, run, state):
        """After a lost answer somebody else's new entry would be reported as the delivery."""
        theirs = {**FOREIGN, "id": "33333333-2222-3333-4444-555555555555", "email": OUR_EMAIL}
        run.lose = ["before"]

        def busy(argv, *, timeout, keep):
            if "add-credentials" in argv and "--help" not in argv:
                state(entries=[theirs])
            return run(argv, timeout=timeout, keep=keep)

        with pytest.raises(SinkFailed, match="somebody else is writing too"):
            Akka(AkkaCli(run=busy)).deliver(SLOT, make_credential(HOST, "s3cret"))
        assert state()["entries"] == [theirs]

    def test_a_lost_answer_is_looked_up(self, sink, run, state):
        """A second entry would be made because the first one's answer was lost."""
        run.lose = ["after"]
        receipt = sink.deliver(SLOT, make_credential(HOST, "s3cret"))
        assert [one["id"] for one in state()["entries"]] == [receipt.reference]

    def test_a_lost_addition_is_not_repeated(self, sink, run):
        """An addition that may still arrive would be made twice."""
        run.lose = ["before"]
        with pytest.raises(OutcomeUnknown, match="lists no new entry"):
            sink.deliver(SLOT, make_credential(HOST, "s3cret"))
        assert len(run.of("add-credentials")) == 1

    def test_names_are_not_sent(self, sink, run):
        """The old CLI refuses flags that it does not know."""
        sink.deliver(SLOT, make_credential(HOST, "s3cret"))
        assert [flag for flag in run.of("add-credentials")[0] if flag.startswith("--secret")] == []
