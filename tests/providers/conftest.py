"""A shop for each of the registries that make tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.cases import CASES, Case
from providers.shop import Shop, open_shop


@pytest.fixture(
    params=CASES,
    ids=lambda case: f"{case.name}{chr(39)}s account" if case.name == "dockerhub" and not case.narrow else case.name,
)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def shop(case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop(case.name, monkeypatch) as opened:
        yield opened
