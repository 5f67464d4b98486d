"""The verbs on readers that the ledger holds: status, verify, rotate, revoke, recover."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

from pullgrant.catalog import Catalog
from pullgrant.cli.options import NARROW, OUTPUT, READER, WAIT, Opt, duration
from pullgrant.cli.session import chosen, open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import ProofFailed, PullgrantError, Unavailable, UsageError
from pullgrant.model.reader import Reader
from pullgrant.ports import Ports


@verb(*NARROW, *OUTPUT, default=True)
def status(given: Given) -> None:
    """Show every reader: registry, scope, sinks, key, age, expiry, proof, next run; asks nobody."""
    show_status(given)


def show_status(given: Given) -> None:
    """Print the standing of the chosen readers."""
    from pullgrant.cli.render import emit, standing_document, standing_table
    from pullgrant.flows.status import status as flow

    with open_catalog(given) as opened:
        ids = {one.id for one in chosen(opened.ledger, given)}
        standings = [one for one in flow(opened.ledger) if one.reader.id in ids]
        table = standing_table(standings, opened.clock.now())
    emit({"readers": [standing_document(one) for one in standings]}, table, as_json=given.json)


@verb(*NARROW, WAIT, *OUTPUT)
def verify(given: Given) -> None:
    """Prove again on the live registry, and compare cloud and platforms with what was delivered; exit 4 if not good."""
    from pullgrant.cli.render import emit, proof_document
    from pullgrant.flows.verify import verify as flow

    wait = duration("wait", given.wait)
    with open_catalog(given) as opened:
        found = [flow(one, _ports(opened, one), wait=wait) for one in chosen(opened.ledger, given)]
    documents = [
        {"reader_id": one.reader.id, "good": one.good, "proof": proof_document(one.proof), "through": one.through,
         "findings": list(one.findings)}
        for one in found
    ]  # fmt: skip
    lines = []
    for one in found:
        why = f" ({one.proof.why})" if one.proof.why else ""
        lines += [f"{one.reader.id}: {one.proof.verdict}{why}, asked with {one.through}"]
        lines += [f"  note     {finding}" for finding in one.findings]
    bad = [one for one in found if not one.good]
    if bad and not given.json:
        emit(None, lines, as_json=False)
        reason = bad[0].findings[0] if bad[0].findings else bad[0].proof.why
        raise ProofFailed(f"{bad[0].reader.id}: {reason}", hint="Renew it: pullgrant rotate --verify")
    emit({"readers": documents}, lines or ["no readers yet"], as_json=given.json)
    if bad:
        sys.exit(ProofFailed.exit_code)


@verb(
    *NARROW,
    Opt(name="verify", default=False, help="Ask the registry first, and renew a credential that it refuses."),
    Opt(name="now", default=False, help="Renew even what is not due."),
    Opt(name="next_run", help="When the next run is, e.g. 1h: exit 6 if a credential would die before it."),
    WAIT,
    *OUTPUT,
)
def rotate(given: Given) -> None:
    """Renew every credential that is due and end keys whose grace is over; for cron, CI or a scheduler."""
    from pullgrant.cli.render import emit, moment

    next_run = duration("next-run", given.next_run) if given.next_run else None
    with open_catalog(given) as opened:
        results = [_rotate(one, opened, given) for one in chosen(opened.ledger, given)]
        now = opened.clock.now()
    documents = [document for document, _ in results]
    times = [document["next_run_at"] for document in documents if document["next_run_at"]]
    first = min(times, default=None)
    lines = [_rotated_line(document) for document in documents]
    lines.append(f"next run: not after {moment(first)}" if first else "next run: nothing ages")
    shown = [{**one, "next_run_at": moment(one["next_run_at"]), "dies_at": moment(one["dies_at"])} for one in documents]
    emit({"readers": shown, "next_run_at": moment(first)}, lines, as_json=given.json)
    _exit_for(results, next_run, now, as_json=given.json)


def _rotate(reader: Reader, opened: Catalog, given: Given) -> tuple[dict[str, Any], PullgrantError | None]:
    from pullgrant.flows.rotate import next_at
    from pullgrant.flows.rotate import rotate as flow
    from pullgrant.flows.status import standing

    because = "a new credential was asked for with --now" if given.now else ""
    document: dict[str, Any] = {"reader_id": reader.id, "renewed": False, "why": "not due", "withdrawn": [], "error": None}
    try:
        done = flow(reader, _ports(opened, reader), wait=duration("wait", given.wait), because=because, proving=given.verify)
    except PullgrantError as error:
        history = opened.ledger.history(reader.id)
        document |= {"error": error.message, "why": "failed"}
        document |= {"next_run_at": next_at(reader, history), "dies_at": standing(reader, history).expires_at}
        return document, error
    document |= {"withdrawn": list(done.withdrawn), "next_run_at": done.next_at, "dies_at": done.dies_at}
    if done.applied is not None:
        issued = done.applied.operation.issued if done.applied.operation else None
        document |= {"renewed": bool(done.applied.receipts), "why": done.applied.plan.why}
        document |= {"key_id": issued.key.id if issued else None}
    return document, None


def _rotated_line(document: dict[str, Any]) -> str:
    if document["error"]:
        return f"{document['reader_id']}: failed, {document['error']}"
    ended = f", withdrew {', '.join(document['withdrawn'])}" if document["withdrawn"] else ""
    return f"{document['reader_id']}: {'renewed' if document['renewed'] else 'left'} ({document['why']}){ended}"


def _exit_for(
    results: list[tuple[dict[str, Any], PullgrantError | None]], next_run: timedelta | None, now: datetime, *, as_json: bool
) -> None:
    errors = [error for _, error in results if error is not None]
    dying = [
        document for document, _ in results if next_run and document["dies_at"] and document["dies_at"] < now + next_run
    ]
    error: PullgrantError | None = max(errors, key=lambda one: one.exit_code, default=None)
    if error is None and dying:
        error = Unavailable(
            f"{dying[0]['reader_id']} dies at {dying[0]['dies_at']:%Y-%m-%d %H:%M} UTC, before the next run",
            hint="Run rotate earlier: see pullgrant schedule.",
        )
    if error is not None and as_json:
        sys.exit(error.exit_code)
    if error is not None:
        raise error


@verb(
    READER,
    Opt(name="provider", help="Provider of the reader, where the name alone is not unique."),
    Opt(name="registry", help="Registry host of the reader, where the name alone is not unique."),
    Opt(name="yes", default=False, help="Do not ask."),
    WAIT,
    *OUTPUT,
)
def revoke(given: Given) -> None:
    """Take back everything of one reader: its identity, grant and keys in the cloud, then its entries in the platforms."""
    from pullgrant.cli.render import emit, moment
    from pullgrant.flows.revoke import revoke as flow

    with open_catalog(given) as opened:
        reader = chosen(opened.ledger, given, need=True)[0]
        _confirm(f"Revoke {reader.id}? Whatever pulls with it stops pulling.", yes=given.yes)
        done = flow(reader, _ports(opened, reader), wait=duration("wait", given.wait))
    dies = f"; a token of it that nothing can revoke dies at {moment(done.dies_at)}" if done.dies_at else ""
    emit(
        {"reader_id": reader.id, "keys": list(done.keys), "sinks": [str(one) for one in done.slots],
         "dies_at": moment(done.dies_at)},
        [f"{reader.id}: revoked, {len(done.keys)} key(s) and {len(done.slots)} slot(s) of it are gone{dies}"],
        as_json=given.json,
    )  # fmt: skip


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this needs a yes", hint="Add --yes.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not done: you did not say yes")


@verb(*NARROW, WAIT, *OUTPUT)
def recover(given: Given) -> None:
    """Finish or undo what was interrupted: a killed run, a platform that was down in the middle of a delivery."""
    from pullgrant.cli.render import applied_document, applied_lines, emit
    from pullgrant.flows.recover import recover as flow

    wait = duration("wait", given.wait)
    with open_catalog(given) as opened:
        ids = {one.intent.reader.id: one.intent.reader for one in opened.ledger.unfinished()}
        ids |= {one.id: one for one in opened.ledger.readers()}
        names = {one.id for one in chosen(opened.ledger, given)} if given.reader else set(ids)
        done = {one: flow(ids[one], _ports(opened, ids[one]), wait=wait) for one in sorted(names)}
    documents = [applied_document(applied) for applied in done.values() if applied]
    lines = [line for applied in done.values() if applied for line in applied_lines(applied, planned=False)]
    emit({"recovered": documents}, lines or ["nothing is left open"], as_json=given.json)


def _ports(opened: Catalog, reader: Reader) -> Ports:
    return opened.ports(reader, ())
