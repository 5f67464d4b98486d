"""What the tests of sinks share: programs put on PATH, and a machine on which root is refused too."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a Python source on PATH under a program's name; nothing else is found there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, source: str) -> Path:
        program = folder / name
        program.write_text(f"#!{sys.executable} -IS\n{source}")
        program.chmod(0o755)
        return program

    return put


@pytest.fixture
def open_folder():
    """A folder that every user can reach, pytest's own are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp(prefix="pullgrant-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def locked():
    """A context in which a folder cannot be written."""
    return _unprivileged_and_locked


@contextlib.contextmanager
def _unprivileged_and_locked(folder: Path):
    """Take the right to write from a folder, and from root its power to ignore that; the files stay readable to the user."""
    user = os.geteuid()
    if user == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, -1, follow_symlinks=False)
    folder.chmod(0o555)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
