"""Many readers, each on a stage of its own under one clock, and a ledger that knows them all: what rounds are rehearsed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pullgrant.errors import PullgrantError, Unavailable
from pullgrant.flows.apply import apply
from pullgrant.flows.rotate import Terms
from pullgrant.flows.rounds import House, Turn, run_round
from pullgrant.model.credential import Slot
from pullgrant.model.operation import Operation
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports
from pullgrant.testing.actors import StageLedger
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.scene import StageClock
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Silent, Stage


class Down:
    """A cloud that answers nothing."""

    def __init__(self, provider: Any) -> None:
        self.can = provider.can

    def __getattr__(self, name: str) -> Any:
        def refuse(*args: Any, **more: Any) -> None:
            raise Unavailable("503")

        return refuse


class Street:
    """Stages by reader. `fuses` blow in the next ports of a reader; `dark` clouds are down; `calls` are all outside calls."""

    def __init__(self) -> None:
        self.clock = StageClock()
        self.stages: dict[str, Stage] = {}
        self.known: dict[str, Reader] = {}
        self.fuses: dict[str, Fuse] = {}
        self.dark: set[str] = set()
        self.built: list[str] = []
        self.used: list[Fuse] = []

    def move_in(self, name: str, *, registry: str = "registry.example", **stage: Any) -> Reader:
        """Make one reader with two slots."""
        terms = {key: stage.pop(key) for key in ("rotate_every", "grace") if key in stage}
        reader = Reader(provider="stage", account="acme", name=name, host=registry, **terms)
        self.stages[reader.id], self.known[reader.id] = Stage(clock=self.clock, **stage), reader
        apply(Wish(reader=reader, slots=(ONE, TWO)), self.ports(reader), wait=NO_WAIT)
        return reader

    def ports(self, reader: Reader) -> Ports:
        self.built.append(reader.id)
        fuse = self.fuses.pop(reader.id, None) or Fuse()
        self.used.append(fuse)
        ports = self.stages[reader.id].ports(reader, fuse)
        if reader.id in self.dark:
            ports = replace(ports, provider=Down(ports.provider))
        return ports

    def house(self, **more: Any) -> House:
        return House(ledger=self, clock=self.clock, ports_of=self.ports, **more)  # type: ignore[arg-type]

    def round(self, terms: Terms = Terms(), **more: Any) -> tuple[Turn, ...]:  # noqa: B008
        """Run one round as a process of its own."""
        self.built.clear()
        self.used.clear()
        for stage in self.stages.values():
            stage.locked &= {"held"}
        return run_round(self.readers(), self.house(**more), terms)

    # The part of a ledger that a round uses itself.

    def history(self, reader_id: str) -> tuple[Operation, ...]:
        return StageLedger(
            self.stages[reader_id],
            Fuse(),
        ).history(reader_id)

    def readers(self) -> tuple[Reader, ...]:
        return tuple(self.known.values())

    def pulls(self, reader: Reader, slot: Slot = ONE) -> bool:
        return self.stages[reader.id].pulls(slot)

    def secret(self, reader: Reader, slot: Slot = ONE) -> str:
        return self.stages[reader.id].slots[slot].secret.reveal()


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


__all__ = ["NO_WAIT", "ONE", "TWO", "Callable", "Fuse", "PullgrantError", "Silent", "Street", "hours"]
