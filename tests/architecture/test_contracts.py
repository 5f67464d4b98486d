"""The import contracts hold, and each of them can fail."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = [one["id"] for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]]
# contract -> the file that breaks it and the line that does
BREAKS = {
    "storeys": ("model/image.py", "import pullgrant.kit.http\nimport pullgrant.flows.apply"),
    "providers": ("providers/gcp/hosts.py", "import pullgrant.providers.azure.hosts"),
    "sinks": ("sinks/akka.py", "import pullgrant.sinks.docker_config"),
    "doors": ("flows/prove.py", "import httpx"),
}


def lint(root: Path, contract: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(program), "--contract", contract, "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_has_a_test_that_breaks_it() -> None:
    """A contract that cannot fail would be an ornament."""
    assert sorted(BREAKS) == sorted(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contract_holds_and_can_fail(contract: str, copy: Path) -> None:
    """An import against the storeys would pass unseen."""
    assert lint(copy, contract).returncode == 0
    name, line = BREAKS[contract]
    file = copy / "src" / "pullgrant" / name
    file.write_text(f"{file.read_text()}\n{line}\n")
    broken = lint(copy, contract)
    assert (broken.returncode, "broken" in broken.stdout.lower()) == (1, True)
