"""Finishes or undoes what was interrupted, by what the journal says and the provider still shows.

no key of this operation              closed as undone
key, nothing begun to be delivered    withdrawn, closed as undone
key, some deliveries begun            superseded: a new key for all slots follows, this one is retired by it
key, all receipts                     closed as current
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pullgrant.flows.finish import finish
from pullgrant.flows.journal import Journal
from pullgrant.flows.remove import remove
from pullgrant.model import history as past
from pullgrant.model.operation import Close, Delivered, Delivering, Issuing, Operation, Withdrawn
from pullgrant.model.reader import Key, Ownership
from pullgrant.ports import Ports

# The time that a call for a key takes at most, with its waits for a new identity to be seen, and what the clocks of a cloud and
# of this machine differ by: with more, clouds refuse the sign-in.
_ABOUT = timedelta(minutes=15)


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
        remove(journal, ports, ports.provider.observe())
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
    elsewhere by its time among those that two listings differ by, and only on an identity that carries our mark: a person may
    have made a key there by hand since.
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
    foreign = past.foreign(ports.ledger.history(operation.intent.reader.id), observed.keys)
    asked = next(noted.at for noted in operation.events if isinstance(noted.event, Issuing))
    made = [key for key in foreign if key.id not in operation.intent.keys_before and _made_about(key, asked)]
    return tuple(sorted(made, key=lambda key: key.created_at or asked)[:1])


def _made_about(key: Key, asked: datetime) -> bool:
    return key.created_at is None or abs(key.created_at - asked) <= _ABOUT
