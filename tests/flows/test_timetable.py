"""How often `rotate` must run."""

from datetime import timedelta

import pytest

from flows.street import Street, hours
from pullgrant.flows.status import standing
from pullgrant.flows.timetable import timetable


def of(*lives):
    street = Street()
    readers = [street.move_in(f"reader-{at}", **life) for at, life in enumerate(lives)]
    return timetable([standing(one, street.history(one.id)) for one in readers])


@pytest.mark.parametrize(
    ("lives", "every"),
    [
        ([], hours(3)),
        ([{"ttl": hours(12)}], hours(3)),
        ([{"ttl": hours(12) - timedelta(milliseconds=700)}], hours(3)),
        ([{"ttl": hours(1)}], timedelta(minutes=15)),
        ([{"ttl": timedelta(minutes=59)}], timedelta(minutes=10)),
        ([{"ttl": timedelta(minutes=10)}], timedelta(minutes=5)),
        ([{}], hours(6)),
        ([{"grace": timedelta(days=9), "rotate_every": timedelta(days=30)}], hours(24)),
        ([{}, {"ttl": hours(12)}, {"ttl": hours(3)}], timedelta(minutes=30)),
    ],
)
def test_the_interval_fits_what_the_ledger_holds(lives, every):
    """A schedule would come too late for the shortest life, or far more often than anything needs."""
    table = of(*lives)
    assert table.every == every
    assert table.shortest is None or table.every <= max(table.shortest / 4, timedelta(minutes=5))
    assert timedelta(days=1) % table.every == timedelta(), "a calendar could not say it"


def test_it_says_whose_the_shortest_life_is():
    """A user would not know why the schedule is so frequent."""
    assert of({}, {"ttl": hours(3)}).of == "the life of the credential of stage:acme/reader-1"
