"""The options that a credential does not depend on, by provider."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pullgrant import catalog
from pullgrant.kit.clock import SystemClock
from pullgrant.ledger.codec import decode, encode
from pullgrant.model.operation import Intent
from pullgrant.model.reader import Reader
from pullgrant.testing.stage import Silent

IMAGE = frozenset({"image"})
READERS: dict[str, tuple[dict[str, object], frozenset[str]]] = {
    "gcp": ({"project": "demo"}, IMAGE),
    "azure": ({"registry": "demo"}, IMAGE | {"subscription", "resource_group"}),
    "ecr": ({"region": "us-east-1", "account": "123456789012", "repository": ("team/b", "team/a")}, IMAGE | {"profile"}),
    "dockerhub": ({"organization": "acme", "operator": "owner", "repository": ("app",)}, IMAGE | {"operator", "password"}),
    "ghcr": ({"owner": "acme"}, IMAGE),  # its token is the credential
    "gitlab": ({"project": "acme/app"}, IMAGE | {"url", "token", "ca_file"}),
    "harbor": (
        {"project": "acme", "url": "https://harbor.example", "username": "operator"},
        IMAGE | {"url", "username", "password", "ca_file"},
    ),
    "quay": ({"organization": "acme", "repository": ("app",)}, IMAGE | {"url", "token", "ca_file"}),
    "private": ({"server": "registry.example", "username": "reader", "password": "env:P"}, IMAGE),  # as at ghcr
}


@pytest.fixture
def settings(name: str) -> Any:
    return import_module(f"pullgrant.providers.{name}.settings").Settings


@pytest.fixture
def wanted(name: str, settings: Any) -> Reader:
    reader: Reader = settings.parse(**READERS[name][0]).to_reader()
    return reader


@pytest.mark.parametrize("name", catalog.PROVIDERS)
def test_where_and_as_whom_is_no_part_of_a_credential(name: str, settings: Any, wanted: Reader, tmp_path: Path) -> None:
    """Naming a registry's address, or another sign-in, would replace a good credential; another credential would not."""
    with catalog.Catalog(clock=SystemClock(), report=Silent(), ledger_url=str(tmp_path / "ledger")) as opened:
        beside = opened.provider(wanted).can.beside
    assert (beside, beside <= set(inspect.signature(settings.parse).parameters)) == (READERS[name][1], True)


@pytest.mark.parametrize("name", catalog.PROVIDERS)
def test_the_same_words_are_the_same_reader(name: str, wanted: Reader) -> None:
    """What is read back from the ledger would differ from what was asked for, and each run would note that."""
    assert decode(encode(Intent(verb="bootstrap", reader=wanted)), Intent).reader == wanted
