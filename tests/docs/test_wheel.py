"""The wheel, installed into an empty environment, is the product."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_in_an_empty_environment(tmp_path):
    """What users install would lack a file, a dependency or its licence."""
    built = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(built, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"pullgrant/py.typed", "pullgrant/sandbox/platforms/akka_program.py"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=120)
    subprocess.run(
        [str(venv / "bin" / "pip"), "install", "--quiet", str(wheel)], check=True, capture_output=True, timeout=300
    )
    listed = subprocess.run([str(venv / "bin" / "pullgrant"), "--list"], capture_output=True, text=True, timeout=60)
    assert (listed.returncode, "gcp.bootstrap" in listed.stdout) == (0, True), listed.stderr
    missing = subprocess.run(
        [str(venv / "bin" / "pullgrant"), "gcp.bootstrap", "--project", "demo", "--sink", "docker-config"],
        capture_output=True, text=True, timeout=60, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (missing.returncode, "pip install 'pullgrant[gcp]'" in missing.stderr) == (2, True), missing.stderr
