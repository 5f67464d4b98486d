"""Every secret of every other provider, with all debug logs open, is found in the sink and in the documented argument only."""

import os

import pytest

from e2e.test_leak import Ears
from pullgrant.sandbox.world import Fault

PRIVATE = "private.bootstrap --server https://registry.example --username reader --password env:READER_PASSWORD"
# command line -> the variable with the operator's own secret, and the call whose answer holds a new one
COMMANDS = {
    "azure.bootstrap --registry demo --image app:v1": ("AZURE_CLIENT_SECRET", "graph.AddPassword"),
    "azure.bootstrap --registry demo --method token": ("AZURE_CLIENT_SECRET", "arm.*"),
    "dockerhub.bootstrap --organization acme --repository app": ("DOCKERHUB_PASSWORD", "dockerhub.*"),
    "gitlab.bootstrap --project acme/app": ("GITLAB_TOKEN", "gitlab.*"),
    "harbor.bootstrap --project acme": ("HARBOR_PASSWORD", "harbor.CreateRobot"),
    "quay.bootstrap --organization acme --repository app": ("QUAY_TOKEN", "quay.createOrgRobot"),
    "ghcr.bootstrap --owner acme": ("GHCR_TOKEN", "registry.token"),
    PRIVATE: ("READER_PASSWORD", "registry.manifest"),
}


@pytest.fixture
def ears(house):
    """Ears that know all the operator's secrets too."""
    found = Ears(house)
    found.secrets |= {os.environ[name] for name, _ in COMMANDS.values()}
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_heard(ears, command):
    """A secret would stand in a log, an error, the ledger, a file or a process list."""
    _, kind = COMMANDS[command]
    bootstrap = (*command.split(), "--sink", "akka", "--sink", "docker-config")
    before = len(ears.secrets)
    for argv in (
        (*bootstrap, "--verbose"),
        ("rotate", "--now", "--verify", "--verbose", "--log-format", "json"),
        ("verify", "--json"),
        ("revoke", "--reader", "docker-reader", "--yes"),
    ):
        assert ears.run(*argv) == 0, ears.heard[-1]
    assert len(ears.secrets) - before >= (0 if command.startswith(("ghcr", "private")) else 2)
    for how in ("half", "503"):
        ears.house.world.fail_next(Fault(kind=kind, how=how))
        ears.run(*bootstrap, "--verbose")
    ears.run("recover", "--verbose")
    assert ears.leaks() == []
