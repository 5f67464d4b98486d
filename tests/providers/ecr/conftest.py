"""A fake AWS and providers on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.ecr.fake import ACCOUNT, FakeAws
from pullgrant.kit.http import Http
from pullgrant.providers.ecr.provider import Provider
from pullgrant.providers.ecr.seam import Pool
from pullgrant.providers.ecr.settings import Settings

OWNER = "0123456789ab"


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def provider(aws: FakeAws) -> Callable[..., Provider]:
    """Build a provider, as a new process would, for one repository and the given options."""

    def build(owner: str = OWNER, pool: Pool | None = None, **options: Any) -> Provider:
        given = {"account": ACCOUNT, "region": "us-east-1", "repository": ("team/app",), **options}
        reader = Settings.parse(**given).to_reader()
        seam: Any = aws
        return Provider(reader, owner=owner, http=Http(), clock=aws.clock, seam=seam, pool=pool)

    return build
