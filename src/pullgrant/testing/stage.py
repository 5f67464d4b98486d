"""A stage for rehearsing flows: a cloud, a registry, platforms and a ledger in memory, and a fuse that kills the actor.

The things on the stage outlive the actor, as the real ones outlive a killed process. They can say no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pullgrant.errors import OutcomeUnknown, PullgrantError
from pullgrant.model.credential import Credential, Slot
from pullgrant.model.operation import Operation
from pullgrant.model.reader import Grant, Key, Reader
from pullgrant.ports import Ports

GRANT = Grant(role="roles/reader", resource="registry/app")
ONE = Slot(sink="one", server="registry.example")
TWO = Slot(sink="two", server="registry.example", target="second")
NO_WAIT = timedelta()


class Killed(BaseException):
    """The actor's process died here; nothing of it runs any more."""


@dataclass(slots=True)
class Fuse:
    """Counts the outside calls of one run and fails at one of them.

    `at` is the number of the call, from 0; `after` says whether its effect has happened; `error` is raised instead of the
    death of the process when given. `calls` holds the names of the calls that were made.
    """

    at: int = -1
    after: bool = False
    error: Callable[[], PullgrantError] | None = None
    calls: list[str] = field(default_factory=list)

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        """Make one outside call."""
        mine = len(self.calls) == self.at
        self.calls.append(name)
        if mine and not self.after:
            self._blow()
        result = call()
        if mine:
            self._blow()
        return result

    def _blow(self) -> None:
        raise self.error() if self.error else Killed


class StageClock:
    """A clock that moves only when somebody sleeps or the test says so."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass(slots=True)
class Stage:
    """All that outlives a process. `rights` are what the reader's credential may do; `public` opens the registry.

    `keys_forbidden` is seen before anything is made, `keys_refused` when a key is asked for.
    """

    clock: StageClock = field(default_factory=StageClock)
    ledger_id: str = "ledger-1"
    owner: str = ""
    granted: bool = False
    keys: dict[str, Key] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    slots: dict[Slot, Credential] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    rights: frozenset[str] = frozenset({"pull"})
    outside: bool = False
    public: bool = False
    empty: bool = False
    keys_forbidden: bool = False
    keys_refused: bool = False
    key_notes: bool = False
    readable: bool = True
    ttl: timedelta | None = None
    settles_after: int = 0
    broken_sinks: set[str] = field(default_factory=set)
    made: int = 0
    opened: int = 0

    def pulls(self, slot: Slot) -> bool:
        """Return whether a platform that restarts now could pull with what the slot holds."""
        credential = self.slots.get(slot)
        return credential is not None and self.signs_in(credential) and self.granted

    def signs_in(self, credential: Credential) -> bool:
        """Return whether a credential is alive."""
        key_id = next((one for one, secret in self.secrets.items() if secret == credential.secret.reveal()), None)
        if key_id is None or (credential.expires_at and credential.expires_at <= self.clock.now()):
            return False
        return self.ttl is not None or (key_id in self.keys and self.keys[key_id].enabled)

    def ports(self, reader: Reader, fuse: Fuse | None = None) -> Ports:
        """Return ports of a new process on this stage; the fuse sees every outside call."""
        from pullgrant.testing.actors import StageLedger, StageProbe, StageProvider, StageSink

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


def unknown() -> OutcomeUnknown:
    """Return the error of a call whose answer was lost."""
    return OutcomeUnknown("no answer came")
