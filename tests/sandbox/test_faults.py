"""Faults, delays and the control API, from outside."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pullgrant.errors import Unavailable, UsageError
from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.faults import checked, meet
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault, World
from sandbox.toy import Toy

COUNT = "https://api.toy.test/v1/count"


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_status_has_no_effect(client: httpx.Client, control: Control, toy: Toy) -> None:
    """A refused call would have had its effect, or would not speak in the vendor's words."""
    control.fail("toy.c*", 429, body='{"slow":"down"}', headers={"Retry-After": "7"})
    answer = client.post(COUNT)
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"slow": "down"}, "7")
    assert answer.headers["content-type"].startswith("application/json")
    assert toy.count == 0
    assert client.post(COUNT).json() == {"count": 1}
    assert [call.status for call in control.calls()] == [429, 200]


def test_timeout_comes_after_the_effect(client: httpx.Client, control: Control, toy: Toy) -> None:
    """A lost answer would look like a call that never happened."""
    control.fail("toy.count", "timeout")
    with pytest.raises(httpx.ReadTimeout):
        client.post(COUNT, timeout=0.2)
    assert (toy.count, [call.status for call in control.calls()]) == (1, [200])


def test_drop_has_no_effect(client: httpx.Client, control: Control, toy: Toy) -> None:
    """A dropped connection would have had an effect, or would be answered."""
    control.fail("toy.count", "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(COUNT)
    assert (toy.count, [call.status for call in control.calls()]) == (0, [0])


def test_half_breaks_the_body(client: httpx.Client, control: Control, toy: Toy) -> None:
    """A broken body would come whole, or without its effect."""
    control.fail("toy.count", "half")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.post(COUNT)
    assert toy.count == 1


@pytest.mark.parametrize(("how", "effects"), [("kill-before", 0), ("kill-after", 1)])
def test_kill_ends_the_named_process(
    client: httpx.Client, control: Control, toy: Toy, victim: subprocess.Popen[bytes], how: str, effects: int
) -> None:
    """A crash test would not die, or at the wrong side of the effect."""
    control.fail("toy.count", how, pid=victim.pid)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(COUNT)
    assert (victim.wait(5), toy.count) == (-9, effects)


def test_delay_then_the_truth(client: httpx.Client, control: Control) -> None:
    """A slow answer would be wrong or fast."""
    control.fail("toy.count", "delay", seconds=0.05)
    started = time.perf_counter()
    assert client.post(COUNT).json() == {"count": 1}
    assert time.perf_counter() - started >= 0.05


def test_skip_and_times_are_counted(client: httpx.Client, control: Control) -> None:
    """A fault would strike the wrong call of several."""
    control.fail("toy.count", 503, skip=1, times=2)
    assert [client.post(COUNT).status_code for _ in range(4)] == [200, 503, 503, 200]


def test_latency_is_of_every_call(client: httpx.Client, control: Control) -> None:
    """A benchmark with injected latency would measure nothing."""
    client.post(COUNT)
    control.latency(0.03)
    started = time.perf_counter()
    client.post(COUNT)
    client.post(COUNT)
    assert time.perf_counter() - started >= 0.06


def test_settle_by_reads(client: httpx.Client, control: Control, toybox: Sandbox) -> None:
    """Propagation could not be imitated by counting reads."""
    control.settle(reads=2)
    toybox.world.changed("thing")
    assert [client.get("https://api.toy.test/v1/look").json()["settled"] for _ in range(4)] == [False, False, True, True]


def test_settle_by_seconds_of_the_world(client: httpx.Client, control: Control, toybox: Sandbox) -> None:
    """Propagation in seconds would need real waiting."""
    control.settle(seconds=100)
    toybox.world.changed("thing")
    assert client.get("https://api.toy.test/v1/look").json() == {"settled": False}
    control.advance(101)
    assert client.get("https://api.toy.test/v1/look").json() == {"settled": True}


def test_reset_returns_to_the_first_day(client: httpx.Client, control: Control, toy: Toy, toybox: Sandbox) -> None:
    """A test would see what an earlier one left behind."""
    client.post(COUNT)
    control.fail("toy.count", 500)
    control.latency(9)
    control.settle(reads=5)
    toybox.world.changed("thing")
    control.advance(3600)
    control.reset()
    assert (toy.count, control.calls(), toybox.world.latency) == (0, (), 0.0)
    assert abs(toybox.world.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert client.post(COUNT).json() == {"count": 1}
    assert client.get("https://api.toy.test/v1/look").json() == {"settled": True}


@pytest.mark.parametrize(
    "asked",
    [
        {"how": "drop"},
        {"kind": "x", "how": "explode"},
        {"kind": "x", "how": "200"},
        {"kind": "x", "how": "kill-after"},
        {"kind": "x", "how": "kill-before", "pid": 1},
        {"kind": "x", "how": "drop", "times": 0},
        {"kind": "x", "how": "drop", "times": "2"},
        {"kind": "x", "how": "drop", "whom": "me"},
    ],
)
def test_senseless_faults_are_refused(control: Control, asked: dict[str, object]) -> None:
    """A misspelt fault would never strike, and the test that planned it would prove nothing."""
    with pytest.raises(UsageError, match="400"):
        control.ask("POST", "/sandbox/fail", asked)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("advance", {"seconds": -1}),
        ("advance", {}),
        ("latency", {"seconds": "1"}),
        ("settle", {"reads": 1.5}),
        ("settle", []),
    ],
)
def test_senseless_control_is_refused(control: Control, path: str, asked: dict[str, object]) -> None:
    """A wrong request would silently steer nothing."""
    with pytest.raises(UsageError, match="400"):
        control.ask("POST", f"/sandbox/{path}", asked)


def test_control_says_when_nobody_is_there() -> None:
    """A steering process would hang, or take silence for success."""
    nobody = Control("http://127.0.0.1:1")
    assert nobody.ready() is False
    with pytest.raises(Unavailable, match="no sandbox at"):
        nobody.reset()


def test_control_goes_round_the_proxy(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's proxy would be asked for a loopback address."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert control.ready() is True


def test_meet_refuses_an_unchecked_kill() -> None:
    """A fault planned in process without a pid would kill the whole process group."""
    world, done = World(), []
    world.fail_next(Fault(kind="*", how="kill-before"))
    with pytest.raises(ValueError, match="pid"):
        meet(world, "x", lambda: done.append(1))
    assert done == []


def test_checked_gives_the_fault_back() -> None:
    """Every known fault would be refused."""
    hows = ["503", "timeout", "drop", "half", "delay"]
    assert [checked(Fault(kind="x", how=how)).how for how in hows] == hows
