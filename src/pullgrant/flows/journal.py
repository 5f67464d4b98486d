"""The journal of one run: its open operation, written through to the ledger."""

from __future__ import annotations

from pullgrant.model.operation import Close, Event, Intent, Operation
from pullgrant.ports import Ledger


class Journal:
    """Keeps the latest form of one operation beside its ledger."""

    def __init__(self, ledger: Ledger, operation: Operation) -> None:
        self._ledger = ledger
        self.operation = operation

    @classmethod
    def open(cls, ledger: Ledger, intent: Intent) -> Journal:
        """Write the intent: from here a killed run can be told and recovered."""
        return cls(ledger, ledger.open(intent))

    def note(self, event: Event) -> None:
        """Write an event; it is durable on return."""
        self.operation = self._ledger.note(self.operation, event)

    def close(self, outcome: Close) -> None:
        """End the operation."""
        self.operation = self._ledger.close(self.operation, outcome)
