"""`sinks.*`: what can take a credential here, what a slot holds, and taking it out of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from invoke import Collection

from pullgrant import catalog
from pullgrant.cli.options import OUTPUT, WAIT, Opt, duration
from pullgrant.cli.readers import confirm
from pullgrant.cli.session import open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import NotFound, PullgrantError, UsageError
from pullgrant.flows.slots import Seen
from pullgrant.model import history as past
from pullgrant.model.credential import Slot
from pullgrant.ports import Ledger

SLOT = Opt(name="slot", positional=True, help="The slot as `status` shows it, NAME[:TARGET].")
REGISTRY = Opt(
    name="registry", help="Registry host, for a slot that the ledger does not know or that several readers share."
)
READER = Opt(name="reader", help="Reader of the slot, by name or by id, where several share it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A slot with its reader's id, empty for a slot that the ledger does not know."""

    slot: Slot
    reader_id: str = ""


@verb(*OUTPUT, name="list", default=True)
def list_(given: Given) -> None:
    """Show every sink: whether it can be used here, and what is missing for it."""
    from pullgrant.cli.render import emit
    from pullgrant.kit.together import all_of

    found = all_of(_readiness, tuple(catalog.SINKS))
    width = max(len(one["sink"]) for one in found)
    lines = [f"{one['sink']:{width}}  {'yes' if one['usable'] else 'no '}  {_told(one)}".rstrip() for one in found]
    emit({"sinks": list(found)}, lines, as_json=given.json)


def _readiness(name: str) -> dict[str, Any]:
    try:
        return {"sink": name, "usable": True, "words": catalog.check_sink(name), "hint": ""}
    except PullgrantError as error:
        return {"sink": name, "usable": False, "words": error.message, "hint": error.hint}


def _told(one: dict[str, Any]) -> str:
    return f"{one['words']}. {one['hint']}" if one["hint"] else str(one["words"])


@verb(SLOT, REGISTRY, READER, *OUTPUT)
def inspect(given: Given) -> None:
    """Show what a slot holds, and whether that is what was delivered; never a secret."""
    from pullgrant.cli.render import emit
    from pullgrant.flows.slots import inspect as flow

    with open_catalog(given) as opened:
        owned = _owned(opened.ledger, given) or [Owned(slot=_foreign(given))]
        seen = [(one.reader_id, flow(one.reader_id, one.slot, opened.ledger, opened.sink(one.slot.sink))) for one in owned]
    documents = [_seen_document(reader_id, one) for reader_id, one in seen]
    emit({"slots": documents}, [_seen_line(one) for one in documents], as_json=given.json)


def _seen_document(reader_id: str, seen: Seen) -> dict[str, Any]:
    held = seen.held
    return {
        "slot": str(seen.slot),
        "registry": seen.slot.server,
        "reader_id": reader_id or None,
        "holds": held is not None,
        "reference": held.reference if held else None,
        "username": (held.username if held else "") or None,
        "readable": bool(held and held.credential),
        "words": (held.words if held else "") or None,
        "finding": seen.finding or None,
    }


def _seen_line(one: dict[str, Any]) -> str:
    whose = one["reader_id"] or "no reader of this ledger"
    holds = f"{one['reference']}, user {one['username'] or 'not told'}" if one["holds"] else "nothing"
    words = [word for word in (one["words"], one["finding"]) if word]
    if not words and one["reader_id"]:
        words = ["as delivered" if one["readable"] else "the platform does not show its secret"]
    return f"{one['slot']} ({whose}, {one['registry']}) holds {holds}{': ' if words else ''}{'; '.join(words)}"


@verb(SLOT, REGISTRY, READER, Opt(name="yes", default=False, help="Do not ask."), WAIT, *OUTPUT)
def remove(given: Given) -> None:
    """Take the credential out of one slot of a reader; the reader and its other slots stay."""
    from pullgrant.cli.render import emit
    from pullgrant.flows.slots import remove as flow

    with open_catalog(given) as opened:
        owned = _owned(opened.ledger, given)
        if not owned:
            raise NotFound(f"no reader of this ledger has the slot {given.slot}", hint="See: pullgrant status")
        if len(owned) > 1:
            names = ", ".join(f"{one.reader_id} ({one.slot.server})" for one in owned)
            raise UsageError(f"several readers have the slot {given.slot}: {names}", hint="Name one with --reader.")
        (one,) = owned
        confirm(f"Take the credential of {one.reader_id} out of {one.slot}? What pulls from there stops.", yes=given.yes)
        sink = opened.sink(one.slot.sink)
        left = flow(one.reader_id, one.slot, opened.ledger, sink, wait=duration("wait", given.wait))
    rest = f"left: {', '.join(map(str, left))}" if left else f"it was the last: pullgrant revoke --reader {one.reader_id}"
    emit(
        {"slot": str(one.slot), "reader_id": one.reader_id, "left": [str(slot) for slot in left]},
        [f"{one.slot} no longer holds the credential of {one.reader_id}; {rest}"],
        as_json=given.json,
    )


def _owned(ledger: Ledger, given: Given) -> Sequence[Owned]:
    """Return the slots of readers that are meant: by the text that `status` shows, or by one that comes to the same."""
    found = []
    for reader in ledger.readers():
        if given.reader in (None, reader.name, reader.id) and given.registry in (None, reader.host):
            slots = past.slots(ledger.history(reader.id))
            found += [Owned(slot=slot, reader_id=reader.id) for slot in slots if _is_meant(slot, given.slot)]
    return found


def _is_meant(slot: Slot, text: str) -> bool:
    if text == str(slot):
        return True
    if text.partition(":")[0] != slot.sink:
        return False
    asked = catalog.slot(text, server=slot.server)
    return asked.target == slot.target


def _foreign(given: Given) -> Slot:
    if not given.registry:
        raise UsageError(
            f"no reader of this ledger has the slot {given.slot}", hint="To look all the same, name its --registry HOST."
        )
    return catalog.slot(given.slot, server=given.registry)


def collection() -> Collection:
    """Return the collection `sinks`."""
    found = Collection("sinks")
    for one in (list_, inspect, remove):
        found.add_task(one)
    return found
