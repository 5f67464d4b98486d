"""The adapters of the rehearsal stage: each outside call passes the fuse."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from pullgrant.errors import Locked, NotOurs, PolicyForbids, SinkFailed
from pullgrant.model.credential import Credential, Held, Issued, Receipt, Slot
from pullgrant.model.image import Image
from pullgrant.model.operation import Close, Event, Intent, Noted, Operation
from pullgrant.model.proof import Answer, Outcome
from pullgrant.model.reader import Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities
from pullgrant.secret import Secret
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.scene import GRANT, Scene


class StageProvider:
    """A cloud with one identity, many keys, and the refusals that a test asks for."""

    def __init__(self, stage: Scene, fuse: Fuse, reader: Reader) -> None:
        self._stage, self._fuse, self._reader = stage, fuse, reader

    @property
    def can(self) -> Capabilities:
        return Capabilities(key_notes=self._stage.key_notes, max_ttl=self._stage.ttl, settles_in=timedelta(minutes=1))

    def observe(self) -> Observed:
        return self._fuse.around("provider.observe", self._observe)  # type: ignore[no-any-return]

    def _observe(self) -> Observed:
        stage = self._stage
        if not stage.owner:
            ownership = Ownership.ABSENT
        elif stage.owner == stage.ledger_id:
            ownership = Ownership.OURS
        else:
            ownership = Ownership.UNMARKED
        forbidden = PolicyForbids("keys are forbidden", hint="--credential access-token") if stage.keys_forbidden else None
        return Observed(
            ownership=ownership,
            identity=Identity(id=self._reader.name) if stage.owner else None,
            grant=GRANT,
            granted=stage.granted,
            keys=tuple(stage.keys.values()),
            cannot_issue=forbidden,
        )

    def images(self) -> Images:
        if self._stage.empty:
            return Images(why="nothing was pushed yet")
        host = self._reader.host
        return Images(inside=Image(host=host, repository="app"), outside=Image(host=host, repository="private"))

    def ensure(self, *, adopt: bool) -> Identity:
        return self._fuse.around("provider.ensure", lambda: self._ensure(adopt=adopt))  # type: ignore[no-any-return]

    def _ensure(self, *, adopt: bool) -> Identity:
        if self._stage.owner not in ("", self._stage.ledger_id) and not adopt:
            raise NotOurs("foreign")
        self._stage.owner = self._stage.ledger_id
        return Identity(id=self._reader.name)

    def grant(self, identity: Identity) -> None:
        def effect() -> None:
            self._stage.granted = True

        self._fuse.around("provider.grant", effect)

    def issue(self, identity: Identity, *, note: str) -> Issued:
        return self._fuse.around("provider.issue", lambda: self._issue(note))  # type: ignore[no-any-return]

    def _issue(self, note: str) -> Issued:
        stage = self._stage
        if stage.keys_refused:
            raise PolicyForbids("no more keys")
        stage.made += 1
        key_id, now = f"key-{stage.made}", stage.clock.now()
        ends = now + stage.ttl if stage.ttl else None
        key = Key(id=key_id, created_at=now, expires_at=ends, note=note if stage.key_notes else "", revocable=ends is None)
        stage.secrets[key_id] = f"secret-of-{key_id}"
        if ends is None:
            stage.keys[key_id] = key
        secret = Secret(stage.secrets[key_id])
        return Issued(key=key, credential=Credential(server=self._reader.host, username="u", secret=secret, expires_at=ends))

    def withdraw(self, key: Key) -> None:
        self._fuse.around("provider.withdraw", lambda: self._stage.keys.pop(key.id, None))

    def remove(self, identity: Identity) -> None:
        def effect() -> None:
            self._stage.owner, self._stage.granted = "", False
            self._stage.keys.clear()

        self._fuse.around("provider.remove", effect)


class StageSink:
    """A platform that keeps one credential a slot and can be broken by target."""

    def __init__(self, stage: Scene, fuse: Fuse) -> None:
        self._stage, self._fuse = stage, fuse

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        if slot in self._stage.slots and not ours and not adopt:
            raise NotOurs(f"{slot} holds something")
        return ()

    def inspect(self, slot: Slot) -> Held | None:
        held = self._stage.slots.get(slot)
        shown = held if self._stage.readable else None
        return Held(reference=str(slot), username=held.username, credential=shown) if held else None

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        return self._fuse.around(f"sink.deliver {slot}", lambda: self._deliver(slot, credential))  # type: ignore[no-any-return]

    def _deliver(self, slot: Slot, credential: Credential) -> Receipt:
        if slot.sink in self._stage.broken_sinks:
            raise SinkFailed(f"{slot} is down")
        self._stage.slots[slot] = credential
        return Receipt(slot=slot, reference=str(slot))

    def withdraw(self, slot: Slot) -> None:
        self._fuse.around(f"sink.withdraw {slot}", lambda: self._stage.slots.pop(slot, None))


class StageProbe:
    """A registry that asks the stage who may do what."""

    def __init__(self, stage: Scene, fuse: Fuse) -> None:
        self._stage, self._fuse = stage, fuse

    def pull(self, image: Image, credential: Credential | None) -> Outcome:
        return self._fuse.around("probe.pull", lambda: self._answer(self._may_pull(image, credential)))  # type: ignore[no-any-return]

    def push(self, image: Image, credential: Credential) -> Outcome:
        allowed = self._stage.signs_in(credential) and "push" in self._stage.rights
        return self._fuse.around("probe.push", lambda: self._answer(allowed))  # type: ignore[no-any-return]

    def _may_pull(self, image: Image, credential: Credential | None) -> bool:
        if self._stage.public:
            return True
        if credential is None or not self._stage.signs_in(credential) or not self._stage.granted:
            return False
        if self._stage.settles_after > 0:
            self._stage.settles_after -= 1
            return False
        return "pull" in self._stage.rights and (image.repository == "app" or self._stage.outside)

    @staticmethod
    def _answer(allowed: bool) -> Outcome:
        return Outcome(answer=Answer.ALLOWED) if allowed else Outcome(answer=Answer.DENIED, words="DENIED")


class StageLedger:
    """A ledger in memory: every write is an outside call that the fuse sees."""

    def __init__(self, stage: Scene, fuse: Fuse) -> None:
        self._stage, self._fuse = stage, fuse

    @property
    def id(self) -> str:
        return self._stage.ledger_id

    def open(self, intent: Intent) -> Operation:
        return self._fuse.around("ledger.open", lambda: self._open(intent))  # type: ignore[no-any-return]

    def _open(self, intent: Intent) -> Operation:
        self._stage.opened += 1
        operation = Operation(id=f"op-{self._stage.opened}", opened_at=self._stage.clock.now(), intent=intent)
        return self._put(operation)

    def note(self, operation: Operation, event: Event) -> Operation:
        noted = Noted(at=self._stage.clock.now(), event=event)
        name = f"ledger.note {type(event).__name__}"

        def effect() -> Operation:
            stored = self._stage.operations[operation.id]
            return self._put(replace(stored, events=(*stored.events, noted)))

        return self._fuse.around(name, effect)  # type: ignore[no-any-return]

    def close(self, operation: Operation, outcome: Close) -> Operation:
        def effect() -> Operation:
            stored = self._stage.operations[operation.id]
            return self._put(replace(stored, closed=outcome, closed_at=self._stage.clock.now()))

        return self._fuse.around(f"ledger.close {outcome}", effect)  # type: ignore[no-any-return]

    def forget(self, over: Sequence[Operation]) -> None:
        def effect() -> None:
            for one in over:
                self._stage.operations.pop(one.id, None)

        self._fuse.around("ledger.forget", effect)

    def _put(self, operation: Operation) -> Operation:
        self._stage.operations[operation.id] = operation
        return operation

    def unfinished(self) -> tuple[Operation, ...]:
        return tuple(one for one in self._stage.operations.values() if one.closed is None)

    def history(self, reader_id: str) -> tuple[Operation, ...]:
        return tuple(one for one in self._stage.operations.values() if one.intent.reader.id == reader_id)

    def readers(self) -> tuple[Reader, ...]:
        found: dict[str, Reader] = {}
        for one in self._stage.operations.values():
            if one.closed is Close.REVOKED:
                found.pop(one.intent.reader.id, None)
            elif one.closed is Close.CURRENT:
                found[one.intent.reader.id] = one.intent.reader
        return tuple(found.values())

    @contextmanager
    def exclusive(self, reader_id: str, *, wait: timedelta) -> Iterator[None]:
        """Hold the lock; a Killed actor's lock is gone with it, as the operating system's would be."""
        if reader_id in self._stage.locked:
            raise Locked(f"{reader_id} is held")
        self._stage.locked.add(reader_id)
        try:
            yield
        finally:
            self._stage.locked.discard(reader_id)

    def fingerprint(self, secret: Secret) -> str:
        return hmac.new(b"stage", hashlib.sha256(secret.reveal().encode()).digest(), "sha256").hexdigest()[:16]
