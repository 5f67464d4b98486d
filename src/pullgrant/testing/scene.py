"""What outlives the actors of a rehearsal, as the real things outlive a killed process: clouds, platforms and a ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pullgrant.model.credential import Credential, Slot
from pullgrant.model.operation import Operation
from pullgrant.model.reader import Grant, Key

GRANT = Grant(role="roles/reader", resource="registry/app")


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
class Scene:
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
