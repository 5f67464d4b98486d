"""Withdraws retired keys whose grace has ended."""

from __future__ import annotations

from pullgrant.errors import PullgrantError
from pullgrant.model import history as past
from pullgrant.model.operation import Failed, Withdrawn
from pullgrant.ports import Ports


def sweep(reader_id: str, ports: Ports) -> tuple[str, ...]:
    """Withdraw every key of one reader whose grace has ended; return their ids. The caller holds the reader's lock.

    A refusal is noted and reported, and the key is tried again by the next run: it stands in nobody's way.
    """
    gone: list[str] = []
    for one in past.waiting(ports.ledger.history(reader_id)):
        if one.withdraw_after > ports.clock.now():
            continue
        try:
            ports.provider.withdraw(one.key)
        except PullgrantError as error:
            ports.ledger.note(one.operation, Failed(step=f"withdraw {one.key.id}", words=error.message))
            ports.report.step(f"key {one.key.id} could not be withdrawn: {error.message}")
            continue
        ports.ledger.note(one.operation, Withdrawn(key_id=one.key.id))
        ports.report.step(f"key {one.key.id} withdrawn, its grace has ended")
        gone.append(one.key.id)
    return tuple(gone)
