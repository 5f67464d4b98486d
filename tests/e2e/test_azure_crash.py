"""The bootstrap on Azure is killed before and after every remote call, by either method, new and rotating.

What a killed process leaves is told by the effects that happened: before a call that only reads, that is what the call before
it left. So each call is killed after its effect, and those that change something before it as well.
"""

import os

import pytest

from e2e.nursery import Nursery
from pullgrant.kit.clock import SystemClock
from pullgrant.ledger import open_ledger
from pullgrant.sandbox.world import Fault

APPLICATION = ("azure.bootstrap", "--registry", "demo", "--image", "app:v1", "--sink", "docker-config")
TOKEN = (*APPLICATION, "--method", "token")
READER, IMAGE = "azure:demo/docker-reader", "demo.azurecr.io/app:v1"
MOST_CALLS, PARTS = 60, 4
CHANGING = ("Add", "Create", "Delete", "Generate", "Put", "Remove", "Update")


@pytest.fixture(scope="module")
def nursery():
    with Nursery("azure") as nursery:
        yield nursery


def live(house):
    """Return how many passwords of ours there are, of applications and of tokens."""
    state = house.box.countries["azure"].state
    applications = [one for one in state.applications.values() if one.display_name == "docker-reader"]
    tokens = state.registries["demo"].tokens.values()
    return sum(len(one.passwords) for one in (*applications, *tokens))


def pulls(house):
    return house.pull(IMAGE, platform=f"docker-config:{house.docker_config}")


def operations():
    with open_ledger(os.environ["PULLGRANT_LEDGER"], SystemClock()) as ledger:
        return ledger.history(READER)


def assert_converged(house, command):
    """After `recover` and one more run: nothing open, the platform pulls, and one password lives after the grace."""
    recovered = house.run("recover")
    assert recovered.code == 0, recovered.err
    again = house.run(*command)
    assert again.code == 0, again.err
    assert ([one for one in operations() if one.closed is None], pulls(house)) == ([], True)
    house.run("sandbox.advance", "--hours", "25")
    assert house.run(*command).code == 0
    assert (live(house), pulls(house)) == (1, True)


def begin(house, command, *, rotating):
    """Return how the run that is killed is started, on a first day or on a reader that pulls."""
    house.fresh()
    assert not rotating or house.run(*command).code == 0
    return (*command, *(["--rotate-now"] if rotating else []))


def assert_killed(house, nursery, command, fault, *, rotating):
    """Kill a run by a fault; return False when there is no such call."""
    argv = begin(house, command, rotating=rotating)
    known = (len(operations()), live(house))
    fault.pid = nursery.start(*argv)
    house.world.fail_next(fault)
    code, said = nursery.end()
    if code == 0:
        return False
    assert code == -9, said
    assert not rotating or pulls(house), "what the user had before still works"
    if len(operations()) == known[0]:
        assert live(house) == known[1], "nothing is changed before the intent is written"
    else:
        assert_converged(house, command)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("rotating", [False, True], ids=["new", "rotating"])
@pytest.mark.parametrize("command", [APPLICATION, TOKEN], ids=["application", "token"])
def test_killed_after_every_remote_call(house, nursery, command, rotating, part):
    """A killed run would leave a password that nobody knows, a dead credential in a platform, or an operation open."""
    killed = 0
    for at in range(part, MOST_CALLS, PARTS):
        if not assert_killed(house, nursery, command, Fault(kind="*", skip=at, how="kill-after"), rotating=rotating):
            break
        killed += 1
    assert 3 <= killed < MOST_CALLS // PARTS


@pytest.mark.slow
@pytest.mark.parametrize("rotating", [False, True], ids=["new", "rotating"])
@pytest.mark.parametrize("command", [APPLICATION, TOKEN], ids=["application", "token"])
def test_killed_before_every_change(house, nursery, command, rotating):
    """The same, where the effect that the journal announces has not happened."""
    argv = begin(house, command, rotating=rotating)
    seen = len(house.world.calls)
    assert house.run(*argv).code == 0
    kinds = [call.kind for call in house.world.calls[seen:] if call.kind.partition(".")[2].startswith(CHANGING)]
    assert len(kinds) == (1 if rotating else 4 if command is APPLICATION else 3)
    for kind in kinds:
        assert assert_killed(house, nursery, command, Fault(kind=kind, how="kill-before"), rotating=rotating)
