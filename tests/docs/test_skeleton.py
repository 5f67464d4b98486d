"""`dev.new` writes what the house would accept: typed, clean, and red under the contract suite until it is written."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import devskeleton  # noqa: E402


@pytest.mark.parametrize("kind", ["provider", "sink"])
def test_the_skeleton_is_clean_and_does_nothing(kind, tmp_path):
    """A newcomer would start with lint errors, or with a skeleton that looks done."""
    files = devskeleton.write(tmp_path, kind, "my-thing")
    assert len(files) == {"provider": 4, "sink": 2}[kind]
    python = [str(path) for path in files]
    config = str(ROOT / "pyproject.toml")
    assert subprocess.run(["ruff", "check", "--config", config, *python], capture_output=True, timeout=60).returncode == 0
    formatted = ["ruff", "format", "--check", "--config", config, *python]
    assert subprocess.run(formatted, capture_output=True, timeout=60).returncode == 0
    for path in files:
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
    assert any("is not written yet" in path.read_text(encoding="utf-8") for path in files)
    with pytest.raises(ValueError, match="exists"):
        devskeleton.write(tmp_path, kind, "my-thing")


@pytest.mark.parametrize(("kind", "name"), [("cloud", "x"), ("sink", "My Thing"), ("provider", "../x")])
def test_a_wrong_name_writes_nothing(kind, name, tmp_path):
    """A file would be written outside the house."""
    with pytest.raises(ValueError):
        devskeleton.write(tmp_path, kind, name)
    assert list(tmp_path.iterdir()) == []
