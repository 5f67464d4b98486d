"""`rotate`: renews what is due, once or as a service."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from pullgrant.catalog import Catalog
from pullgrant.cli.options import NARROW, OUTPUT, WAIT, Opt, duration
from pullgrant.cli.session import chosen, open_catalog
from pullgrant.cli.verb import INTERRUPTED, Given, verb
from pullgrant.errors import PullgrantError, UsageError

if TYPE_CHECKING:
    from pullgrant.flows.rotate import Terms
    from pullgrant.flows.rounds import House, Turn

RENEWAL = (
    Opt(name="verify", default=False, help="Ask the registry first, and renew a credential that it refuses."),
    Opt(name="now", default=False, help="Renew even what is not due."),
    Opt(name="rotate_every", help="Replace long-lived keys at this age in this run, e.g. 30d. Default: as at bootstrap."),
    Opt(name="next_run", help="When the next run is, e.g. 1h: exit 6 if a credential would die before it."),
    Opt(name="watch", default=False, help="Stay, and renew whenever something is due, until SIGTERM or SIGINT."),
    WAIT,
    *OUTPUT,
)


@verb(*NARROW, *RENEWAL)
def rotate(given: Given) -> None:
    """Renew every credential that is due and end keys whose grace is over; for cron, CI or a scheduler."""
    renew(given)


def renew(given: Given) -> None:
    """Rotate the chosen readers, once or until told to end, and print what was done."""
    from pullgrant.flows.rounds import House

    terms = _terms(given)
    if given.watch and (given.now or given.next_run):
        raise UsageError("--watch goes on by itself", hint="Leave --now and --next-run out.")
    with open_catalog(given) as opened:
        house = House(ledger=opened.ledger, clock=opened.clock, ports_of=lambda reader: opened.ports(reader, ()))
        if given.watch:
            _watch(opened, house, terms, given)
        else:
            _once(opened, house, terms, given)


def _terms(given: Given) -> Terms:
    from pullgrant.flows.rotate import Terms

    return Terms(
        wait=duration("wait", given.wait),
        because="a new credential was asked for with --now" if given.now else "",
        proving=given.verify,
        rotate_every=duration("rotate-every", given.rotate_every) if given.rotate_every else None,
    )


def _once(opened: Catalog, house: House, terms: Terms, given: Given) -> None:
    from pullgrant.cli.render import emit, moment
    from pullgrant.flows.rounds import dying, next_run, run_round, worst

    before = duration("next-run", given.next_run) if given.next_run else None
    turns = run_round(chosen(opened.ledger, given), house, terms)
    first = next_run(turns)
    last = f"next run: not after {moment(first)}" if first else "next run: nothing ages"
    document = {"readers": [_document(turn) for turn in turns], "next_run_at": moment(first)}
    emit(document, [*map(_line, turns), last], as_json=given.json)
    now = opened.clock.now()
    _end(worst(turns) or (dying(turns, now, before) if before is not None else None), turns, as_json=given.json)


def _end(error: PullgrantError | None, turns: Sequence[Turn], *, as_json: bool) -> None:
    """End with the exit code of the worst; the one JSON document has told the rest."""
    if error is None:
        return
    if as_json:
        sys.exit(error.exit_code)
    failed = sum(1 for turn in turns if turn.error is not None)
    raise type(error)(f"{error.message} ({failed} readers failed)" if failed > 1 else error.message, hint=error.hint)


class Told:
    """Whether a signal has asked to end; a second one ends the process at once.

    A signal's handler runs between two instructions of the main thread, which may hold the lock of an Event just then: setting
    that would wait for ever. Python's documentation allows a SimpleQueue's put in such places.
    """

    def __init__(self) -> None:
        self._words: SimpleQueue[None] = SimpleQueue()
        self._ending = False

    def hear(self, *_: object) -> None:
        """Handle a signal."""
        if self._ending:  # not an exception: the interpreter would wait for the threads that work on readers
            os.write(2, b"interrupted; what was begun is finished or undone by: pullgrant recover\n")
            os._exit(INTERRUPTED)
        self._ending = True
        self._words.put(None)

    def ending(self) -> bool:
        """Return whether it is time to end."""
        return self._ending

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a signal comes; return whether it is time to end."""
        try:
            self._words.get(block=not self._ending, timeout=seconds)
        except Empty:
            return self._ending
        return True


def _watch(opened: Catalog, house: House, terms: Terms, given: Given) -> None:
    """Go on until a signal; a second one ends at once, and the ledger tells the next run where this one was."""
    from pullgrant.flows.rounds import next_run, run_round, worst
    from pullgrant.flows.watch import Outlook, watch

    told = Told()
    told_next: list[datetime | None] = []

    def turn(set_back: bool) -> Outlook:
        working = replace(house, stopping=told.ending)
        turns = run_round(chosen(opened.ledger, given), working, replace(terms, doubting=set_back))
        acted = [one for one in turns if one.error or one.skipped or one.done.applied or one.done.withdrawn]
        first = next_run(turns)
        _tell(acted, first if told_next != [first] else None, given)
        told_next[:] = [first]
        return Outlook(next_at=first, failed=worst(turns) is not None)

    before = {number: signal.signal(number, told.hear) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        watch(turn, clock=opened.clock, wait=told.wait)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    print("stopped, between two readers", file=sys.stderr, flush=True)


def _tell(acted: Sequence[Turn], first: datetime | None, given: Given) -> None:
    """Print one line an action, and when the next is due if that is new; as JSON one document a round."""
    import json

    from pullgrant.cli.render import moment

    if given.json and (acted or first):
        document = {"readers": [_document(turn) for turn in acted], "next_run_at": moment(first)}
        print(json.dumps(document), flush=True)
        return
    for turn in acted:
        print(_line(turn), flush=True)
    if first:
        print(f"next: {moment(first)}", flush=True)


def _document(turn: Turn) -> dict[str, Any]:
    from pullgrant.cli.render import moment

    done = turn.done
    operation = done.applied.operation if done.applied else None
    issued = operation.issued if operation else None
    return {
        "reader_id": turn.reader.id,
        "renewed": bool(done.applied and done.applied.receipts),
        "why": _why(turn),
        "key_id": issued.key.id if issued else None,
        "withdrawn": list(done.withdrawn),
        "skipped": turn.skipped or None,
        "error": turn.error.message if turn.error else None,
        "next_run_at": moment(done.next_at),
        "dies_at": moment(done.dies_at),
    }


def _why(turn: Turn) -> str:
    if turn.error is not None:
        return "failed"
    if turn.skipped:
        return "skipped"
    return turn.done.applied.plan.why if turn.done.applied else "not due"


def _line(turn: Turn) -> str:
    if turn.error is not None:
        return f"{turn.reader.id}: failed, {turn.error.message}"
    if turn.skipped:
        return f"{turn.reader.id}: skipped, {turn.skipped}"
    done = turn.done
    renewed = bool(done.applied and done.applied.receipts)
    ended = f", withdrew {', '.join(done.withdrawn)}" if done.withdrawn else ""
    return f"{turn.reader.id}: {'renewed' if renewed else 'left'} ({_why(turn)}){ended}"
