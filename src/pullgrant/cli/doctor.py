"""`doctor`: can this machine do the job, one line a question."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pullgrant import catalog
from pullgrant.catalog import Catalog
from pullgrant.cli.options import OUTPUT, Opt, duration
from pullgrant.cli.session import LEDGER, open_catalog
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import PullgrantError, UsageError
from pullgrant.kit import references
from pullgrant.kit.http import Reply
from pullgrant.kit.together import together
from pullgrant.model.proof import Outcome
from pullgrant.model.reader import Reader

if TYPE_CHECKING:
    from pullgrant.flows.doctor import Check, Time
    from pullgrant.flows.status import Standing

_OPEN = 0o077
_OFFLINE = "not asked (--offline)"


@verb(
    Opt(name="offline", default=False, help="Look at this machine only; ask no cloud, platform or registry."),
    Opt(
        name="next_run", help="Time until the next scheduled `rotate`, e.g. 1d: what dies before it fails. Default: unknown."
    ),
    *OUTPUT,
)
def doctor(given: Given) -> None:
    """Check sign-ins, programs, ledger, clocks, registries and what dies before the next run; exit by the worst."""
    from pullgrant.cli.render import emit
    from pullgrant.flows import doctor as checks

    next_run = duration("next-run", given.next_run or "0s")
    with open_catalog(given) as opened:
        found = _checked(opened, next_run, offline=given.offline)
    code = checks.exit_code(found)
    emit({"checks": [asdict(one) for one in found], "exit_code": code}, _lines(found), as_json=given.json)
    if code:
        sys.exit(code)


def _checked(opened: Catalog, next_run: timedelta, *, offline: bool) -> list[Check]:
    from pullgrant.flows import doctor as checks

    ledger, standings = _ledger(opened)
    now = opened.clock.now()
    found = [*ledger, *(checks.lives(one, now, next_run) for one in standings), *_secrets(standings)]
    if offline:
        return [*found, checks.skipped("sign-ins, programs, registries, clocks and marks", _OFFLINE)]
    signed, tools, slots, hosts, marks = together(
        lambda: _sign_ins(opened, standings),
        lambda: _tools(opened, standings),
        lambda: _all(_slots(opened, standings)),
        lambda: _all(partial(_registry, opened, one) for one in _one_each(standings, lambda reader: reader.host)),
        lambda: _all(partial(_marks, opened, one, standings) for one in _one_each(standings, _account)),
    )
    return [*signed, *tools, *slots, *(check for pair in hosts for check in pair), *found, *marks]


def _ledger(opened: Catalog) -> tuple[list[Check], tuple[Standing, ...]]:
    """Return the checks of the ledger and what it knows. One that is not there yet is not made."""
    from pullgrant.flows import doctor as checks
    from pullgrant.flows.status import status
    from pullgrant.ledger.location import SqliteFile, locate
    from pullgrant.ledger.migrations import STEPS

    try:
        where = locate(os.environ.get(LEDGER) or None, os.environ)
        path = where.path if isinstance(where, SqliteFile) else None
        if path is not None and not path.exists():
            return [_unmade(path)], ()
        mode = stat.S_IMODE(path.stat().st_mode) if path else 0
        standings = status(opened.ledger)
        unfinished = len(opened.ledger.unfinished())
    except PullgrantError as error:
        return [checks.failed("ledger", error)], ()
    words = f"{where}, schema {STEPS[-1].version}, {len(standings)} reader(s), {unfinished} open operation(s)"
    if mode & _OPEN:
        return [
            checks.warned("ledger", f"{words}; its mode was {mode:o}, others could read it; now it is private")
        ], standings
    return [checks.ok("ledger", words)], standings


def _unmade(path: Path) -> Check:
    from pullgrant.flows import doctor as checks

    there = next(folder for folder in path.parents if folder.exists())
    if os.access(there, os.W_OK):
        return checks.ok("ledger", f"none yet: the first bootstrap makes {path}")
    hint = f"Give another place with {LEDGER}."
    return checks.failed("ledger", UsageError(f"{path} cannot be made: {there} is not writable", hint=hint))


def _secrets(standings: Iterable[Standing]) -> list[Check]:
    """Follow the references of readers to variables and files; commands and keyrings are not started for a check."""
    from pullgrant.flows import doctor as checks

    return [
        checks.secret(one.reader.id, option, partial(references.resolve, value))
        for one in standings
        for option, value in one.reader.options.items()
        if isinstance(value, str) and value.startswith(("env:", "file:"))
    ]


def _sign_ins(opened: Catalog, standings: Sequence[Standing]) -> list[Check]:
    from pullgrant.flows import doctor as checks

    readers = {name: [one.reader for one in mine] for name, mine in checks.by_provider(standings).items()}
    modules = {name: module for name in catalog.PROVIDERS if hasattr(module := catalog.checkup(name), "signed_in")}

    def one(name: str) -> list[Check]:
        mine, module = readers.get(name, []), modules[name]
        found = checks.sign_in(name, lambda: module.signed_in(opened.http(), mine), readers=len(mine))
        return [found, *(_time(opened, name, module.ADDRESS) if found.state is checks.State.OK else ())]

    found = [check for pair in _all(partial(one, name) for name in modules) for check in pair]
    signed = [check for check in found if check.about.startswith("sign-in")]
    return [*found, *checks.anywhere(signed, readers=len(standings))]


def _time(opened: Catalog, name: str, address: str) -> tuple[Check, ...]:
    from pullgrant.flows import doctor as checks

    try:
        return checks.clock(name, _told(opened, opened.http().ask("GET", address)))
    except PullgrantError as error:
        return (checks.warned(f"clock {name}", f"could not be compared: {error.message}"),)


def _tools(opened: Catalog, standings: Sequence[Standing]) -> tuple[Check, ...]:
    """Ask for the program of each sink that works with one."""
    from pullgrant.flows import doctor as checks

    ready = {name: ask for name in catalog.SINKS if (ask := getattr(opened.sink(name), "check_ready", None))}
    used = [slot.sink for one in standings for slot in one.slots]
    return _all(partial(checks.tool, name, ask, slots=used.count(name)) for name, ask in ready.items())


def _slots(opened: Catalog, standings: Sequence[Standing]) -> list[Callable[[], Check]]:
    from pullgrant.flows import doctor as checks

    return [
        partial(
            checks.slot, f"{slot} for {slot.server}", partial(opened.sink(slot.sink).preflight, slot, ours=True, adopt=False)
        )
        for slot in dict.fromkeys(slot for one in standings for slot in one.slots)
    ]


def _registry(opened: Catalog, reader: Reader) -> tuple[Check, ...]:
    from pullgrant.flows import doctor as checks

    def ask() -> Time | str:
        try:
            reply = opened.probe(reader).greet(reader.host)
        except PullgrantError as error:
            return error.message
        return reply.words if isinstance(reply, Outcome) else _told(opened, reply)

    return checks.registry(reader.host, ask)


def _told(opened: Catalog, reply: Reply) -> Time:
    from pullgrant.flows.doctor import Time

    at: datetime | None
    try:
        at = parsedate_to_datetime(reply.headers.get("date", ""))
    except ValueError:
        at = None
    return Time(status=reply.status, at=at if at and at.tzinfo else None, asked_at=opened.clock.now())


def _marks(opened: Catalog, reader: Reader, standings: Sequence[Standing]) -> Check:
    from pullgrant.flows import doctor as checks

    ask = getattr(catalog.checkup(reader.provider), "marked", None)
    account = _account(reader)
    if ask is None:
        return checks.skipped(f"marks {account}", "not asked: this provider has no list of them")
    known = checks.known_identities(standings)
    return checks.strays(account, lambda: ask(opened.http(reader), reader, owner=opened.ledger.id), known)


def _account(reader: Reader) -> str:
    return f"{reader.provider}:{reader.account}"


def _one_each(standings: Iterable[Standing], key: Callable[[Reader], str]) -> list[Reader]:
    """Return one reader for each value of the key."""
    return list({key(one.reader): one.reader for one in standings}.values())


def _all(calls: Iterable[Callable[[], Any]]) -> tuple[Any, ...]:
    return together(*calls)


def _lines(found: Sequence[Check]) -> list[str]:
    width = max(len(one.about) for one in found)
    return [
        f"{one.state!s:4}  {one.about:{width}}  {one.words}{f'. {one.hint}' if one.hint else ''}".rstrip() for one in found
    ]
