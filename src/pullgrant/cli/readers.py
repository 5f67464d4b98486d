"""The verbs on readers that the ledger holds: status, verify, revoke, recover."""

from __future__ import annotations

import sys

from pullgrant.catalog import Catalog
from pullgrant.cli.options import NARROW, OUTPUT, READER, WAIT, Opt, duration
from pullgrant.cli.session import chosen, open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import ProofFailed, UsageError
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
    prove_again(given)


def prove_again(given: Given) -> None:
    """Verify the chosen readers and print what was found."""
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


ENDING = (
    Opt(name="registry", help="Registry host of the reader, where the name alone is not unique."),
    Opt(name="yes", default=False, help="Do not ask."),
    Opt(
        name="all_keys",
        default=False,
        help="Also end keys of this reader that pullgrant did not make; without it, a reader with such keys is left as it is.",
    ),
    WAIT,
    *OUTPUT,
)


@verb(READER, Opt(name="provider", help="Provider of the reader, where the name alone is not unique."), *ENDING)
def revoke(given: Given) -> None:
    """Take back everything of one reader: its identity, grant and keys in the cloud, then its entries in the platforms."""
    take_back(given)


def take_back(given: Given) -> None:
    """Revoke the one chosen reader and print what is gone."""
    from pullgrant.cli.render import emit, moment
    from pullgrant.dockerhelper.slow import forget
    from pullgrant.flows.revoke import revoke as flow

    with open_catalog(given) as opened:
        reader = chosen(opened.ledger, given, need=True)[0]
        confirm(f"Revoke {reader.id}? Whatever pulls with it stops pulling.", yes=given.yes)
        done = flow(reader, _ports(opened, reader), wait=duration("wait", given.wait), all_keys=given.all_keys)
    forget(reader.host)
    dies = f"; a token of it that nothing can revoke dies at {moment(done.dies_at)}" if done.dies_at else ""
    emit(
        {"reader_id": reader.id, "keys": list(done.keys), "sinks": [str(one) for one in done.slots],
         "dies_at": moment(done.dies_at)},
        [f"{reader.id}: revoked, {len(done.keys)} key(s) and {len(done.slots)} slot(s) of it are gone{dies}"],
        as_json=given.json,
    )  # fmt: skip


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal. Raises UsageError for any answer but yes, and where nobody can be asked."""
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
