"""What Kalix and Akka Serverless do beyond the contract: their own programs, verbs and variables."""

from __future__ import annotations

import json

import pytest

from pullgrant.errors import NotSignedIn, UsageError
from pullgrant.kit import process
from pullgrant.sinks.akka_cli import AkkaCli
from pullgrant.sinks.kalix import AkkaServerless, Kalix
from pullgrant.testing.sink_contract import make_credential
from sinks.test_kalix_contract import EMPTY, PROGRAM

HOST = "us.gcr.io"


class Recorder:
    """Runs the fake and keeps the arguments and the variables that it was let have."""

    def __init__(self):
        self.calls = []
        self.kept = set()

    def __call__(self, argv, *, timeout, keep):
        self.calls.append(list(argv))
        self.kept.add(tuple(keep))
        return process.run(argv, timeout=timeout, keep=keep)

    def verbs(self):
        return [" ".join(call[:3]) for call in self.calls if "--help" not in call]


@pytest.fixture(params=[(Kalix, "secret"), (Kalix, "uuid"), (AkkaServerless, "")], ids=["named", "ids", "akkasls"])
def family(request, tmp_path, monkeypatch, install):
    """A sink of the family with its fake program, and what it ran."""
    kind, era = request.param
    monkeypatch.setenv("FAKE_AKKA_STATE", str(tmp_path / "state.json"))
    if era:
        monkeypatch.setenv("FAKE_AKKA_ERA", era)
    (tmp_path / "state.json").write_text(json.dumps(EMPTY))
    install(kind.dialect.program, PROGRAM)
    run = Recorder()
    return kind(AkkaCli(run, dialect=kind.dialect)), kind, run


def test_only_its_own_program_is_run(family):
    """Two command lines would be mixed in one operation, or get each other's tokens."""
    sink, kind, run = family
    slot = kind.slot("sample", server=HOST)
    sink.preflight(slot, ours=False, adopt=False)
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.withdraw(slot)
    assert {call[0] for call in run.calls} == {kind.dialect.program}
    assert run.kept == {kind.dialect.variables}
    assert sink.inspect(slot) is None


def test_removal_is_the_verb_that_its_help_lists(family):
    """Removing would be asked for with Akka's verb, which these programs do not have."""
    sink, kind, run = family
    slot = kind.slot("sample", server=HOST)
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.withdraw(slot)
    assert f"{kind.dialect.program} docker delete-credentials" in run.verbs()


def test_a_rotation(family):
    """The new credential would be lost, or the old one stay beside it."""
    sink, kind, run = family
    slot = kind.slot("sample", server=HOST)
    receipts = [sink.deliver(slot, make_credential(HOST, secret)) for secret in ("first-secret", "second-secret")]
    deleted = [call[3] for call in run.calls if call[2] == "delete-credentials"]
    in_place = receipts[0].reference == receipts[1].reference
    assert deleted == ([] if in_place else [receipts[0].reference])


def test_the_slot_is_its_own():
    """The ledger would look for the credential on another platform."""
    assert str(Kalix.slot("sample", server=HOST)) == "kalix:sample"
    assert str(AkkaServerless.slot("sample", server=HOST)) == "akkasls:sample"


def test_nobody_is_signed_in(family, tmp_path):
    """A key would be made before it shows."""
    sink, kind, _ = family
    (tmp_path / "state.json").write_text(json.dumps({**EMPTY, "signed_in": False}))
    with pytest.raises(NotSignedIn, match=f"{kind.dialect.program} is not signed in") as caught:
        sink.preflight(kind.slot("sample", server=HOST), ours=False, adopt=False)
    assert f"{kind.dialect.program} auth login" in caught.value.hint


@pytest.mark.parametrize("kind", [Kalix, AkkaServerless])
def test_a_missing_program(kind, tmp_path, monkeypatch):
    """A user would get a traceback."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=f"the program '{kind.dialect.program}' is not on PATH"):
        kind().preflight(kind.slot("", server=HOST), ours=False, adopt=False)


def test_akka_is_named_where_it_is(family, install):
    """A user of today's platform would not learn of today's command line."""
    sink, kind, _ = family
    install("akka", PROGRAM)
    remarks = sink.preflight(kind.slot("sample", server=HOST), ours=False, adopt=False)
    assert [one for one in remarks if "--sink akka" in one] != []


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", True),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", False),
        ("dkr.ecr.us-east-1.amazonaws.com", False),
    ],
)
def test_akka_serverless_refuses_ecr(tmp_path, monkeypatch, install, host, refused):
    """A credential would be registered that the platform cannot use, or a look-alike be refused."""
    monkeypatch.setenv("FAKE_AKKA_STATE", str(tmp_path / "state.json"))
    (tmp_path / "state.json").write_text(json.dumps(EMPTY))
    install("akkasls", PROGRAM)
    slot = AkkaServerless.slot("sample", server=host)
    if refused:
        with pytest.raises(UsageError, match="does not support Amazon ECR"):
            AkkaServerless().preflight(slot, ours=False, adopt=False)
    else:
        remarks = AkkaServerless().preflight(slot, ours=False, adopt=False)
        assert [one for one in remarks if "sidecar" in one] != []
