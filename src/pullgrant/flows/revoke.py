"""Revokes a reader: nothing of ours is left, in the cloud or in a platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pullgrant.errors import NotOurs
from pullgrant.flows.journal import Journal
from pullgrant.flows.remove import remove
from pullgrant.flows.settle import settle_reader
from pullgrant.model import history as past
from pullgrant.model.credential import Slot
from pullgrant.model.operation import Intent, Operation
from pullgrant.model.reader import Observed, Ownership, Reader
from pullgrant.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What was taken back. `dies_at` is set for a token that nothing can revoke: until then it may still pull."""

    reader: Reader
    keys: tuple[str, ...]
    slots: tuple[Slot, ...]
    dies_at: datetime | None = None


def revoke(reader: Reader, ports: Ports, *, wait: timedelta, all_keys: bool = False) -> Revoked:
    """Take back all of one reader. Repeating it is harmless.

    Raises NotOurs, before the first change, for an identity with a living key that this ledger did not make, unless `all_keys`:
    that key would end with the identity. Other errors as in `flows.remove`, and Locked.
    """
    with ports.ledger.exclusive(reader.id, wait=wait):
        settle_reader(reader.id, ports)
        history = ports.ledger.history(reader.id)
        slots = past.slots(history)
        keys = tuple(sorted(past.known_keys(history) - past.withdrawn(history)))
        observed = ports.provider.observe()
        if observed.ownership is Ownership.OURS and not all_keys:
            _only_ours(reader, observed, history, ports.clock.now())
        remove(Journal.open(ports.ledger, Intent(verb="revoke", reader=reader, slots=slots)), ports, observed)
        return Revoked(reader=reader, keys=keys, slots=slots, dies_at=_dies_at(history, ports.clock.now()))


def _only_ours(reader: Reader, observed: Observed, history: tuple[Operation, ...], now: datetime) -> None:
    living = (key for key in observed.keys if key.enabled and (key.expires_at is None or key.expires_at > now))
    others = [key.id for key in past.foreign(history, tuple(living))]
    if others:
        raise NotOurs(
            f"{reader.id} has {len(others)} key(s) that this ledger did not make and that would end with it: {', '.join(others)}",
            hint="Delete them first, or end them with the reader: --all-keys",
        )


def _dies_at(history: tuple[Operation, ...], now: datetime) -> datetime | None:
    ends = [
        operation.issued.expires_at
        for operation in history
        if operation.issued and not operation.issued.key.revocable and operation.issued.expires_at
    ]
    return max((end for end in ends if end > now), default=None)
