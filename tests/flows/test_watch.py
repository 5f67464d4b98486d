"""Rotation as a service, on a clock that jumps."""

from datetime import timedelta

import pytest

from flows.street import Street, hours
from pullgrant.flows.rotate import Terms
from pullgrant.flows.rounds import next_run, worst
from pullgrant.flows.watch import LOOK_EVERY, Outlook, watch


class TwoClocks:
    """A time of day that may be set, and a monotonic clock that stands still while the machine sleeps."""

    def __init__(self, street: Street) -> None:
        self.street, self.running, self.slept = street, 0.0, 0

    def now(self):
        return self.street.clock.now()

    def monotonic(self):
        return self.running

    def sleep(self, seconds):
        raise AssertionError("a service waits for its signal, it does not sleep")

    def walk(self, seconds):
        self.running += seconds
        self.street.clock.time += timedelta(seconds=seconds)


@pytest.fixture
def street() -> Street:
    return Street()


class Service:
    """Runs `watch` over a street. `events` are things to do at a running time, in seconds; it ends after `until`."""

    def __init__(self, street, *, until, events=()):
        self.street, self.clock, self.until = street, TwoClocks(street), until.total_seconds()
        self.events = sorted(events, key=lambda one: one[0])
        self.rounds, self.waits, self.set_backs, self.failed = [], [], 0, 0

    def run(self):
        watch(self.turn, clock=self.clock, wait=self.wait)
        return self

    def turn(self, set_back):
        self.set_backs += set_back
        turns = self.street.round(Terms(doubting=set_back))
        self.rounds.append((self.clock.running, [turn.reader.name for turn in turns if turn.done.applied]))
        self.failed += worst(turns) is not None
        return Outlook(next_at=next_run(turns), failed=worst(turns) is not None)

    def wait(self, seconds):
        self.waits.append(seconds)
        self.clock.walk(seconds)
        while self.events and self.events[0][0] <= self.clock.running:
            self.events.pop(0)[1]()
        return self.clock.running >= self.until

    @property
    def acted(self):
        return [at for at, names in self.rounds if names]


def test_it_wakes_when_something_is_due(street):
    """A service would poll the cloud, or come too late."""
    reader = street.move_in("short", ttl=hours(12))
    service = Service(street, until=timedelta(days=2)).run()
    assert len(service.acted) in (7, 8), "every 5.4 to 6 hours"
    assert (street.pulls(reader), service.failed, max(service.waits) <= 15) == (True, 0, True)
    assert all(
        5.3 * 3600 < later - sooner < 6.1 * 3600 for sooner, later in zip(service.acted, service.acted[1:], strict=False)
    )


def test_it_survives_the_sleep_of_the_machine(street):
    """After a night in the bag a laptop would serve a dead token until its monotonic clock has caught up."""
    reader = street.move_in("short", ttl=hours(12))

    def night():
        street.clock.time += hours(9)

    service = Service(street, until=hours(4), events=[(3600.0, night)]).run()
    assert (len(service.acted), service.acted[0] <= 3600 + 15, street.pulls(reader)) == (1, True, True)


@pytest.mark.parametrize("back", [hours(2), hours(11), timedelta(days=400)])
def test_it_survives_a_clock_that_is_set_back(street, back):
    """The end of a token would seem far away, and it would die unseen."""
    reader = street.move_in("short", ttl=hours(12))

    def set_back():
        street.clock.time -= back

    service = Service(street, until=hours(3), events=[(3600.0, set_back)]).run()
    assert (service.set_backs, service.rounds[-1][1]) == (1, [])
    assert (len(service.acted), 3600 <= service.acted[0] <= 3600 + LOOK_EVERY.total_seconds()) == (1, True)
    assert street.pulls(reader)


def test_a_clock_that_is_kept_right_is_no_alarm(street):
    """Every correction of a second would renew all tokens."""
    street.move_in("short", ttl=hours(12))

    def nudge():
        street.clock.time -= timedelta(seconds=2)

    service = Service(street, until=hours(2), events=[(600.0 * at, nudge) for at in range(1, 12)]).run()
    assert (service.set_backs, service.acted) == (0, [])


def test_a_failure_is_tried_again_with_growing_pauses(street):
    """A cloud that is down would be asked without a pause, or not again until the token is dead."""
    reader = street.move_in("short", ttl=hours(12))

    def down():
        street.dark.add(reader.id)

    def up():
        street.dark.clear()

    service = Service(street, until=hours(10), events=[(5 * 3600.0, down), (8 * 3600.0, up)]).run()
    assert (5 <= service.failed <= 25, street.pulls(reader)) == (True, True)
    assert 8 * 3600 <= service.acted[-1] <= 8 * 3600 + 16 * 60


def test_a_new_reader_is_seen(street):
    """A reader that another process makes would wait for the next restart."""
    service = Service(street, until=hours(1))
    service.events = [(60.0, lambda: street.move_in("new", ttl=timedelta(minutes=30)))]
    service.run()
    assert (len(service.acted) >= 2, service.acted[0] < 60 + 15 * 60 + LOOK_EVERY.total_seconds()) == (True, True)


def test_it_ends_when_told(street):
    """SIGTERM would wait for the next renewal."""
    street.move_in("short", ttl=hours(12))
    service = Service(street, until=timedelta(seconds=1)).run()
    assert (len(service.rounds), len(service.waits)) == (1, 1)
