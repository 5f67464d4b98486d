"""The whole product against the sandbox: in this process, and as processes of their own that can be killed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pullgrant.cli import program
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import World
from servers import by_sandbox, docker_registry

SRC = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Result:
    """How one command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class House:
    """One operator's machine: a clean ledger and docker config, signed in to the sandbox's clouds."""

    def __init__(self, box: Sandbox, folder: Path, environment: dict[str, str]) -> None:
        self.box, self.folder, self.environment = box, folder, environment
        self.docker_config = folder / "docker" / "config.json"

    @property
    def world(self) -> World:
        return self.box.world

    def fresh(self) -> None:
        """Bring clouds, platforms and this machine back to their first day."""
        self.box.world.reset()
        for country in self.box.countries.values():
            country.reset()
        self.box.registry.forget()
        os.environ.pop("PULLGRANT_CLOCK_AHEAD", None)
        for file in self.folder.glob("ledger.sqlite*"):
            file.unlink()
        self.docker_config.unlink(missing_ok=True)

    def run(self, *argv: str) -> Result:
        """Run one command line in this process."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                program.run(["pullgrant", *argv])
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Result(code=code, out=out.getvalue(), err=err.getvalue())

    def start(self, *argv: str, program: Path | None = None) -> subprocess.Popen[str]:
        """Start one command line, or a Python file, as a process of its own."""
        return subprocess.Popen(
            [sys.executable, *([str(program)] if program else ["-m", "pullgrant"]), *argv],
            env=os.environ | {"PYTHONPATH": str(SRC)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pull(self, image: str, platform: str = "akka") -> bool:
        """Pull as a platform that restarts now would."""
        return self.run("sandbox.platform-pull", "--platform", platform, "--image", image).code == 0

    def kinds(self) -> list[str]:
        """Return the calls that reached the clouds, without those that google-auth makes by itself."""
        return [call.kind for call in self.world.calls if "getAllowedLocations" not in call.kind]

    def keys(self, project: str = "demo", reader: str = "docker-reader") -> list[str]:
        """Return the ids of the live keys of a reader at the fake Google Cloud."""
        projects = self.box.countries["google"].state.projects  # type: ignore[attr-defined]
        accounts = projects[project].accounts if project in projects else {}
        account = accounts.get(f"{reader}@{project}.iam.gserviceaccount.com")
        return sorted(one.id for one in account.keys.values() if one.user_managed) if account else []


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def house(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    environment = box.environment() | {
        "PULLGRANT_LEDGER": str(tmp_path / "ledger.sqlite"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULLGRANT_CLOCK_AHEAD", "0")
    found = House(box, tmp_path, environment)
    found.fresh()
    return found


@pytest.fixture
def registry(house: House) -> Iterator[str]:
    """A real docker-registry whose token service asks the fake Google Cloud who may do what at gcr.io."""
    realm = f"{house.box.url}/sandbox/token?host=gcr.io"
    with docker_registry(house.folder, by_sandbox(realm, house.box.token_certificate)) as address:
        yield address
