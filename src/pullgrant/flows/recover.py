"""The verb `recover`: finishes or undoes what was interrupted of one reader."""

from __future__ import annotations

from datetime import timedelta

from pullgrant.flows.apply import Applied, apply_locked
from pullgrant.flows.settle import settle_reader
from pullgrant.flows.sweep import sweep
from pullgrant.model import history as past
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports


def recover(reader: Reader, ports: Ports, *, wait: timedelta) -> Applied | None:
    """Settle the open operations of one reader; when one had delivered in part, deliver a new credential to all slots.

    Returns what was applied, None when settling was all. Errors as in `flows.apply`.
    """
    with ports.ledger.exclusive(reader.id, wait=wait):
        settle_reader(reader.id, ports)
        sweep(reader.id, ports)
        history = ports.ledger.history(reader.id)
        if not past.interrupted(history):
            return None
        return apply_locked(Wish(reader=reader, slots=past.slots(history), verb="recover"), ports)
