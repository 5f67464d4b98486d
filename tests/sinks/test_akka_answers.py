"""What Akka's command line says when it fails, and how often it is started for what."""

from __future__ import annotations

import threading

import pytest

from pullgrant.errors import NotSignedIn, OutcomeUnknown, RateLimited, SinkFailed, Unavailable
from pullgrant.kit.process import Finished
from pullgrant.model.credential import Slot
from pullgrant.sinks.akka import Akka
from pullgrant.sinks.akka_answers import refusal
from pullgrant.sinks.akka_cli import AkkaCli
from pullgrant.testing.sink_contract import make_credential

HOST = "us.gcr.io"
SLOT = Slot(sink="akka", server=HOST, target="sample")
NAME = "pullgrant-us-gcr-io"
HELP = "docker add-credentials --help"
LIST, SECRETS, ADD = "docker list-credentials", "secrets list", "docker add-credentials"
REMOVE = "docker remove-credentials"
ENTRY = f'[{{"name": "{NAME}", "status": "OK", "server": "https://us.gcr.io", "username": "reader"}}]'

CASES = {
    # akka/akka-sdk#397
    "a token that is gone": (
        'unable to create token: rpc error: code = Internal desc = grpc-status-details-bin mismatch: grpc-status=Unauthenticated, '
        'grpc-message="The supplied bearer token could not be verified"', NotSignedIn, NotSignedIn,
    ),
    "nobody": ("rpc error: code = Unauthenticated desc = not logged in, run 'akka auth login'", NotSignedIn, NotSignedIn),
    # lightbend/kalix-jvm-sdk#79
    "a gateway": (
        "rpc error: code = Unavailable desc = Bad Gateway: HTTP status code 502; transport: received the unexpected "
        'content-type "text/html"', Unavailable, OutcomeUnknown,
    ),
    "a server's fault": ("rpc error: code = Unknown desc = HTTP status code 500; transport: x", Unavailable, OutcomeUnknown),
    "a time-out": ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", Unavailable, OutcomeUnknown),
    "a time-out before": ("context deadline exceeded", Unavailable, OutcomeUnknown),
    "an end": ("rpc error: code = Unknown desc = error reading from server: EOF", Unavailable, OutcomeUnknown),
    "nothing there": ("rpc error: code = Unavailable desc = dial tcp 127.0.0.1:1: connection refused", Unavailable, Unavailable),
    "no name": ("dial tcp: lookup api.kalix.io: no such host", Unavailable, Unavailable),
    "a throttle": ("rpc error: code = ResourceExhausted desc = slow down", RateLimited, RateLimited),
    "a refusal": ("rpc error: code = PermissionDenied desc = not allowed", SinkFailed, SinkFailed),
    "a name": ("project [EOF] not found", SinkFailed, SinkFailed),
    "a flag": ("unknown flag: --page-mode", SinkFailed, SinkFailed),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_words_mean(name):
    """A platform that is down would look like a bad sign-in, or a lost change like one that was refused."""
    words, reading, changing = CASES[name]
    found = [type(refusal("akka", "x", words, sign_in="akka auth login", changes=changes)) for changes in (False, True)]
    assert found == [reading, changing]


class Program:
    """Answers by a table, and says no where it is told to; keeps what it was started for."""

    def __init__(self) -> None:
        about = {"version": "3.0.61\n", HELP: "--docker-server --secret-name", "docker --help": "  remove-credentials"}
        self.says = {**about, LIST: "[]", SECRETS: "[]"}
        self.fails: dict[str, str] = {}
        self.calls: list[str] = []
        self._writing = threading.Lock()
        self.waits: threading.Barrier | None = None

    def __call__(self, argv, *, timeout, keep):
        does = " ".join(argv[1:4] if "--help" in argv else argv[1:2] if argv[1] == "version" else argv[1:3])
        with self._writing:
            self.calls.append(does)
        if self.waits:
            self.waits.wait(5)
        if does in self.fails:
            return Finished(returncode=1, stdout="", stderr=f"Error: {self.fails[does]}\n")
        if does == ADD:
            self.says[LIST] = ENTRY
        if does == REMOVE:
            self.says[LIST] = "[]"
        return Finished(returncode=0, stdout=self.says.get(does, ""), stderr="")


@pytest.fixture
def program(install):
    install("akka", "")
    return Program()


@pytest.fixture
def clock():
    """Seconds that pass when they are told to."""
    return [0.0]


@pytest.fixture
def sink(program, clock):
    return Akka(AkkaCli(run=program, monotonic=lambda: clock[0]))


def test_a_platform_that_is_down_is_no_bad_sign_in(sink, program):
    """The user would sign in again and again."""
    program.fails[LIST] = CASES["a gateway"][0]
    with pytest.raises(Unavailable, match="HTTP status code 502"):
        sink.preflight(SLOT, ours=False, adopt=False)
    assert "auth current-login" not in program.calls


@pytest.mark.parametrize(
    ("login", "error"), [("you are a stranger", NotSignedIn), ("context deadline exceeded", Unavailable), ("", SinkFailed)]
)
def test_words_that_are_not_known(sink, program, login, error):
    """A CLI that says in its own way that nobody is signed in would be called broken."""
    program.fails[LIST] = "who are you?"
    if login:
        program.fails["auth current-login"] = login
    with pytest.raises(error) as caught:
        sink.preflight(SLOT, ours=False, adopt=False)
    assert (type(caught.value), program.calls.count("auth current-login")) == (error, 1)


def test_secrets_that_may_not_be_listed_are_asked_for_when_needed(sink, program):
    """A right that is needed only for an empty slot would be asked of everybody, or its lack be taken for emptiness."""
    program.fails[SECRETS] = "rpc error: code = PermissionDenied desc = not allowed"
    with pytest.raises(SinkFailed, match="not allowed"):
        sink.preflight(SLOT, ours=False, adopt=False)
    program.says[LIST] = ENTRY
    sink.preflight(SLOT, ours=True, adopt=False)


def test_a_first_delivery_starts_the_program_six_times(sink, program):
    """Each start costs a second over a slow line."""
    sink.preflight(SLOT, ours=False, adopt=False)
    assert sorted(program.calls) == sorted([HELP, LIST, SECRETS, "version"])
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert program.calls[4:] == [ADD, LIST]


def test_the_questions_of_a_preflight_are_asked_at_once(sink, program):
    """Four round trips would be waited for one after another."""
    program.waits = threading.Barrier(4)
    assert sink.preflight(SLOT, ours=False, adopt=False) == ("akka 3.0.61",)


def test_what_cannot_change_is_asked_once(sink, program):
    """Each slot, and each look, would ask the program for its version and its help."""
    for _ in range(2):
        sink.preflight(SLOT, ours=True, adopt=False)
        sink.inspect(SLOT)
        sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert (program.calls.count(HELP), program.calls.count("version")) == (1, 1)


def test_an_old_look_is_taken_again(sink, program, clock):
    """A delivery after minutes of waiting would rest on what was there before."""
    sink.preflight(SLOT, ours=False, adopt=False)
    clock[0] = 60.0
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert program.calls[4:] == [LIST, ADD, LIST]


def test_a_look_from_before_a_change_is_taken_again(sink, program):
    """A delivery after a removal would renew a secret that no registry uses any more."""
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    sink.withdraw(SLOT)
    program.calls.clear()
    sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert program.calls == [LIST, ADD, LIST]


def test_inspect_always_looks(sink, program):
    """What a preflight saw would be taken for what is there."""
    program.says[LIST] = ENTRY
    sink.preflight(SLOT, ours=True, adopt=False)
    program.says[LIST] = "[]"
    assert sink.inspect(SLOT) is None


def test_a_lost_addition_is_repeated_once(sink, program):
    """A platform that was down for a moment would fail the delivery, or be asked for ever."""
    program.fails[ADD] = CASES["a gateway"][0]
    with pytest.raises(OutcomeUnknown, match="does not list"):
        sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert program.calls.count(ADD) == 2


def test_a_throttled_addition_is_not_repeated(sink, program):
    """A throttle would be answered by more of the same."""
    program.fails[ADD] = CASES["a throttle"][0]
    with pytest.raises(RateLimited):
        sink.deliver(SLOT, make_credential(HOST, "s3cret"))
    assert program.calls.count(ADD) == 1
