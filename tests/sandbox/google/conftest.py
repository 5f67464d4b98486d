"""One fake Google Cloud per test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.google.keys import KeyPool
from pullgrant.sandbox.world import World
from sandbox.google.discovery import RecordingGoogle
from sandbox.google.talk import Talk

# gcloud is no package of Debian or PyPI: its test runs where the machine has one.
collect_ignore = [] if shutil.which("gcloud") else ["test_real_gcloud.py"]


@pytest.fixture(scope="session")
def pool() -> Iterator[KeyPool]:
    """Key pairs for all tests, each given out once."""
    shared = KeyPool()
    yield shared
    shared.close()


@pytest.fixture
def talk(tmp_path: Path, pool: KeyPool) -> Iterator[Talk]:
    """A fake and its operator."""
    world, authority = World(), Authority(tmp_path)
    google = RecordingGoogle(world, authority, pool=pool)
    try:
        yield Talk(world=world, google=google, folder=tmp_path, authority=authority)
    finally:
        google.close()
