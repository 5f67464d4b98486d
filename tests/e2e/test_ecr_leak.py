"""Every secret of every flow on AWS, with all debug logs open, is found in the sink and nowhere else."""

import pytest

from e2e.test_leak import Ears
from pullgrant.sandbox.world import Fault

ROLE = ("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app", "--sink", "akka", "--sink", "docker-config")
USER = (*ROLE, "--method", "user")


@pytest.fixture
def ears(house):
    """Ears that know the operator's own secret too."""
    found = Ears(house)
    found.secrets.add(house.environment["AWS_SECRET_ACCESS_KEY"])
    return found


@pytest.mark.parametrize("command", [ROLE, USER], ids=["role", "user"])
def test_nothing_is_heard(ears, command):
    """A token, a session or an access key would stand in a log, an error, the ledger, a file or a process list."""
    flows = (
        (*command, "--verbose"),
        (*command, "--rotate-now", "--json"),
        ("verify", "--json"),
        ("rotate", "--now", "--verify", "--verbose", "--log-format", "json"),
        ("schedule", "--format", "kubernetes"),
        ("recover", "--json"),
        ("revoke", "--reader", "docker-reader", "--yes"),
    )
    for argv in flows:
        assert ears.run(*argv) in (0, 4), ears.heard[-1]
    assert len(ears.secrets) >= 3
    sessions = {one.secret for one in ears.house.box.countries["aws"].state.sessions.values()}
    ears.secrets |= sessions | {one.token for one in ears.house.box.countries["aws"].state.sessions.values()}
    assert bool(sessions) == (command is ROLE)
    assert ears.leaks() == []


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("sts.AssumeRole", "half"),
        ("sts.AssumeRole", "drop"),
        ("ecr.GetAuthorizationToken", "half"),
        ("ecr.GetAuthorizationToken", "503"),
        ("registry.manifest", "503"),
        ("iam.PutRolePolicy", "half"),
    ],
)
def test_nothing_is_heard_when_things_fail(ears, kind, how):
    """An error would carry the secret that its call was about."""
    ears.run(*ROLE)
    ears.house.world.fail_next(Fault(kind=kind, how=how))
    ears.run(*ROLE, "--rotate-now", "--verbose")
    ears.run("recover", "--verbose")
    assert ears.leaks() == []
