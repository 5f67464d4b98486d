"""Results on stdout: one JSON document for a machine, lines and a table for a person."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO

from pullgrant.flows.apply import Applied
from pullgrant.flows.status import Standing
from pullgrant.model.operation import Ensured, Operation
from pullgrant.model.proof import Outcome, Proof


def emit(document: Any, lines: Sequence[str], *, as_json: bool, stream: TextIO | None = None) -> None:
    """Print the document or the lines, to standard output unless that carries something else."""
    text = json.dumps(document, indent=2, default=str) if as_json else "\n".join(lines)
    if text:
        print(text, file=stream or sys.stdout, flush=True)


def moment(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC to the second, None for none."""
    return at.isoformat(timespec="seconds") if at else None


def proof_document(proof: Proof | None) -> dict[str, Any] | None:
    """Return a proof for JSON: each answer as one word, the registry's own words beside it."""
    if proof is None:
        return None
    asked: dict[str, Outcome] = {
        "pull": proof.pull, "push": proof.push, "anonymous": proof.anonymous, "outside": proof.outside,
    }  # fmt: skip
    return {
        "verdict": str(proof.verdict),
        **{name: str(outcome.answer) for name, outcome in asked.items()},
        "image": proof.image or None,
        "at": moment(proof.at),
        "why": proof.why or None,
        "words": {name: outcome.words for name, outcome in asked.items() if outcome.words},
    }


def applied_document(applied: Applied) -> dict[str, Any]:
    """Return what a bootstrap or a rotation of one reader did, for JSON."""
    plan, operation = applied.plan, applied.operation
    issued = operation.issued if operation else None
    grant = _grant(operation)
    return {
        "reader": applied.identity.id if applied.identity else None,
        "reader_id": plan.reader.id,
        "provider": plan.reader.provider,
        "registry": plan.reader.host,
        "repositories": list(plan.reader.repositories),
        "role": grant.grant.role if grant else None,
        "resource": grant.grant.resource if grant else None,
        "changed": bool(applied.receipts),
        "why": plan.why,
        "key_id": issued.key.id if issued else None,
        "expires_at": moment(issued.expires_at) if issued else None,
        "proof": proof_document(applied.proof),
        "receipts": [
            {"slot": str(one.slot), "reference": one.reference, "remarks": list(one.remarks)} for one in applied.receipts
        ],
        "remarks": list(plan.remarks),
        "plan": [{"action": str(step.action), "what": step.words} for step in plan.steps],
    }


def applied_lines(applied: Applied, *, planned: bool) -> list[str]:
    """Return the same for a person."""
    plan = applied.plan
    if planned or not applied.receipts:
        steps = [f"  {step.action!s:8} {step.words}" for step in plan.steps]
        head = f"{plan.reader.id}: {plan.why}" + (f"; would do, in this order ({len(steps)} steps):" if steps else "")
        refused = [f"  refused  {plan.refusal}"] if plan.refusal else []
        return [head, *steps, *refused, *_bullets(plan.remarks)]
    operation, proof = applied.operation, applied.proof
    issued = operation.issued if operation else None
    grant = _grant(operation)
    ends = moment(issued.expires_at) if issued and issued.expires_at else "never by itself"
    lines = [
        f"{plan.reader.id}: done ({plan.why})",
        f"  reader   {applied.identity.id if applied.identity else ''}",
        f"  may      {grant.grant.role} on {grant.grant.resource}" if grant else "",
        f"  key      {issued.key.id if issued else ''}, expires {ends}",
        f"  proof    {proof.verdict if proof else 'none'}: {_answers(proof)}",
    ]
    lines += [f"  sink     {one.slot} -> {one.reference}" for one in applied.receipts]
    remarks = [*plan.remarks, *(remark for one in applied.receipts for remark in one.remarks)]
    return [line for line in lines if line] + _bullets(remarks)


def standing_document(one: Standing) -> dict[str, Any]:
    """Return the standing of one reader for JSON."""
    return {
        "reader_id": one.reader.id,
        "reader": one.identity.id if one.identity else None,
        "provider": one.reader.provider,
        "registry": one.reader.host,
        "repositories": list(one.reader.repositories),
        "role": one.grant.role if one.grant else None,
        "resource": one.grant.resource if one.grant else None,
        "sinks": [str(slot) for slot in one.slots],
        "key_id": one.key_id or None,
        "issued_at": moment(one.issued_at),
        "expires_at": moment(one.expires_at),
        "proof": proof_document(one.proof),
        "next_rotation": moment(one.next_at),
        "retired_keys": [{"key_id": key.key.id, "withdraw_after": moment(key.withdraw_after)} for key in one.waiting],
        "open_operations": [{"id": op.id, "verb": op.intent.verb, "since": moment(op.opened_at)} for op in one.unfinished],
    }


def standing_table(standings: Sequence[Standing], now: datetime) -> list[str]:
    """Return a table with one row a reader."""
    if not standings:
        return ["no readers yet: make one with, for example, pullgrant gcp.bootstrap --project X"]
    head = ["READER", "REGISTRY", "SCOPE", "SINKS", "KEY", "AGE", "EXPIRES", "PROOF", "NEXT RUN", "OPEN"]
    rows = [head, *(_row(one, now) for one in standings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(one: Standing, now: datetime) -> list[str]:
    return [
        one.reader.id,
        one.reader.host,
        one.grant.resource if one.grant else "",
        ",".join(str(slot) for slot in one.slots),
        one.key_id[:12],
        span(now - one.issued_at) if one.issued_at else "",
        moment(one.expires_at) or "never",
        str(one.proof.verdict) if one.proof else "none",
        moment(one.next_at) or "-",
        str(len(one.unfinished)),
    ]


def span(time: Any) -> str:
    """Return a timedelta in its largest fitting unit: 3d, 7h, 12m, 5s."""
    seconds = int(time.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _grant(operation: Operation | None) -> Ensured | None:
    found = operation.of(Ensured) if operation else ()
    return found[-1] if found else None


def _answers(proof: Proof | None) -> str:
    if proof is None:
        return "not asked"
    asked = {"pull": proof.pull, "push": proof.push, "anonymous": proof.anonymous, "other repository": proof.outside}
    return ", ".join(f"{name} {outcome.answer}" for name, outcome in asked.items()) + (
        f" ({proof.why})" if proof.why else ""
    )


def _bullets(remarks: Sequence[str]) -> list[str]:
    return [f"  note     {remark}" for remark in dict.fromkeys(remarks)]
