"""Decides what one run does. Pure: it is given what is wanted, seen and known, and the time, and returns a Plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pullgrant.errors import NotOurs, PullgrantError, UsageError
from pullgrant.model import history as past
from pullgrant.model.credential import Slot
from pullgrant.model.operation import Operation
from pullgrant.model.plan import Action, Plan, Step
from pullgrant.model.reader import Observed, Ownership, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked one run for. `because` forces a new credential and says why."""

    reader: Reader
    slots: tuple[Slot, ...]
    verb: str = "bootstrap"
    adopt: bool = False
    because: str = ""


def plan(
    wish: Wish,
    observed: Observed,
    history: Sequence[Operation],
    drift: Mapping[Slot, str],
    now: datetime,
    *,
    remarks: Sequence[str] = (),
    beside: frozenset[str] = frozenset(),
) -> Plan:
    """Return the plan of one run: nothing to do, or a new proven credential for all slots of the reader.

    `drift` says of a slot what is wrong with what it holds, `remarks` are sentences of the sinks for the user, `beside` names
    the options that a credential does not depend on.
    A ledger keeps no secrets, so that any change that needs a credential in one slot means a new one for all of them; the
    old key stays valid for its grace.
    """
    slots = tuple(dict.fromkeys((*past.slots(history), *wish.slots)))
    why = _why(wish, observed, history, slots, drift, now, beside)
    told = (*_remarks(observed, history), *remarks)
    if observed.public and not wish.reader.unproven:
        why, rest = "", f"{observed.grant.resource} is public: anybody may pull from it, so no credential is needed"
    else:
        rest = "all is as wanted"
    if not why:
        return Plan(reader=wish.reader, slots=slots, steps=(), why=rest, remarks=told)
    return Plan(
        reader=wish.reader,
        slots=slots,
        steps=_steps(wish, observed, history, slots),
        why=why,
        remarks=told,
        refusal=_refusal(wish, observed, history),
    )


def _why(
    wish: Wish,
    observed: Observed,
    history: Sequence[Operation],
    slots: Sequence[Slot],
    drift: Mapping[Slot, str],
    now: datetime,
    beside: frozenset[str],
) -> str:
    """Return the first reason for a new credential, empty when there is none."""
    if wish.because:
        return wish.because
    operation = past.current(history)
    if observed.identity is None or operation is None or operation.issued is None:
        return "there is no reader yet" if observed.identity is None else "this reader has no credential of ours yet"
    if _asked(operation.intent.reader, beside) != _asked(wish.reader, beside):
        return "its scope or its kind of credential was changed"
    if past.interrupted(history):
        return "an interrupted delivery is to be completed"
    if not observed.granted or observed.excess:
        return "its permission is not as wanted"
    lost = _lost(observed, operation)
    if lost:
        return lost
    due = past.renew_at(wish.reader, operation)
    if due is not None and due <= now:
        return "its credential is due for renewal"
    return _of_the_slots(set(past.slots(history)), slots, drift)


def _of_the_slots(delivered: set[Slot], slots: Sequence[Slot], drift: Mapping[Slot, str]) -> str:
    for slot in slots:
        if slot not in delivered:
            return f"{slot} does not hold its credential yet"
        if drift.get(slot):
            return f"{slot} {drift[slot]}"
    return ""


def _asked(reader: Reader, beside: frozenset[str]) -> tuple[object, ...]:
    """Return what a credential depends on."""
    options = {name: value for name, value in reader.options.items() if name not in beside}
    return reader.host, reader.repositories, sorted(options.items(), key=lambda item: item[0])


def _lost(observed: Observed, operation: Operation) -> str:
    issued = operation.issued
    if issued is None or not issued.key.revocable:
        return ""
    key = next((key for key in observed.keys if key.id == issued.key.id), None)
    if key is None:
        return f"its key {issued.key.id} is gone from the cloud"
    return "" if key.enabled else f"its key {issued.key.id} is disabled"


def _refusal(wish: Wish, observed: Observed, history: Sequence[Operation]) -> PullgrantError | None:
    operation = past.current(history)
    if operation and operation.intent.reader.host != wish.reader.host:
        return UsageError(
            f"{wish.reader.id} already serves {operation.intent.reader.host}",
            hint=f"Choose another name with --reader for {wish.reader.host}: each reader stays as narrow as one registry.",
        )
    if observed.ownership in (Ownership.UNMARKED, Ownership.OTHER_LEDGER) and not wish.adopt:
        owner = "another ledger" if observed.ownership is Ownership.OTHER_LEDGER else "somebody else"
        name = observed.identity.id if observed.identity else wish.reader.name
        return NotOurs(
            f"{name} exists and belongs to {owner}",
            hint="Choose another name with --reader, or take it over with --adopt (its other keys stay).",
        )
    return observed.cannot_issue


def _steps(wish: Wish, observed: Observed, history: Sequence[Operation], slots: Sequence[Slot]) -> tuple[Step, ...]:
    steps: list[Step] = []
    if observed.identity is None:
        steps.append(Step(action=Action.CREATE, words=f"reader {wish.reader.name} in {wish.reader.account}"))
    elif observed.ownership is not Ownership.OURS:
        steps.append(Step(action=Action.ADOPT, words=observed.identity.id))
    if not observed.granted:
        steps.append(Step(action=Action.GRANT, words=f"{observed.grant.role} on {observed.grant.resource}"))
    steps += [Step(action=Action.NARROW, words=f"take away {one.role} on {one.resource}") for one in observed.excess]
    steps.append(Step(action=Action.ISSUE, words="a new credential"))
    steps.append(Step(action=Action.PROVE, words=f"pull allowed and push refused at {wish.reader.host}"))
    steps += [Step(action=Action.DELIVER, words=str(slot)) for slot in slots]
    operation = past.current(history)
    if operation and operation.issued and operation.issued.key.revocable:
        steps.append(Step(action=Action.RETIRE, words=f"key {operation.issued.key.id} after {wish.reader.grace}"))
    return tuple(steps)


def _remarks(observed: Observed, history: Sequence[Operation]) -> tuple[str, ...]:
    foreign = [key.id for key in past.foreign(history, observed.keys)]
    told = (f"left alone: {len(foreign)} key(s) not made by this ledger: {', '.join(foreign)}",) if foreign else ()
    return (*observed.remarks, *told)
