"""The bootstrap on Azure is killed before and after every remote call, by either method, new and rotating."""

import pytest

from pullgrant.sandbox.world import Fault

APPLICATION = ("azure.bootstrap", "--registry", "demo", "--image", "app:v1")
TOKEN = (*APPLICATION, "--method", "token")
IMAGE = "demo.azurecr.io/app:v1"
MOST_CALLS, PARTS = 60, 4


def live(house):
    """Return how many passwords of ours there are, of applications and of tokens."""
    state = house.box.countries["azure"].state
    applications = [one for one in state.applications.values() if one.display_name == "docker-reader"]
    tokens = state.registries["demo"].tokens.values()
    return sum(len(one.passwords) for one in (*applications, *tokens))


def assert_converged(house, command):
    """After `recover` and one more run: nothing open, the platform pulls, and one password lives after the grace."""
    recovered = house.run("recover")
    assert recovered.code == 0, recovered.err
    again = house.run(*command)
    assert again.code == 0, again.err
    (standing,) = house.run("status", "--json").json["readers"]
    assert (standing["open_operations"], house.pull(IMAGE)) == ([], True)
    house.run("sandbox.advance", "--hours", "25")
    assert house.run(*command).code == 0
    assert (live(house), house.pull(IMAGE)) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("rotating", [False, True], ids=["new", "rotating"])
@pytest.mark.parametrize(
    ("command", "how"),
    [(APPLICATION, "kill-before"), (APPLICATION, "kill-after"), (TOKEN, "kill-after")],
    ids=["application-before", "application-after", "token-after"],
)
def test_killed_at_every_remote_call(house, command, rotating, how, part):
    """A killed run would leave a password that nobody knows, a dead credential in a platform, or an open operation."""
    killed = 0
    for at in range(part, MOST_CALLS, PARTS):
        house.fresh()
        if rotating:
            assert house.run(*command).code == 0
        run = house.start(*command, *(["--rotate-now"] if rotating else []))
        house.world.fail_next(Fault(kind="*", skip=at, how=how, pid=run.pid))
        _, err = run.communicate(timeout=60)
        if run.returncode == 0:
            break  # there is no such call any more
        assert run.returncode == -9, err
        assert not rotating or house.pull(IMAGE), "what the user had before still works"
        assert_converged(house, command)
        killed += 1
    assert 2 <= killed < MOST_CALLS // PARTS
