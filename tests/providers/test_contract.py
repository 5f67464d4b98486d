"""Every provider against the sandbox's fake of its cloud: the same questions, over the wire."""

from collections.abc import Iterator

import pytest

from pullgrant import catalog
from pullgrant.kit.clock import SystemClock
from pullgrant.sandbox.run import Sandbox
from pullgrant.testing.provider_contract import Make, ProviderContract

READERS = {
    "gcp": ("gcp", {"project": "demo"}),
    "gcp-token": ("gcp", {"project": "locked", "credential": "access-token"}),
    "gcp-bucket": ("gcp", {"project": "legacy"}),
    "gcp-project": ("gcp", {"project": "demo", "scope": "project"}),
    "ecr": ("ecr", {"region": "us-east-1", "repository": ("team/app",)}),
    "ecr-all": ("ecr", {"region": "us-gov-west-1"}),
    "ecr-user": ("ecr", {"region": "us-east-1", "repository": ("team/app",), "method": "user"}),
    "dockerhub": ("dockerhub", {"organization": "acme", "repository": ("app",)}),
    "dockerhub-personal": ("dockerhub", {"username": "owner"}),
    "ghcr": ("ghcr", {"owner": "acme"}),
    "gitlab": ("gitlab", {"project": "acme/app"}),
    "gitlab-group": ("gitlab", {"group": "acme"}),
    "harbor": ("harbor", {"project": "acme"}),
    "private": ("private", {"server": "registry.example", "username": "reader", "password": "env:READER_PASSWORD"}),
    "quay": ("quay", {"organization": "acme", "repository": ("app", "other")}),
}


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.mark.parametrize("which", READERS)
class TestProviders(ProviderContract):
    """The contract of all of them."""

    @pytest.fixture
    def alone(self, which: str) -> bool:
        return which.partition("-")[0] in ("dockerhub", "gitlab", "harbor", "quay")

    @pytest.fixture
    def make(self, box: Sandbox, which: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[Make]:
        box.world.reset()
        for country in box.countries.values():
            country.reset()
        box.registry.forget()
        for name, value in (box.environment() | {"PULLGRANT_LEDGER": str(tmp_path / "ledger")}).items():
            monkeypatch.setenv(name, value)
        provider, options = READERS[which]
        wanted = catalog.reader(provider, options)
        made = []

        class Owned(catalog.Catalog):
            owner = ""

            @property
            def ledger(self):
                return self

            @property
            def id(self):
                return self.owner

            def dispose(self):
                """Nothing was opened."""

        def make(owner: str):
            opened = Owned(clock=SystemClock(), report=None, ledger_url=None)
            opened.owner = owner
            made.append(opened)
            return opened.provider(wanted)

        yield make
        for opened in made:
            opened.__exit__(None, None, None)
