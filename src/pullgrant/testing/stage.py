"""A stage for rehearsing flows: a cloud, a registry, platforms and a ledger in memory, and a fuse that kills the actor.

The things on the stage outlive the actor, as the real ones outlive a killed process. They can say no.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pullgrant.model.credential import Slot
from pullgrant.model.reader import Reader
from pullgrant.ports import Ports
from pullgrant.testing.actors import StageLedger, StageProbe, StageProvider, StageSink
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.scene import Scene

ONE = Slot(sink="one", server="registry.example")
TWO = Slot(sink="two", server="registry.example", target="second")
NO_WAIT = timedelta()


@dataclass(slots=True)
class Stage(Scene):
    """A scene that new processes can enter."""

    def ports(self, reader: Reader, fuse: Fuse | None = None) -> Ports:
        """Return ports of a new process on this stage; the fuse sees every outside call."""
        fuse = fuse or Fuse()
        sink = StageSink(self, fuse)
        return Ports(
            provider=StageProvider(self, fuse, reader),
            sinks={"one": sink, "two": sink},
            probe=StageProbe(self, fuse),
            ledger=StageLedger(self, fuse),
            clock=self.clock,
            report=Silent(),
        )


class Silent:
    """Says nothing."""

    def step(self, words: str) -> None:
        """Nobody listens on a stage."""

    def waiting(self, words: str) -> None:
        """Nobody listens on a stage."""
