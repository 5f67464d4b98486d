"""What a real az made by the documented recipe, in the hands of the product.

PULLGRANT_REAL_AZ names the program. azure-cli on PyPI has 733 MB, so that these tests exist only where the variable is set.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

AZ = os.environ.get("PULLGRANT_REAL_AZ", "")
CLOUD, SECONDS = "PullgrantSandbox", 60
REGISTRY, IMAGE = "democlassic", "democlassic.azurecr.io/team/app:v1"  # az wants five letters of a registry
ADOPT = ("azure.bootstrap", "--registry", REGISTRY, "--adopt")


class Az:
    """An az signed in to the sandbox alone, with a configuration of its own.

    It runs in an empty folder: az starts as `python -m` and would import files of the current one. Its cloud is checked
    before each command: it falls back to the public one when registering the sandbox's has failed.
    """

    def __init__(self, folder: Path) -> None:
        self._empty = folder / "empty"
        self._empty.mkdir()
        own = {"AZURE_CONFIG_DIR": str(folder / "az"), "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        self._names = {
            **os.environ,
            **own,
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        }
        self._call("cloud", "register", "--name", CLOUD, "--endpoint-resource-manager", "https://management.azure.com")
        self._call("cloud", "set", "--name", CLOUD)
        who = ("--username", self._names["AZURE_CLIENT_ID"], "--tenant", self._names["AZURE_TENANT_ID"])
        self("login", "--service-principal", *who, "--password", self._names["AZURE_CLIENT_SECRET"])

    def __call__(self, *words: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        assert self._call("cloud", "show", "--query", "name", "--output", "tsv").strip() == CLOUD
        printed = self._call(*words, "--output", "json")
        return json.loads(printed) if printed.strip() else None

    def documented(self, name: str) -> dict[str, str]:
        """Make a reader as the platforms' documentation has people do; return what create-for-rbac printed."""
        scope = self("acr", "show", "--name", REGISTRY, "--query", "id")
        made = self("ad", "sp", "create-for-rbac", "--name", name, "--scopes", scope, "--role", "acrpull")
        assert self("ad", "sp", "show", "--id", made["appId"], "--query", "appId") == made["appId"]
        return dict(made)

    def _call(self, *words: str) -> str:
        done = subprocess.run(
            [AZ, *words], env=self._names, cwd=self._empty, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def state(house):
    return house.box.countries["azure"].state


def application(house, made):
    return next((one for one in state(house).applications.values() if one.app_id == made["appId"]), None)


def roles(house, made):
    """Return the roles, in role assignments, of what az made, also after its service principal is gone."""
    return [
        (one.scope.rpartition("/")[2], one.role)
        for one in state(house).assignments.values()
        if one.principal_id == made["sp"]
    ]


def pulls(house, made):
    """Say whether a docker that was logged in with what az printed pulls from the sandbox's registry."""
    login = base64.b64encode(f"{made['appId']}:{made['password']}".encode()).decode()
    file = house.folder / f"{made['appId']}.json"
    file.write_text(json.dumps({"auths": {f"{REGISTRY}.azurecr.io": {"auth": login}}}))
    return house.pull(IMAGE, platform=f"docker-config:{file}")


if AZ:

    @pytest.fixture
    def made(house, tmp_path):
        """Two readers by the documented recipe: the one to take over, and a neighbour."""
        az = Az(tmp_path)
        made = [az.documented(name) for name in ("docker-reader", "neighbour")]
        holders = {one.app_id: one.id for one in state(house).principals.values()}
        return [one | {"sp": holders[one["appId"]]} for one in made]

    @pytest.mark.slow
    def test_what_az_made_is_taken_over_in_use(house, made):
        """Taking over would end the credential in use, make a second reader, or leave the first in nobody's care."""
        ours, neighbour = made
        before = application(house, ours).passwords[0].key_id
        refused = house.run(*ADOPT[:-1])
        assert (refused.code, "--adopt" in refused.err, roles(house, ours)) == (3, True, roles(house, neighbour))
        done = house.run(*ADOPT, "--json")
        assert (done.code, done.json["reader"], done.json["role"]) == (0, ours["appId"], "AcrPull")
        assert done.json["proof"]["verdict"] == "proven"
        assert [one.key_id for one in application(house, ours).passwords] == [before, done.json["key_id"]]
        assert application(house, ours).unique_name.endswith("-democlassic.azurecr.io-docker-reader")
        assert len([tag for tag in application(house, ours).properties["tags"] if tag.startswith("pullgrant ")]) == 2
        assert roles(house, ours) == roles(house, neighbour)
        assert (pulls(house, ours), house.pull(IMAGE)) == (True, True)

    @pytest.mark.slow
    def test_the_life_of_what_az_made(house, made):
        """A rotation would end a foreign password, `status` be silent of the reader, or `revoke` reach what is not ours."""
        ours, neighbour = made
        assert house.run(*ADOPT).code == 0
        assert house.run(*ADOPT, "--json").json["changed"] is False
        first = house.run("status", "--json").json["readers"][0]
        assert house.run("azure.rotate", "--registry", REGISTRY).code == 0
        house.run("sandbox.advance", "--hours", "25")
        assert house.run("azure.rotate", "--json").json["readers"][0]["withdrawn"] == [first["key_id"]]
        assert (pulls(house, ours), house.pull(IMAGE), len(application(house, ours).passwords)) == (True, True, 2)
        refused = house.run("azure.revoke", "--reader", "docker-reader", "--yes")
        assert (refused.code, "--all-keys" in refused.err, pulls(house, ours)) == (3, True, True)
        assert house.run("azure.revoke", "--reader", "docker-reader", "--yes", "--all-keys").code == 0
        assert (application(house, ours), roles(house, ours), pulls(house, ours)) == (None, [], False)
        assert house.run("status", "--json").json["readers"] == []
        assert (pulls(house, neighbour), len(roles(house, neighbour))) == (True, 1)
