"""One fake Azure per test, without a socket or behind the sandbox's proxy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pullgrant.sandbox.azure import Azure
from pullgrant.sandbox.run import Sandbox
from sandbox.azure.talk import Talk

# azure-cli is 733 MB: its test runs where somebody points at one.
collect_ignore = [] if os.environ.get("PULLGRANT_REAL_AZ") else ["test_real_az.py"]


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """A fake and its operator."""
    return Talk(tmp_path)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A running sandbox that the variables of this process lead into."""
    with Sandbox(factories={"azure": Azure}) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox
