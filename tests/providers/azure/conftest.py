"""A fake Azure and providers on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.azure.fake import FakeAzure
from pullgrant.kit.http import Http
from pullgrant.providers.azure.provider import Provider
from pullgrant.providers.azure.settings import Settings

OWNER = "0123456789ab"


@pytest.fixture
def azure() -> FakeAzure:
    return FakeAzure()


@pytest.fixture
def provider(azure: FakeAzure) -> Callable[..., Provider]:
    """Build a provider, as a new process would, for the registry demo and the given options."""

    def build(owner: str = OWNER, **options: Any) -> Provider:
        reader = Settings.parse(**{"registry": "demo", **options}).to_reader()
        return Provider(reader, owner=owner, http=Http(), clock=azure.clock, seam=azure.seam)

    return build
