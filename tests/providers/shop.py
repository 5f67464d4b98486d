"""A sandbox in this process, and the product's flows on it: what the tests of small providers work with."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pullgrant import catalog
from pullgrant.catalog import Catalog
from pullgrant.flows.apply import Applied, apply
from pullgrant.flows.recover import recover
from pullgrant.flows.revoke import revoke
from pullgrant.flows.rotate import Terms, rotate
from pullgrant.model.credential import Slot
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports
from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.countries import COUNTRIES, load
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault, World
from pullgrant.testing.fuse import Fuse

NO_WAIT = timedelta()
_LED = ("HTTP", "http", "ALL_", "all_", "NO_", "no_", "SSL_", "DOCKER_CONFIG", "PULLGRANT_LEDGER")


class WorldClock:
    """The sandbox's time; waiting moves it and takes none."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()

    def monotonic(self) -> float:
        return self._world.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self._world.advance(timedelta(seconds=seconds))


@dataclass
class Words:
    """What was reported."""

    lines: list[str] = field(default_factory=list)

    def step(self, words: str) -> None:
        self.lines.append(words)

    def waiting(self, words: str) -> None:
        self.lines.append(words)


class Fused:
    """Puts a fuse around every call of a port, so that a process can be killed before or after it."""

    def __init__(self, name: str, port: Any, fuse: Fuse) -> None:
        self._name, self._port, self._fuse = name, port, fuse

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if not callable(found) or method in ("exclusive", "unfinished", "history", "readers", "fingerprint"):
            return found
        return lambda *args, **more: self._fuse.around(f"{self._name}.{method}", lambda: found(*args, **more))


class Shop:
    """One country behind the real catalog, ledger, probe and docker-config sink."""

    def __init__(self, box: Sandbox, environment: dict[str, str]) -> None:
        self.box, self.environment = box, environment
        self.clock, self.words = WorldClock(box.world), Words()
        self._ledgers = 0

    @property
    def world(self) -> World:
        return self.box.world

    def country(self, name: str) -> Any:
        return self.box.countries[name]

    @contextmanager
    def ports(self, reader: Reader, *slots: Slot, fuse: Fuse | None = None) -> Iterator[Ports]:
        """Give the ports of a new process."""
        with Catalog(clock=self.clock, report=self.words, ledger_url=self.environment["PULLGRANT_LEDGER"]) as opened:
            ports = opened.ports(reader, slots)
            if fuse is not None:
                ports = replace(
                    ports,
                    provider=Fused("provider", ports.provider, fuse),
                    sinks={name: Fused("sink", sink, fuse) for name, sink in ports.sinks.items()},
                    probe=Fused("probe", ports.probe, fuse),
                    ledger=Fused("ledger", ports.ledger, fuse),
                )
            yield ports

    def reader(self, provider: str, **options: Any) -> Reader:
        return catalog.reader(provider, options)

    def slot(self, reader: Reader) -> Slot:
        return catalog.slot("docker-config", server=reader.host)

    def bootstrap(self, reader: Reader, *, fuse: Fuse | None = None, **wish: Any) -> Applied:
        slot = self.slot(reader)
        with self.ports(reader, slot, fuse=fuse) as ports:
            return apply(Wish(reader=reader, slots=(slot,), **wish), ports, wait=NO_WAIT)

    def reset(self) -> None:
        """Return to the first day, with a new ledger and no slot."""
        Control(self.box.url).reset()
        self._ledgers += 1
        self.environment["PULLGRANT_LEDGER"] = f"sqlite:///{self.box.folder}/ledger.sqlite.{self._ledgers}"
        self.words.lines.clear()
        (Path(self.environment["DOCKER_CONFIG"]) / "config.json").unlink(missing_ok=True)

    def rotate(self, reader: Reader, because: str = "asked", *, fuse: Fuse | None = None) -> Any:
        with self.ports(reader, fuse=fuse) as ports:
            return rotate(reader, ports, Terms(because=because))

    def recover(self, reader: Reader) -> Any:
        with self.ports(reader) as ports:
            return recover(reader, ports, wait=NO_WAIT)

    def revoke(self, reader: Reader, *, fuse: Fuse | None = None) -> Any:
        with self.ports(reader, fuse=fuse) as ports:
            return revoke(reader, ports, wait=NO_WAIT)

    def fail(self, kind: str, how: str, **more: Any) -> None:
        self.world.fail_next(Fault(kind=kind, how=how, **more))

    def kinds(self) -> list[str]:
        """Return the kinds of the calls that reached the fakes."""
        return [call.kind for call in self.world.calls]

    @property
    def docker_config(self) -> dict[str, Any]:
        path = Path(self.environment["DOCKER_CONFIG"]) / "config.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def everything_written(self) -> bytes:
        """Return the ledger's files, to look for what must not be there."""
        return b"".join(path.read_bytes() for path in sorted(self.box.folder.glob("ledger.sqlite*")))


@contextmanager
def open_shop(country: str, monkeypatch: pytest.MonkeyPatch, factory: Any = None) -> Iterator[Shop]:
    """Start a sandbox with one country, or one that stands in for it, and lead this process into it."""
    logging.getLogger("pullgrant").setLevel(logging.DEBUG)
    with Sandbox(factories={country: factory} if factory else load({country: COUNTRIES[country]})) as box:
        environment = box.environment()
        own = box.countries[country].environment(box.folder / country, box.url)
        for name, value in environment.items():
            if name.startswith(_LED) or name in own:
                monkeypatch.setenv(name, value)
        yield Shop(box, environment)
