"""How often `rotate` must run for what a ledger holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pullgrant.flows.status import Standing

SHORTEST = timedelta(minutes=5)
_STEPS = tuple(
    timedelta(minutes=minutes) for minutes in (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)
)  # each divides a day, so that a calendar can say it
_NOTHING_YET = timedelta(hours=3)  # what an ECR token needs
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """`every` is the interval; `shortest` what it follows from, and `of` in words whose that is."""

    every: timedelta
    shortest: timedelta | None = None
    of: str = ""


def timetable(standings: Sequence[Standing]) -> Timetable:
    """Return the interval: at most a quarter of the shortest life, age or grace in the ledger, at least five minutes.

    At half its life a credential is due; a quarter later it has been renewed, and a run that fails has another before the end.
    """
    spans = [(span, words) for one in standings for span, words in _spans(one)]
    if not spans:
        return Timetable(every=_NOTHING_YET)
    shortest, of = min(spans)
    fitting = [step for step in _STEPS if step <= shortest / 4]
    return Timetable(every=max(fitting, default=SHORTEST), shortest=shortest, of=of)


def _spans(one: Standing) -> list[tuple[timedelta, str]]:
    if one.issued_at is None:
        return []
    name = one.reader.id
    found = []
    if one.expires_at is not None:
        life = max(one.expires_at - one.issued_at, timedelta())
        # Clouds cut the end to a whole second: twelve hours must not come out as a little less, and the interval as a third less.
        found.append((round(life / _MINUTE) * _MINUTE, f"the life of the credential of {name}"))
    if one.expires_at is None or one.waiting:
        found.append((one.reader.rotate_every, f"the age at which the key of {name} is replaced"))
        found.append((one.reader.grace, f"the grace of {name}"))
    return found
