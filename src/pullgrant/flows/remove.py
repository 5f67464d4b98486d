"""Takes back everything of one reader: first its power at the cloud, then its entries in the platforms."""

from __future__ import annotations

from pullgrant.errors import PullgrantError, SinkFailed
from pullgrant.flows.journal import Journal
from pullgrant.model import history as past
from pullgrant.model.operation import Close, Emptied, Failed, Withdrawn
from pullgrant.model.reader import Observed, Ownership
from pullgrant.ports import Ports


def remove(journal: Journal, ports: Ports, observed: Observed) -> None:
    """Remove the identity that was observed with its grant and keys, then empty its slots, then close as revoked.

    May be repeated. The cloud comes first: whatever a platform then says, nothing of ours can pull any more. Raises SinkFailed
    when a platform kept an entry; the operation stays open and the next run goes on.
    """
    history = ports.ledger.history(journal.operation.intent.reader.id)
    if observed.identity is not None and observed.ownership is Ownership.OURS:
        ports.provider.remove(observed.identity)
        made = ports.provider.can.creates_identity
        done = (
            "removed, with its grant and its keys" if made else "stays: it was given, not made, and is ended where it lives"
        )
        ports.report.step(f"reader {observed.identity.id} {done}")
    for key_id in sorted(past.known_keys(history) - past.withdrawn(history)):
        journal.note(Withdrawn(key_id=key_id))
    failures: list[PullgrantError] = []
    for slot in past.slots(history):
        try:
            ports.sinks[slot.sink].withdraw(slot)
        except PullgrantError as error:
            journal.note(Failed(step=f"empty {slot}", words=error.message))
            failures.append(error)
        else:
            journal.note(Emptied(slot=slot))
            ports.report.step(f"{slot} emptied")
    if failures:
        raise SinkFailed(failures[0].message, hint=failures[0].hint or "Mend it, then: pullgrant recover")
    journal.close(Close.REVOKED)
