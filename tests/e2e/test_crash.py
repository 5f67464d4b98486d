"""The bootstrap is killed before and after every remote call, sink write and ledger write, and faulted at every call."""

from __future__ import annotations

import re

import pytest

from e2e.nursery import Nursery
from pullgrant.sandbox.world import Fault

BOOTSTRAP = ("gcp.bootstrap", "--project", "demo")
ROTATE = (*BOOTSTRAP, "--rotate-now")
IMAGE = "gcr.io/demo/app:v1"
# Changing calls and those around them; reads are many and alike, so each of these stands for its kind.
MOST_CALLS, PARTS = 80, 4
KINDS = (
    "iam.GetServiceAccount",
    "artifactregistry.getIamPolicy",
    "iam.CreateServiceAccount",
    "iam.CreateServiceAccountKey",
    "artifactregistry.setIamPolicy",
    "registry.token",
    "registry.manifest",
    "platforms.read",
    "platforms.write",
)


@pytest.fixture(scope="module")
def nursery():
    with Nursery("gcp") as nursery:
        yield nursery


def assert_converged(house):
    """After `recover` and one more run: nothing open, the platform pulls, one key lives, and no other after the grace."""
    assert house.run("recover").code == 0
    again = house.run(*BOOTSTRAP)
    assert again.code == 0, again.err
    (standing,) = house.run("status", "--json").json["readers"]
    assert (standing["open_operations"], house.pull(IMAGE)) == ([], True)
    house.run("sandbox.advance", "--hours", "25")
    assert house.run("rotate").code == 0
    assert (house.keys(), house.pull(IMAGE)) == ([standing["key_id"]], True)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", ["kill-before", "kill-after"])
@pytest.mark.parametrize("argv", [BOOTSTRAP, ROTATE], ids=["new", "rotating"])
def test_killed_at_every_remote_call(house, nursery, argv, how, part):
    """A killed run would leave an orphan key, a dead credential in a platform, or an operation open for ever."""
    killed = 0
    for at in range(part, MOST_CALLS, PARTS):
        house.fresh()
        if argv is ROTATE:
            house.run(*BOOTSTRAP)
        pid = nursery.start(*argv)
        house.world.fail_next(Fault(kind="*", skip=at, how=how, pid=pid))
        code, err = nursery.end()
        if code == 0:
            break  # there is no such call any more
        assert code == -9, err
        assert argv is BOOTSTRAP or house.pull(IMAGE), "what the user had before still works"
        assert_converged(house)
        killed += 1
    assert 2 <= killed < MOST_CALLS // PARTS


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_ledger_or_sink_write(house, nursery, when):
    """A write that is the last of a process would leave what no later run can tell."""
    for at in range(MOST_CALLS):
        house.fresh()
        nursery.start(*BOOTSTRAP, mortal=(at, when))
        code, err = nursery.end()
        if code == 0:
            break
        assert code == -9, err
        assert_converged(house)
    assert re.search(rf"calls {at}$", err, re.MULTILINE)
    assert at >= 8


@pytest.mark.parametrize("how", ["503", "429", "500", "drop", "half"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_a_call(house, kind, how):
    """A throttle, an outage or half an answer would end in a mess, or in a wrong exit code."""
    house.world.fail_next(Fault(kind=kind, how=how))
    done = house.run(*BOOTSTRAP)
    assert done.code in (0, 4, 5, 6), done.err
    assert_converged(house)


def test_a_platform_that_is_down_is_completed_later(house):
    """A platform that is down in the middle would lose the credential, or keep half a delivery."""
    house.world.fail_next(Fault(kind="platforms.write", how="503", times=50))
    done = house.run(*BOOTSTRAP, "--sink", "akka", "--sink", "docker-config")
    assert (done.code, "recover" in done.err) == (5, True)
    house.world.reset()
    assert house.run("recover").code == 0
    assert (house.pull(IMAGE), house.run("status", "--json").json["readers"][0]["open_operations"]) == (True, [])
