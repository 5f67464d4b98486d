"""Looks at everything a plan needs, at the same time, before the first change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pullgrant.kit.together import together
from pullgrant.model import history as past
from pullgrant.model.credential import Held, Slot
from pullgrant.model.operation import Operation
from pullgrant.model.reader import Observed
from pullgrant.ports import Ledger, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen: the reader, what is wrong with which slot, and the sinks' remarks."""

    observed: Observed
    drift: Mapping[Slot, str]
    remarks: tuple[str, ...]


def look(ports: Ports, slots: Sequence[Slot], history: Sequence[Operation], *, adopt: bool) -> Sight:
    """Observe the reader and preflight every slot at once. Raises the first error in that order; nothing was changed."""
    ours = set(past.slots(history))
    operation = past.current(history)

    def check(slot: Slot) -> tuple[str, tuple[str, ...]]:
        sink = ports.sinks[slot.sink]
        remarks = sink.preflight(slot, ours=slot in ours, adopt=adopt)
        wrong = mismatch(ports.ledger, sink.inspect(slot), operation) if slot in ours else ""
        return wrong, remarks

    observed, *checked = together(ports.provider.observe, *(partial(check, slot) for slot in slots))
    return Sight(
        observed=observed,
        drift={slot: wrong for slot, (wrong, _) in zip(slots, checked, strict=True)},
        remarks=tuple(remark for _, remarks in checked for remark in remarks),
    )


def mismatch(ledger: Ledger, held: Held | None, operation: Operation | None) -> str:
    """Return what is wrong with a slot of ours, as the end of a sentence; empty when nothing can be seen to be wrong."""
    if held is None:
        return "holds no credential any more"
    if held.credential is None or operation is None or operation.issued is None:
        return ""
    same = ledger.fingerprint(held.credential.secret) == operation.issued.fingerprint
    return "" if same else "holds something else than was delivered"
