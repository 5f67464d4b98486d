"""Delivers one credential to all slots at the same time, each noted before and after."""

from __future__ import annotations

from collections.abc import Sequence

from pullgrant.errors import PullgrantError, SinkFailed
from pullgrant.flows.journal import Journal
from pullgrant.kit.together import all_of
from pullgrant.model.credential import Credential, Receipt, Slot
from pullgrant.model.operation import Delivered, Delivering, Failed
from pullgrant.ports import Ports


def deliver(journal: Journal, ports: Ports, slots: Sequence[Slot], credential: Credential) -> tuple[Receipt, ...]:
    """Return the receipts of all slots.

    Raises SinkFailed when one failed: the others hold the credential, and the operation stays open. The `Delivering` notes
    are the point of no return and are all written first.
    """
    for slot in slots:
        journal.note(Delivering(slot=slot))
    results = all_of(lambda slot: _one(ports, slot, credential), slots)
    failures: list[PullgrantError] = []
    for slot, result in zip(slots, results, strict=True):
        if isinstance(result, Receipt):
            journal.note(Delivered(receipt=result))
            ports.report.step(f"delivered to {slot}")
        else:
            journal.note(Failed(step=f"deliver {slot}", words=result.message))
            failures.append(result)
    if failures:
        rest = f" ({len(failures)} of {len(slots)} slots)" if len(slots) > 1 else ""
        raise SinkFailed(f"{failures[0].message}{rest}", hint=failures[0].hint or "Mend it, then: pullgrant recover")
    return tuple(result for result in results if isinstance(result, Receipt))


def _one(ports: Ports, slot: Slot, credential: Credential) -> Receipt | PullgrantError:
    try:
        return ports.sinks[slot.sink].deliver(slot, credential)
    except PullgrantError as error:
        return error
