"""A running sandbox with the toy country, and clients that stand behind its proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest

from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.run import Sandbox
from sandbox.toy import Toy


@pytest.fixture
def toybox() -> Iterator[Sandbox]:
    with Sandbox(factories={"toy": Toy}) as sandbox:
        yield sandbox


@pytest.fixture
def toy(toybox: Sandbox) -> Toy:
    country = toybox.countries["toy"]
    assert isinstance(country, Toy)
    return country


@pytest.fixture
def control(toybox: Sandbox) -> Control:
    return Control(toybox.url)


@pytest.fixture
def client(toybox: Sandbox) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=str(toybox.ca_file))
    with httpx.Client(proxy=toybox.url, verify=trust, trust_env=False, timeout=5) as behind_proxy:
        yield behind_proxy


@pytest.fixture
def direct(toybox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=toybox.url, trust_env=False, timeout=5) as straight:
        yield straight
