"""The one truth behind all fakes: a clock that can be advanced, delays until a change is seen, faults, and a log of calls.

What a cloud knows (its principals, grants, keys, tokens) lives in that cloud's own state; all share this world.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase


@dataclass(slots=True, kw_only=True)
class Fault:
    """What shall go wrong with the next `times` calls whose kind matches the pattern `kind`, after letting `skip` pass.

    `how` is one of: a status (`503`), `timeout` (the effect happens, the answer never comes), `drop` (no effect, the
    connection is closed), `half` (the effect happens, half of the body comes), `kill-before` and `kill-after` (the
    process `pid` gets SIGKILL before or after the effect), `delay` (`seconds` more, then the true answer).
    `body` and `headers` go with a status, in the vendor's own words.
    """

    kind: str
    how: str
    times: int = 1
    skip: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that reached a fake: its kind, who called and what was answered; never a body."""

    kind: str
    host: str
    path: str
    principal: str
    status: int


class World:
    """Shared by all fakes of one sandbox. Every method is safe for threads; `lock` guards the states of the clouds too."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self._faults: list[Fault] = []
        self._ahead = timedelta()
        self._settle_reads = 0
        self._settle_seconds = 0.0
        self._unsettled: dict[str, tuple[int, datetime]] = {}
        self.latency = 0.0

    def now(self) -> datetime:
        """Return the world's time of day in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        with self.lock:
            self._ahead += by

    def settle_after(self, *, reads: int = 0, seconds: float = 0.0) -> None:
        """Let each change made from now on be seen only after so many reads of it, or so many seconds."""
        with self.lock:
            self._settle_reads, self._settle_seconds = reads, seconds

    def changed(self, thing: str) -> None:
        """Note that `thing` was just changed: until it has settled, readers see it as it was before."""
        with self.lock:
            if self._settle_reads or self._settle_seconds:
                self._unsettled[thing] = (self._settle_reads, self.now() + timedelta(seconds=self._settle_seconds))

    def settled(self, thing: str) -> bool:
        """Return whether a reader sees the last change of `thing`; asking counts as one read of it."""
        with self.lock:
            if thing not in self._unsettled:
                return True
            reads, until = self._unsettled[thing]
            if reads > 0:
                self._unsettled[thing] = (reads - 1, until)
                return False
            if self.now() < until:
                return False
            del self._unsettled[thing]
            return True

    def fail_next(self, fault: Fault) -> None:
        """Plan a fault."""
        with self.lock:
            self._faults.append(fault)

    def fault_for(self, kind: str) -> Fault | None:
        """Return the fault that this call meets, counting it; None for most."""
        with self.lock:
            for fault in self._faults:
                if fault.times > 0 and fnmatchcase(kind, fault.kind):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
            return None

    def log(self, call: Call) -> None:
        """Add a call to the log."""
        with self.lock:
            self.calls.append(call)

    def reset(self) -> None:
        """Forget calls, faults, delays and the advanced clock; the clouds reset themselves."""
        with self.lock:
            self.calls.clear()
            self._faults.clear()
            self._unsettled.clear()
            self._ahead, self._settle_reads, self._settle_seconds, self.latency = timedelta(), 0, 0.0, 0.0

    def breathe(self) -> None:
        """Wait the injected latency of one call."""
        if self.latency:
            time.sleep(self.latency)
