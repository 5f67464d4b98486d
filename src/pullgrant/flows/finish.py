"""Closes an operation whose every slot holds the new credential, and retires the keys that it supersedes."""

from __future__ import annotations

from pullgrant.flows.journal import Journal
from pullgrant.model import history as past
from pullgrant.model.operation import Close, Retired
from pullgrant.ports import Ports


def finish(journal: Journal, ports: Ports) -> None:
    """Retire the earlier keys of the reader for the end of its grace, then close the operation as current.

    In this order: an operation that is closed has nothing left to retire. What nothing depends on any more is forgotten.
    """
    reader = journal.operation.intent.reader
    after = ports.clock.now() + reader.grace
    for key in past.to_retire(ports.ledger.history(reader.id), journal.operation):
        journal.note(Retired(key=key, withdraw_after=after))
        ports.report.step(f"key {key.id} retired, withdrawn after {after:%Y-%m-%d %H:%M} UTC")
    journal.close(Close.CURRENT)
    over = past.outlived(ports.ledger.history(reader.id), ports.clock.now())
    if over:
        ports.ledger.forget(over)
