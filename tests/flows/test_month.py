"""A simulated month: fifty readers on three registries, broken platforms, a cloud that is down, and runs that are killed.

A credential that pulls at the last minute before the next round has pulled at every minute since the last one: between two
rounds nothing changes but the time.
"""

import random
from datetime import timedelta

import pytest

from flows.street import ONE, TWO, Fuse, Street, hours
from pullgrant.flows.rounds import dying, worst
from pullgrant.flows.status import standing
from pullgrant.flows.timetable import timetable
from pullgrant.model.operation import Close
from pullgrant.testing.stage import Killed

DAYS = 30
MINUTE = timedelta(minutes=1)
REGISTRIES = ("one.example", "two.example", "three.example")
LIVES = {  # how many of each
    "three-hours": (3, {"ttl": hours(3)}),
    "twelve-hours": (27, {"ttl": hours(12)}),
    "keys": (12, {"rotate_every": timedelta(days=7)}),
    "keys-with-notes": (8, {"rotate_every": timedelta(days=5), "grace": hours(36), "key_notes": True}),
}
SINKS_DOWN = (timedelta(days=5), timedelta(days=6))
CLOUD_DOWN = (timedelta(days=12), timedelta(days=12, hours=5))


class Month:
    """Lives a month in rounds, and keeps a diary: what was dead when, and what the exit code said before."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.street = Street()
        self.start = self.street.clock.now()
        self.readers = [
            self.street.move_in(f"{kind}-{at}", registry=REGISTRIES[at % 3], **terms)
            for kind, (count, terms) in LIVES.items()
            for at in range(count)
        ]
        self.every = timetable([standing(one, self.street.history(one.id)) for one in self.readers]).every
        self.dead, self.unannounced, self.kills, self.failed_rounds, self.warned = {}, [], 0, 0, set()

    def live(self):
        while self.street.clock.now() - self.start < timedelta(days=DAYS):
            self.weather(self.street.clock.now() - self.start)
            before = self.street.clock.now()
            self.round()
            assert self.street.clock.now() - before < self.every / 2
            self.look()
            self.street.clock.time += self.every - MINUTE
            self.look()
            self.street.clock.time += MINUTE
        return self

    def weather(self, age):
        sinks_down, cloud_down = (start <= age < end for start, end in (SINKS_DOWN, CLOUD_DOWN))
        for at, reader in enumerate(self.readers):
            self.street.stages[reader.id].broken_sinks = {"two"} if sinks_down and at % 5 == 0 else set()
        self.street.dark = {reader.id for reader in self.readers} if cloud_down else set()

    def round(self):
        if self.chance.random() < 0.1:
            victim = self.chance.choice(self.readers)
            fuse = Fuse(at=self.chance.randrange(24), after=self.chance.random() < 0.5)
            self.street.fuses = {victim.id: fuse}
        try:
            turns = self.street.round()
        except Killed:
            self.kills += 1
            return  # the scheduler starts the next run in its time; nobody saw an exit code
        error = worst(turns) or dying(turns, self.street.clock.now(), 2 * self.every)
        self.failed_rounds += error is not None
        self.warned = {
            turn.reader.id for turn in turns if turn.error or dying((turn,), self.street.clock.now(), 2 * self.every)
        }

    def look(self):
        for reader in self.readers:
            for slot in (ONE, TWO):
                if not self.street.pulls(reader, slot):
                    self.dead.setdefault((reader.name, slot.sink), []).append(self.street.clock.now() - self.start)
                    if reader.id not in self.warned:
                        self.unannounced.append((reader.name, slot.sink, self.street.clock.now() - self.start))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_every_minute_of_a_month_every_slot_pulls(seed):
    """A platform would restart at the wrong minute and find a dead credential, and nobody would have been told."""
    month = Month(seed).live()
    assert (month.every, len(month.readers), month.kills >= 10) == (timedelta(minutes=30), 50, True)
    assert month.unannounced == []
    assert month.failed_rounds >= 40, "the outages were seen"
    for (name, sink), times in month.dead.items():
        by_cloud = all(CLOUD_DOWN[0] <= time < CLOUD_DOWN[1] + month.every for time in times)
        by_sink = all(SINKS_DOWN[0] <= time < SINKS_DOWN[1] + month.every for time in times)
        assert (name.startswith("three-hours") and (by_cloud or by_sink)) or (sink == "two" and by_sink), (
            name,
            sink,
            times[0],
        )
    assert {sink for _, sink in month.dead} == {"one", "two"}, "the outages were longer than what some had left"


@pytest.mark.slow
def test_after_the_month_nothing_is_left_over():
    """Killed runs and outages would leave orphan keys, open operations, or two platforms with different credentials."""
    month = Month(3).live()
    month.street.fuses = {}
    for _ in range(2):
        month.street.clock.time += timedelta(days=2)
        month.street.round()
    for reader in month.readers:
        stage = month.street.stages[reader.id]
        assert [one for one in stage.operations.values() if one.closed is None] == []
        assert len({stage.slots[slot].secret.reveal() for slot in (ONE, TWO)}) == 1
        assert len(stage.keys) <= 2
        assert [one.closed for one in stage.operations.values()].count(Close.CURRENT) >= DAYS // 8
        assert stage.made <= (DAYS + 4) * 24 * 2 * 2
