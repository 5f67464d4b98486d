"""Finishes or undoes what was interrupted, by what the journal says and the provider still shows.

no key of this operation              closed as undone
key, nothing begun to be delivered    withdrawn, closed as undone
key, some deliveries begun            superseded: a new key for all slots follows, this one is retired by it
key, all receipts                     closed as current
"""

from __future__ import annotations

from pullgrant.flows.finish import finish
from pullgrant.flows.journal import Journal
from pullgrant.flows.remove import remove
from pullgrant.model import history as past
from pullgrant.model.operation import Close, Delivered, Delivering, Issuing, Operation, Withdrawn
from pullgrant.model.reader import Key, Ownership
from pullgrant.ports import Ports


def settle_reader(reader_id: str, ports: Ports) -> None:
    """Settle all open operations of one reader. The caller holds the reader's lock.

    What was delivered in part is closed as superseded; the planner then wants a new credential for all slots. Errors are
    the provider's: the operation then stays open.
    """
    for operation in ports.ledger.history(reader_id):
        if operation.closed is None:
            _settle(operation, ports)


def _settle(operation: Operation, ports: Ports) -> None:
    journal = Journal(ports.ledger, operation)
    if operation.intent.verb == "revoke":
        remove(journal, ports)
        return
    begun = [event.slot for event in operation.of(Delivering)]
    delivered = {event.receipt.slot for event in operation.of(Delivered)}
    if operation.issued and begun and delivered >= set(operation.intent.slots):
        finish(journal, ports)
        ports.report.step(f"recovered: operation {operation.id} had delivered everything")
        return
    if begun:
        journal.close(Close.SUPERSEDED)
        ports.report.step(f"recovered: operation {operation.id} had delivered in part, its key will be replaced")
        return
    for key in _keys_of(operation, ports):
        ports.provider.withdraw(key)
        journal.note(Withdrawn(key_id=key.id))
        ports.report.step(f"recovered: key {key.id} withdrawn, it was never delivered")
    journal.close(Close.UNDONE)


def _keys_of(operation: Operation, ports: Ports) -> tuple[Key, ...]:
    """Return the keys that this operation made and that may still live.

    An operation that died between asking for a key and noting it is told by the key's note where the cloud keeps one;
    elsewhere by the difference of two listings, and only on an identity that carries our mark.
    """
    gone = past.withdrawn(ports.ledger.history(operation.intent.reader.id))
    if operation.issued:
        return (operation.issued.key,) if operation.issued.key.id not in gone else ()
    if not operation.of(Issuing):
        return ()
    observed = ports.provider.observe()
    if ports.provider.can.key_notes:
        return tuple(key for key in observed.keys if key.note == operation.id)
    if observed.ownership is not Ownership.OURS:
        return ()
    known = past.known_keys(ports.ledger.history(operation.intent.reader.id)) | set(operation.intent.keys_before)
    return tuple(key for key in observed.keys if key.id not in known)
