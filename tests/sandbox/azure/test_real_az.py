"""The documented commands of a real az against the fake. PULLGRANT_REAL_AZ names the program; azure-cli is on PyPI."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pullgrant.sandbox.azure import Azure
from pullgrant.sandbox.run import Sandbox

AZ = os.environ.get("PULLGRANT_REAL_AZ", "")
CLOUD = "PullgrantSandbox"
SECONDS = 60

pytestmark = pytest.mark.slow


class Az:
    """A signed-in az that can reach nothing but the sandbox.

    It runs in an empty folder: az starts as `python -m` and would import files of the current one. Its cloud is checked
    before each command, because it falls back to the public one when registering the sandbox has failed.
    """

    def __init__(self, box: Sandbox, folder: Path) -> None:
        self._folder = folder
        self._names = {**os.environ, **box.environment(), "AZURE_CORE_INSTANCE_DISCOVERY": "false"}
        self.sandbox, country = box, box.countries["azure"]
        assert isinstance(country, Azure)
        self.azure = country
        self._call("cloud", "register", "--name", CLOUD, "--endpoint-resource-manager", "https://management.azure.com")
        self._call("cloud", "set", "--name", CLOUD)
        names = box.environment()
        login = ("--username", names["AZURE_CLIENT_ID"], "--tenant", names["AZURE_TENANT_ID"])
        self("login", "--service-principal", *login, "--password", names["AZURE_CLIENT_SECRET"])

    def __call__(self, *arguments: str) -> Any:
        """Run a command that must succeed and return its JSON."""
        assert self._call("cloud", "show", "--query", "name", "--output", "tsv").strip() == CLOUD
        printed = self._call(*arguments, "--output", "json")
        return json.loads(printed) if printed.strip() else None

    def kinds(self) -> list[str]:
        """The kinds of calls so far, without those that sign in."""
        return [call.kind for call in self.sandbox.world.calls if call.kind.startswith(("arm.", "graph."))]

    def pulls(self, app_id: str, password: str) -> frozenset[str]:
        """Return what a login may do with an image."""
        gate = self.azure.gates()[0]
        visitor = gate.sign_in("democlassic.azurecr.io", app_id, password)
        return gate.actions("democlassic.azurecr.io", visitor, "team/app") if visitor else frozenset()

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [AZ, *arguments], env=self._names, cwd=self._folder, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.fixture
def az(tmp_path: Path) -> Iterator[Az]:
    with Sandbox(factories={"azure": Azure}) as box:
        empty = tmp_path / "empty"
        empty.mkdir()
        yield Az(box, empty)


def test_the_documented_recipe(az: Az) -> None:
    """What the platforms' documentation tells people to type would not work against the sandbox, or in other calls."""
    registry = az("acr", "show", "--name", "democlassic", "--query", "id")
    before = len(az.kinds())
    made = az("ad", "sp", "create-for-rbac", "--name", "akka-reader", "--scopes", registry, "--role", "acrpull")
    assert az.kinds()[before:] == [
        "graph.ListServicePrincipals",
        "graph.ListApplications",
        "graph.CreateApplication",
        "graph.AddPassword",
        "graph.CreateServicePrincipal",
        "arm.ListRoleDefinitions",
        "arm.PutRoleAssignment",
    ]
    assert az("ad", "sp", "show", "--id", made["appId"], "--query", "appId") == made["appId"]
    assert az.pulls(made["appId"], made["password"]) == {"pull"}


def test_the_second_run_is_an_outage(az: Az) -> None:
    """The sandbox would hide that repeating the documented command ends the password in use."""
    registry = az("acr", "show", "--name", "democlassic", "--query", "id")
    recipe = ("ad", "sp", "create-for-rbac", "--name", "akka-reader", "--scopes", registry, "--role", "acrpull")
    first, second = az(*recipe), az(*recipe)
    assert first["appId"] == second["appId"]
    assert (az.pulls(first["appId"], first["password"]), az.pulls(second["appId"], second["password"])) == (
        frozenset(),
        {"pull"},
    )


def test_appending_a_password(az: Az) -> None:
    """A password could not be added beside the one in use."""
    registry = az("acr", "show", "--name", "democlassic", "--query", "id")
    first = az("ad", "sp", "create-for-rbac", "--name", "akka-reader", "--scopes", registry, "--role", "acrpull")
    second = az("ad", "app", "credential", "reset", "--id", first["appId"], "--append")
    assert [az.pulls(first["appId"], each["password"]) for each in (first, second)] == [{"pull"}, {"pull"}]


def test_tokens_and_lists(az: Az) -> None:
    """az could not make a token of the registry, list its repositories, or list role assignments."""
    actions = ("--repository", "team/app", "content/read", "metadata/read")
    made = az("acr", "token", "create", "--name", "cli-token", "--registry", "democlassic", *actions)
    passwords = made["credentials"]["passwords"]
    assert [az.pulls("cli-token", each["value"]) for each in passwords] == [{"pull"}, {"pull"}]
    assert az("acr", "repository", "list", "--name", "democlassic") == ["app", "team/app", "team/other"]
    scope = az("acr", "show", "--name", "democlassic", "--query", "id").partition("/providers")[0]
    assigned = az("role", "assignment", "list", "--scope", scope)
    assert [each["roleDefinitionName"] for each in assigned] == ["Owner"]
