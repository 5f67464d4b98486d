"""One slot at a time: what it holds, and taking it from its reader while the reader stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pullgrant.errors import NotFound, UsageError
from pullgrant.flows.look import mismatch
from pullgrant.model import history as past
from pullgrant.model.credential import Held, Slot
from pullgrant.model.operation import Delivering, Emptied
from pullgrant.ports import Ledger, Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a slot holds, None for nothing. `finding` is the end of a sentence, empty when nothing is seen to be wrong."""

    slot: Slot
    held: Held | None
    finding: str = ""


def inspect(reader_id: str, slot: Slot, ledger: Ledger, sink: Sink) -> Seen:
    """Look into a slot; for one of a reader compare it with what was delivered. `reader_id` is empty for a foreign slot."""
    held = sink.inspect(slot)
    if not reader_id:
        return Seen(slot=slot, held=held)
    operation = past.current(ledger.history(reader_id))
    return Seen(slot=slot, held=held, finding=mismatch(ledger, held, operation))


def remove(reader_id: str, slot: Slot, ledger: Ledger, sink: Sink, *, wait: timedelta) -> tuple[Slot, ...]:
    """Take our entry out of one slot, note that, and return the slots that the reader still has. May be repeated.

    The credential stays valid in the others; a later renewal leaves this slot out. Raises NotFound when the reader has no
    such slot, UsageError while an operation of it is open, Locked, and the sink's errors.
    """
    with ledger.exclusive(reader_id, wait=wait):
        history = ledger.history(reader_id)
        if any(operation.closed is None for operation in history):
            raise UsageError(f"{reader_id} has an operation that is not ended", hint="First: pullgrant recover")
        if slot not in past.slots(history):
            raise NotFound(f"{reader_id} has no slot {slot}", hint="See: pullgrant status")
        sink.withdraw(slot)
        last = [one for one in history if any(event.slot == slot for event in one.of(Delivering))][-1]
        ledger.note(last, Emptied(slot=slot))
        return past.slots(ledger.history(reader_id))
