"""The axes on which adapters stand. A flow knows nothing else of the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pullgrant.model.credential import Credential, Held, Issued, Receipt, Slot
from pullgrant.model.image import Image
from pullgrant.model.operation import Close, Event, Intent, Operation
from pullgrant.model.proof import Outcome
from pullgrant.model.reader import Identity, Images, Key, Observed, Reader
from pullgrant.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider can and cannot do: data for the planner and the proof, never a method that raises.

    `max_keys` counts the live keys of one identity (None: its credentials are made without a key, or no limit is known).
    `key_notes`: the cloud stores our operation id with a key. `unique_keys`: a key's secret can be told from its
    predecessors, false where there is one secret per identity. `narrows`: a repository outside the scope can be refused.
    `push_question` is how a refusal of push is shown: by the token service (`token`), by starting and cancelling an upload
    (`upload`), or not at all (`none`). `max_ttl` is the longest life of a credential that always expires. `settles_in` is
    the budget for propagation, and `confirmations` how many pulls in a row must succeed once a refusal has been seen.
    `beside` names the options of a reader that its credential does not depend on: where its registry is found, how the
    operator signs in, what is proven with.
    """

    creates_identity: bool = True
    key_notes: bool = False
    narrows: bool = True
    max_keys: int | None = None
    max_ttl: timedelta | None = None
    push_question: Literal["token", "upload", "none"] = "token"
    settles_in: timedelta = timedelta(minutes=8)
    confirmations: int = 2
    beside: frozenset[str] = frozenset({"image"})


class Provider(Protocol):
    """Makes and unmakes one reader at its cloud. Built for one Reader; every method but `issue` may be repeated.

    Errors of all methods: NotSignedIn, PermissionDenied, PolicyForbids, QuotaReached, NotFound, NotOurs, Unavailable and
    its children. A changing call whose answer was lost raises OutcomeUnknown unless the adapter found out what it did.
    """

    @property
    def can(self) -> Capabilities:
        """What this provider can do for this reader."""

    def observe(self) -> Observed:
        """Look, change nothing: the identity, its grant, its keys, and what would stand in the way."""

    def images(self) -> Images:
        """Find an existing image inside the scope and one outside it; change nothing."""

    def ensure(self, *, adopt: bool) -> Identity:
        """Create the identity, or find it and check that it is ours; with `adopt` put our mark on a foreign one.

        Raises NotOurs for an identity that does not carry our ledger's mark, unless `adopt`.
        """

    def grant(self, identity: Identity) -> None:
        """Give the identity exactly the wanted permission, and take from it what it has beyond on this registry."""

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """Make a NEW key and return it with its secret. `note` is the operation's id. Never retried blindly."""

    def withdraw(self, key: Key) -> None:
        """Delete one key. Absent is done; refused is not. A key that is not revocable needs nothing."""

    def remove(self, identity: Identity) -> None:
        """Take back the grant, the keys and the identity. Absent is done. Raises NotOurs for what is not ours."""


class Sink(Protocol):
    """A platform that takes credentials. All methods may be repeated.

    Errors: SinkFailed for anything the platform says or does, UsageError for a slot that cannot be right, MissingExtra,
    NotSignedIn, NotOurs for an entry that is not ours and was not asked to be adopted.
    """

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """Check, changing nothing, that a delivery can succeed; return remarks for the user.

        `ours`: the ledger knows this slot. Raises NotOurs when the slot holds a foreign entry, unless `adopt`.
        """

    def inspect(self, slot: Slot) -> Held | None:
        """Return what the slot holds, None when it holds nothing. Never raises because of absence."""

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """Put the credential into the slot, in place, keeping everything that is not ours."""

    def withdraw(self, slot: Slot) -> None:
        """Take our entry out of the slot. Absent is done."""


class RegistryProbe(Protocol):
    """Asks the live registry; uploads nothing. `credential` None asks anonymously.

    Never raises for an answer of the registry: a network failure, a throttle or a surprise is Answer.UNKNOWN with words.
    """

    def pull(self, image: Image, credential: Credential | None) -> Outcome:
        """Ask whether this image can be pulled: manifest by HEAD, with a token for exactly that."""

    def push(self, image: Image, credential: Credential) -> Outcome:
        """Ask whether the repository of an image that was just pulled could be pushed to."""


class Ledger(Protocol):
    """The journal. Holds no secret. Notes are durable when the call returns."""

    @property
    def id(self) -> str:
        """The random name of this ledger, which the identities that it made carry as their mark."""

    def open(self, intent: Intent) -> Operation:
        """Start an operation: the first thing written, before the first remote call that changes something."""

    def note(self, operation: Operation, event: Event) -> Operation:
        """Add an event, to a closed operation too (a withdrawal after its grace); return the operation with it."""

    def close(self, operation: Operation, outcome: Close) -> Operation:
        """End an operation."""

    def forget(self, over: Sequence[Operation]) -> None:
        """Take closed operations with their events out of the journal. Absent is done; an open one stays."""

    def unfinished(self) -> tuple[Operation, ...]:
        """Return all open operations, oldest first."""

    def history(self, reader_id: str) -> tuple[Operation, ...]:
        """Return all operations of one reader, oldest first."""

    def readers(self) -> tuple[Reader, ...]:
        """Return the last asked-for form of every reader that was not revoked, by id."""

    def exclusive(self, reader_id: str, *, wait: timedelta) -> AbstractContextManager[None]:
        """Hold the lock of one reader. It dies with the process. Raises Locked when another run holds it past `wait`."""

    def fingerprint(self, secret: Secret) -> str:
        """Return the secret's fingerprint under this ledger's own key."""


class Clock(Protocol):
    """Time from outside: `now` is aware UTC; `monotonic` and `sleep` are in seconds."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never steps."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Report(Protocol):
    """Where progress goes while a flow works. Never gets a secret."""

    def step(self, words: str) -> None:
        """Say what was just done."""

    def waiting(self, words: str) -> None:
        """Say what is being waited for, and why; may be said many times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All that a flow on one reader works with; `sinks` is by sink name."""

    provider: Provider
    sinks: Mapping[str, Sink]
    probe: RegistryProbe
    ledger: Ledger
    clock: Clock
    report: Report
