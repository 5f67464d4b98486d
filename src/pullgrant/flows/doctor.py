"""Can this machine do the job: one line a question. What is asked of the outside comes in as callables.

A provider may have a module `checkup`: with `ADDRESS` (any address of its cloud, whose answers carry the time) and
`signed_in(http, readers)` (who is signed in) where a machine is signed in to a cloud, and with `marked(http, reader, owner=...)`
(identities with a ledger's mark in that reader's account). A sink may have `check_ready()`, which says what program it works with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pullgrant.errors import NotSignedIn, PullgrantError, Unavailable, UsageError
from pullgrant.flows.status import Standing

_SKEW_WARNS = timedelta(seconds=60)
# AWS refuses a signature that is five minutes off (Signature Version 4, "RequestExpired"), Google and Entra a token.
_SKEW_FAILS = timedelta(minutes=5)


class State(StrEnum):
    """How a question came out. `skip`: it was not asked, or what it is about is not used here."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question and its answer; `exit_code` is 0 unless it failed."""

    about: str
    state: State
    words: str
    hint: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """What a server's clock said, and when; `at` is None when its answer carried no time."""

    status: int
    at: datetime | None
    asked_at: datetime


def exit_code(checks: Iterable[Check]) -> int:
    """Return the highest exit code; warnings count nothing."""
    return max((check.exit_code for check in checks), default=0)


def ok(about: str, words: str) -> Check:
    """Return the check of something that is good."""
    return Check(about=about, state=State.OK, words=words)


def warned(about: str, words: str, hint: str = "") -> Check:
    """Return the check of something to be looked after, that does not stop the job."""
    return Check(about=about, state=State.WARN, words=words, hint=hint)


def skipped(about: str, words: str) -> Check:
    """Return the check of something that was not asked."""
    return Check(about=about, state=State.SKIP, words=words)


def failed(about: str, error: PullgrantError) -> Check:
    """Return the check that an error is."""
    return Check(about=about, state=State.FAIL, words=error.message, hint=error.hint, exit_code=error.exit_code)


def sign_in(provider: str, ask: Callable[[], str], *, readers: int) -> Check:
    """Ask one cloud who is signed in. That nobody is counts only where the ledger has readers."""
    about = f"sign-in {provider}"
    try:
        return ok(about, ask())
    except PullgrantError as error:
        if readers:
            return failed(about, error)
        return skipped(about, f"{error.message}; no reader needs it")


def anywhere(sign_ins: Sequence[Check], *, readers: int) -> tuple[Check, ...]:
    """Return a failure when there is no reader yet and no cloud to make one at; else nothing."""
    if readers or any(one.state is State.OK for one in sign_ins):
        return ()
    error = NotSignedIn(
        "you are signed in to no cloud, and there is no reader yet",
        hint="Sign in to one, or try it without an account: pullgrant sandbox gcp.bootstrap --project demo",
    )
    return (failed("sign-in", error),)


def tool(sink: str, ask: Callable[[], str], *, slots: int) -> Check:
    """Ask for the program of a sink. That it is missing counts only where the ledger has slots of it."""
    about = f"sink {sink}"
    try:
        return ok(about, ask())
    except PullgrantError as error:
        return failed(about, error) if slots else skipped(about, f"{error.message}; no slot needs it")


def slot(name: str, ask: Callable[[], tuple[str, ...]]) -> Check:
    """Ask whether a delivery to a slot would succeed."""
    about = f"slot {name}"
    try:
        return ok(about, "; ".join(ask()) or "can be delivered to")
    except PullgrantError as error:
        return failed(about, error)


def secret(reader_id: str, option: str, ask: Callable[[], object]) -> Check:
    """Ask whether a reference to a secret that a reader was made with still leads somewhere."""
    about = f"secret {reader_id}"
    try:
        ask()
    except PullgrantError as error:
        return failed(about, error)
    return ok(about, f"{option} leads to a secret")


