from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dockerhelper.shop import HOST, Shop, bootstrap, reader
from pullgrant.dockerhelper import cache, slow
from pullgrant.testing.stage import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(ttl=timedelta(hours=12))
    bootstrap(made, reader())
    monkeypatch.setattr(cache, "now", lambda: made.clock.now().timestamp())
    return made


@pytest.fixture
def shop(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shop:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Shop({HOST: stage})
    monkeypatch.setattr(slow, "_catalog", found.opened)
    return found
