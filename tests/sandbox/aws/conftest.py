"""One fake AWS for all tests of a process, returned to its first day before each; every answer is judged afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from botocore.loaders import Loader, create_loader

from pullgrant.sandbox.run import Sandbox
from sandbox.aws.models import Models, RecordingAws
from sandbox.aws.talk import Talk

# ministack needs an environment of its own: its test runs where somebody has made one.
collect_ignore = [] if shutil.which("ministack") else ["test_second_opinion.py"]


@pytest.fixture(scope="session")
def house() -> Iterator[Sandbox]:
    with Sandbox(factories={"aws": RecordingAws}) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def models() -> Models:
    return Models()


@pytest.fixture(scope="session")
def loader() -> Loader:
    """botocore's own reader of models, which remembers them."""
    return create_loader()


@pytest.fixture
def talk(house: Sandbox, models: Models, loader: Loader, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    """An operator with the sandbox's variables. An answer that does not fit botocore's models fails the test."""
    for name, value in house.environment().items():
        monkeypatch.setenv(name, value)
    house.world.reset()
    house.registry.forget()
    house.countries["aws"].reset()
    with ExitStack() as held:
        talk = Talk(house, held, loader)
        talk.aws.recorded.clear()
        yield talk
    wrong = {kind: faults for kind, _, response in talk.aws.recorded if (faults := models.faults(kind, response))}
    assert wrong == {}