def registry(host: str, ask: Callable[[], Time | str]) -> tuple[Check, ...]:
    """Ask whether a registry answers, and compare its clock with ours; a text is why it did not answer."""
    about, found = f"registry {host}", ask()
    if isinstance(found, str):
        return (failed(about, Unavailable(found, hint="Check the network and HTTPS_PROXY.")),)
    if found.status not in (200, 401):
        words = f"answers {found.status}, as no registry does"
        return (failed(about, Unavailable(words, hint="Run the same command again in a while.")),)
    return (ok(about, f"answers {found.status}"), *clock(host, found))


def clock(name: str, found: Time) -> tuple[Check, ...]:
    """Compare our clock with a server's, which is told in whole seconds; nothing when it told none."""
    if found.at is None:
        return ()
    skew = found.asked_at - found.at
    about, words = (
        f"clock {name}",
        f"ours is {abs(skew.total_seconds()):.0f} s {'ahead' if skew > timedelta() else 'behind'}",
    )
    hint = "Set the clock of this machine, best by NTP."
    if abs(skew) >= _SKEW_FAILS:
        return (failed(about, UsageError(f"{words}: clouds refuse what is signed by it", hint=hint)),)
    if abs(skew) >= _SKEW_WARNS:
        return (warned(about, words, hint),)
    return (ok(about, "agrees with ours"),)


def lives(standing: Standing, now: datetime, next_run: timedelta) -> Check:
    """Tell whether a reader's credential lives, until after the next scheduled run, and whether a run is due.

    `next_run` zero: when the next one is, is not known.
    """
    reader = standing.reader.id
    about, run = f"reader {reader}", f"pullgrant rotate --reader {reader}"
    ends = standing.expires_at
    if standing.unfinished:
        words = f"{len(standing.unfinished)} operation(s) were interrupted"
        return warned(about, words, "Finish or undo them: pullgrant recover")
    if not standing.key_id:
        return warned(about, "has no current credential", "Run its bootstrap command again.")
    if ends is not None and ends <= now:
        return failed(about, Unavailable(f"its credential died at {_moment(ends)}", hint=f"Renew it: {run}"))
    if ends is not None and ends < now + next_run:
        words = f"its credential dies at {_moment(ends)}, before the next run"
        return failed(
            about, Unavailable(words, hint=f"Run more often (see pullgrant schedule), or renew it now: {run} --now")
        )
    if standing.next_at is not None and standing.next_at <= now:
        return warned(about, f"was due at {_moment(standing.next_at)}", f"Run: {run}")
    lasts = f"lives until {_moment(ends)}" if ends else "does not end by itself"
    return ok(about, f"its credential {lasts}" + (f", next run by {_moment(standing.next_at)}" if standing.next_at else ""))


def strays(account: str, ask: Callable[[], Collection[str]], known: Collection[str]) -> Check:
    """Tell whether identities carry this ledger's mark that it does not know."""
    about = f"marks {account}"
    try:
        unknown = sorted(set(ask()) - set(known))
    except PullgrantError as error:
        return warned(about, f"could not be looked for: {error.message}", error.hint)
    if not unknown:
        return ok(about, "no identity carries our mark that the ledger does not know")
    hint = "Take one over by its bootstrap command, then `revoke` it; or delete it in the cloud."
    return warned(about, f"the ledger does not know {', '.join(unknown)}", hint)


def known_identities(standings: Iterable[Standing]) -> frozenset[str]:
    """Return the ids of the identities that the ledger's readers have."""
    return frozenset(one.identity.id for one in standings if one.identity is not None)


def by_provider(standings: Iterable[Standing]) -> Mapping[str, tuple[Standing, ...]]:
    """Return the standings of each provider that has readers."""
    found: dict[str, tuple[Standing, ...]] = {}
    for one in standings:
        found[one.reader.provider] = (*found.get(one.reader.provider, ()), one)
    return found


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
