"""Looks at everything a plan needs, at the same time, before the first change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pullgrant.errors import NotOurs
from pullgrant.kit.together import together
from pullgrant.model import history as past
from pullgrant.model.credential import Held, Slot
from pullgrant.model.operation import Operation
from pullgrant.model.reader import Observed, Reader
from pullgrant.ports import Ledger, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen: the reader, what is wrong with which slot, and the sinks' remarks."""

    observed: Observed
    drift: Mapping[Slot, str]
    remarks: tuple[str, ...]


def look(ports: Ports, reader: Reader, slots: Sequence[Slot], history: Sequence[Operation], *, adopt: bool) -> Sight:
    """Observe the reader and preflight every slot at once. Raises the first error in that order; nothing was changed.

    NotOurs, `adopt` or not, for an entry of another reader of this ledger: the two would take it from each other with every
    renewal, and the end of one would be the end of both.
    """
    ours = set(past.slots(history))
    operation = past.current(history)
    others = _held_by_others(ports.ledger, reader, {*slots} - ours)

    def check(slot: Slot) -> tuple[str, tuple[str, ...]]:
        sink = ports.sinks[slot.sink]
        try:
            remarks = sink.preflight(slot, ours=slot in ours, adopt=adopt and slot not in others)
        except NotOurs as error:
            raise (_serves(others[slot], slot) if slot in others else error) from None
        wrong = mismatch(ports.ledger, sink.inspect(slot), operation) if slot in ours else ""
        return wrong, remarks

    observed, *checked = together(ports.provider.observe, *(partial(check, slot) for slot in slots))
    return Sight(
        observed=observed,
        drift={slot: wrong for slot, (wrong, _) in zip(slots, checked, strict=True)},
        remarks=tuple(remark for _, remarks in checked for remark in remarks),
    )


def _held_by_others(ledger: Ledger, reader: Reader, slots: set[Slot]) -> dict[Slot, str]:
    """Return which other reader each of these slots was delivered for, where there is one."""
    if not slots:
        return {}
    known = (*ledger.readers(), *(one.intent.reader for one in ledger.unfinished()))
    others = {one.id for one in known if one.host == reader.host and one.id != reader.id}
    return {slot: other for other in sorted(others) for slot in past.slots(ledger.history(other)) if slot in slots}


def _serves(other: str, slot: Slot) -> NotOurs:
    return NotOurs(
        f"{slot} already holds the credential of {other} for {slot.server}, and an entry serves one reader",
        hint=f"Let one reader reach both, choose another sink, or first: pullgrant sinks.remove {slot}",
    )


def mismatch(ledger: Ledger, held: Held | None, operation: Operation | None) -> str:
    """Return what is wrong with a slot of ours, as the end of a sentence; empty when nothing can be seen to be wrong."""
    if held is None:
        return "holds no credential any more"
    if held.credential is None or operation is None or operation.issued is None:
        return ""
    same = ledger.fingerprint(held.credential.secret) == operation.issued.fingerprint
    return "" if same else "holds something else than was delivered"
