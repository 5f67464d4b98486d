"""A fake Google Cloud and providers on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.gcp.fake import FakeGoogle
from pullgrant.kit.http import Http
from pullgrant.providers.gcp.provider import Provider
from pullgrant.providers.gcp.settings import Settings

OWNER = "0123456789ab"


@pytest.fixture
def google() -> FakeGoogle:
    return FakeGoogle()


@pytest.fixture
def provider(google: FakeGoogle) -> Callable[..., Provider]:
    """Build a provider, as a new process would, for the project demo and the given options."""

    def build(owner: str = OWNER, **options: Any) -> Provider:
        reader = Settings.parse(**{"project": "demo", **options}).to_reader()
        return Provider(reader, owner=owner, http=Http(), clock=google.clock, seam=google)

    return build
