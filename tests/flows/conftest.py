import pytest

from pullgrant.model.reader import Reader
from pullgrant.testing.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def reader() -> Reader:
    return Reader(provider="stage", account="acme", name="docker-reader", host="registry.example", repositories=("app",))
