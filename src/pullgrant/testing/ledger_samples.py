"""Values for the contract of ledgers: one event of every kind, readers, intents, and a clock that stands still."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from pullgrant.model.credential import Receipt, Slot
from pullgrant.model.operation import (
    Delivered,
    Delivering,
    Emptied,
    Ensured,
    Event,
    Failed,
    Intent,
    Issuing,
    KeyIssued,
    Proved,
    Retired,
    Withdrawn,
)
from pullgrant.model.proof import Answer, Outcome, Proof, Verdict
from pullgrant.model.reader import Grant, Identity, Key, Reader

NOON = datetime(2030, 1, 2, 12, 0, 0, 345678, tzinfo=UTC)
DIFFICULT = "quote ' \" \\ percent %s {x} nul \x00 newline \n tab \t ünïcode 漢字 \U0001f511 \u2028"
SLOT = Slot(sink="akka", server="gcr.io", target=DIFFICULT, name="pull-secret")
KEY = Key(id="key-1", created_at=NOON, expires_at=NOON + timedelta(days=90), note="0123456789abcdef", enabled=False)
PROOF = Proof(
    verdict=Verdict.FAILED,
    at=NOON,
    image="gcr.io/p/app@sha256:00",
    pull=Outcome(answer=Answer.ALLOWED, words="200"),
    push=Outcome(answer=Answer.UNKNOWN, words=DIFFICULT),
    why=DIFFICULT,
)
SAMPLES: tuple[Event, ...] = (
    Ensured(identity=Identity(id="r@p.iam", label=DIFFICULT), grant=Grant(role="roles/reader", resource="p")),
    Issuing(),
    KeyIssued(key=KEY, fingerprint="00ff00ff00ff00ff", expires_at=NOON),
    KeyIssued(key=Key(id="", revocable=False), fingerprint=""),
    Proved(proof=PROOF),
    Delivering(slot=SLOT),
    Delivered(receipt=Receipt(slot=SLOT, reference=DIFFICULT, remarks=("restart the service", ""))),
    Retired(key=KEY, withdraw_after=NOON + timedelta(hours=1)),
    Withdrawn(key_id="key-1"),
    Emptied(slot=SLOT),
    Failed(step="deliver", words=DIFFICULT),
)


class StillClock:
    """A clock that moves only when somebody sleeps, and then at once; safe for threads."""

    def __init__(self) -> None:
        self._slept, self._changing = 0.0, threading.Lock()

    def now(self) -> datetime:
        """Return noon plus all sleep."""
        return NOON + timedelta(seconds=self._slept)

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self._slept

    def sleep(self, seconds: float) -> None:
        """Count the seconds; do not wait."""
        with self._changing:
            self._slept += seconds


def reader(name: str = "docker-reader", **changes: Any) -> Reader:
    """Return a reader of the provider `gcp`."""
    return Reader(provider="gcp", account="p", name=name, host="gcr.io", **changes)


def intent(name: str = "docker-reader", verb: str = "apply", **changes: Any) -> Intent:
    """Return an intent on such a reader; `changes` are of the reader."""
    return Intent(verb=verb, reader=reader(name, **changes), slots=(SLOT,), keys_before=("a", "b"), adopt=True)
