"""Writes the skeleton of a new provider or sink: the same files and names as every other, held to the same contract suite."""

import re
from pathlib import Path

_SETTINGS = '''"""The options of a {title} reader, checked before any call."""

from __future__ import annotations

from dataclasses import dataclass

from pullgrant.model.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for."""

    account: str
    reader: str = "docker-reader"

    @classmethod
    def parse(cls, *, account: str, reader: str = "docker-reader") -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        return cls(account=account, reader=reader)

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with."""
        return cls.parse(account=reader.account, reader=reader.name)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(provider="{name}", account=self.account, name=self.reader, host="registry.example")
'''
_PROVIDER = '''"""A reader at {title}."""

from __future__ import annotations

from pullgrant.errors import PullgrantError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Issued
from pullgrant.model.reader import Identity, Images, Key, Observed, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.{module}.settings import Settings


class Provider:
    """Implements ports.Provider for {title}."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock) -> None:
        self._settings, self._owner, self._http, self._clock = Settings.of(reader), owner, http, clock

    @property
    def can(self) -> Capabilities:
        """What this registry can and cannot do."""
        return Capabilities()

    def observe(self) -> Observed:
        """See ports.Provider."""
        raise PullgrantError("{name}: observe is not written yet")

    def images(self) -> Images:
        """See ports.Provider."""
        raise PullgrantError("{name}: images is not written yet")

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider."""
        raise PullgrantError("{name}: ensure is not written yet")

    def grant(self, identity: Identity) -> None:
        """See ports.Provider."""
        raise PullgrantError("{name}: grant is not written yet")

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider."""
        raise PullgrantError("{name}: issue is not written yet")

    def withdraw(self, key: Key) -> None:
        """See ports.Provider."""
        raise PullgrantError("{name}: withdraw is not written yet")

    def remove(self, identity: Identity) -> None:
        """See ports.Provider."""
        raise PullgrantError("{name}: remove is not written yet")
'''
_COMMAND = '''"""`{name}.*`: readers at {title}."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = "Make a proven pull credential for {title} and register it with a platform."
OPTIONS = (Opt(name="account", required=True, help="Account that holds the registry."),)


def collection() -> Collection:
    """Return the collection `{name}`."""
    return provider_collection("{name}", ABOUT, *OPTIONS)
'''
_SINK = '''"""{title} as a sink."""

from __future__ import annotations

from pullgrant.errors import PullgrantError
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.sinks.checks import check_credential, registry_host


class {camel}:
    """Implements ports.Sink. A slot's `target` is the place in {title}."""

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with nothing left to default."""
        slot = Slot(sink="{name}", server=server, target=target, name=name)
        registry_host(slot)
        return slot

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink."""
        raise PullgrantError("{name}: preflight is not written yet")

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink."""
        raise PullgrantError("{name}: inspect is not written yet")

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink."""
        check_credential(slot, credential)
        raise PullgrantError("{name}: deliver is not written yet")

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink."""
        raise PullgrantError("{name}: withdraw is not written yet")
'''
_SINK_TEST = '''"""{title} under the questions that every sink must answer."""

import pytest

from pullgrant.model.credential import Slot
from pullgrant.sinks.{module} import {camel}
from pullgrant.testing.sink_contract import SinkContract


class Test{camel}(SinkContract):
    """The contract; give it the fixtures that SinkContract names."""

    @pytest.fixture
    def sink(self) -> {camel}:
        return {camel}()

    @pytest.fixture
    def slot(self) -> Slot:
        return {camel}.slot("somewhere", server="registry.example")
'''
_FILES = {
    "provider": {
        "src/pullgrant/providers/{module}/__init__.py": '"""Readers at {title}."""\n',
        "src/pullgrant/providers/{module}/settings.py": _SETTINGS,
        "src/pullgrant/providers/{module}/provider.py": _PROVIDER,
        "src/pullgrant/cli/{module}.py": _COMMAND,
    },
    "sink": {"src/pullgrant/sinks/{module}.py": _SINK, "tests/sinks/test_{module}_contract.py": _SINK_TEST},
}
NEXT = {
    "provider": "then: a line in catalog.PROVIDERS and cli.COLLECTIONS, a reader in tests/providers/test_contract.py, "
    "a fake in src/pullgrant/sandbox with a line in countries.COUNTRIES, a row in the README",
    "sink": "then: a line in catalog.SINKS and a row in the README",
}


def write(root: Path, kind: str, name: str) -> list[Path]:
    """Write the files of a kind under `root` and return their paths. Raises ValueError for a wrong kind or name."""
    if kind not in _FILES:
        raise ValueError(f"{kind!r} is neither provider nor sink")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ValueError(f"{name!r} is not a name: lower-case letters, digits and dashes")
    parts = name.split("-")
    words = {
        "name": name,
        "module": "_".join(parts),
        "title": " ".join(parts).title(),
        "camel": "".join(map(str.title, parts)),
    }
    files = {root / path.format(**words): text.format(**words) for path, text in _FILES[kind].items()}
    taken = [path for path in files if path.exists()]
    if taken:
        raise ValueError(f"{taken[0]} exists")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
