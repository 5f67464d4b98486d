"""A simulated month: fifty readers on three registries, broken platforms, a cloud that is down, and runs that are killed.

Between two rounds nothing changes but the time: what pulls after a round and in the last minute before the next one has
pulled in every minute between them.
"""

from __future__ import annotations

import random
from concurrent.futures import Future
from datetime import timedelta

import pytest

from flows.street import ONE, TWO, Fuse, Street, hours
from pullgrant.flows.rounds import dying, worst
from pullgrant.flows.status import standing
from pullgrant.flows.timetable import timetable
from pullgrant.kit import together
from pullgrant.model.operation import Close
from pullgrant.testing.fuse import Killed, unknown

DAYS = 30
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
REGISTRIES = ("one.example", "two.example", "three.example")
LIVES = {  # how many of each
    "eight-hours": (3, {"ttl": hours(8)}),
    "twelve-hours": (5, {"ttl": hours(12)}),
    "a-day": (6, {"ttl": DAY}),
    "nine-days": (6, {"ttl": 9 * DAY}),
    "keys": (20, {"rotate_every": 7 * DAY}),
    "keys-with-notes": (10, {"rotate_every": 5 * DAY, "grace": hours(36), "key_notes": True}),
}
SINKS_DOWN = (timedelta(days=6, hours=9), timedelta(days=7, hours=9))
CLOUD_DOWN = (timedelta(days=11, hours=23, minutes=30), timedelta(days=12, hours=4, minutes=30))
MOST_CALLS = 80  # of one round, after which it may be killed


class Inline:
    """Stands for a pool of threads and runs one call after another, so that a seed means the same month each time."""

    def __init__(self, **_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, call, *args):
        future = Future()
        try:
            future.set_result(call(*args))
        except BaseException as error:
            future.set_exception(error)
        return future


class Process(Fuse):
    """One fuse for a whole round: when it has blown, nothing of the process runs any more."""

    dead = False

    def around(self, name, call):
        if self.dead:
            raise Killed
        try:
            return super().around(name, call)
        except Killed:
            self.dead = True
            raise


class Month:
    """Lives a month in rounds and keeps a diary of what went wrong, as (reader, sink, age of the month).

    `dead` are all slots that did not pull; `unsaid` those of them of which the last exit code had not spoken; `wasted` those
    that a round in which nothing was broken should have renewed. `cut` are keys that ended within their grace.
    """

    def __init__(self, seed):
        self.chance, self.street = random.Random(seed), Street()
        self.start = self.street.clock.now()
        self.readers = [
            self.street.move_in(f"{kind}-{at}", registry=REGISTRIES[at % 3], **terms)
            for kind, (count, terms) in LIVES.items()
            for at in range(count)
        ]
        self.every = timetable([standing(one, self.street.history(one.id)) for one in self.readers]).every
        self.rounds = self.kills = self.failures = self.most_keys = 0
        self.killed = self.sinks_down = self.cloud_down = False
        self.dead, self.unsaid, self.wasted, self.cut = [], [], [], []
        self.warned, self.renewable, self.held, self.replaced = set(), {}, {}, []

    @property
    def age(self):
        return self.street.clock.now() - self.start

    def stage(self, reader):
        return self.street.stages[reader.id]

    def live(self, days, *, calm=False):
        end = self.age + timedelta(days=days)
        while self.age < end:
            begun = self.age
            self.weather(calm=calm)
            self.round(calm=calm)
            assert self.age - begun < 10 * MINUTE
            self.look()
            self.street.clock.time = self.start + begun + self.every - MINUTE
            self.look()
            self.street.clock.time += MINUTE
        return self

    def weather(self, *, calm):
        self.sinks_down, self.cloud_down = (start <= self.age < end and not calm for start, end in (SINKS_DOWN, CLOUD_DOWN))
        for reader in self.readers:
            self.stage(reader).broken_sinks = {"two"} if self.sinks_down and self.is_fragile(reader) else set()
        self.street.dark = {reader.id for reader in self.readers} if self.cloud_down else set()

    @staticmethod
    def is_fragile(reader):
        """Whether the reader's second platform is one that fails for a day: two fifths of each kind."""
        return int(reader.name.rpartition("-")[2]) % 5 in (0, 2)

    def round(self, *, calm):
        """Run one round. A quarter of them dies, though not twice running; in most others one reader meets a fault."""
        self.rounds += 1
        dies = not calm and not self.killed and self.chance.random() < 0.25
        process = Process(at=self.chance.randrange(MOST_CALLS) if dies else -1, after=self.chance.random() < 0.5)
        victim = self.chance.choice(self.readers)
        fault = Fuse(at=self.chance.randrange(24), after=self.chance.random() < 0.5, error=unknown)
        self.street.fuses = dict.fromkeys(self.street.known, process) | ({} if calm or dies else {victim.id: fault})
        self.killed = False
        try:
            turns = self.street.round()
        except Killed:  # nobody saw an exit code; the scheduler starts the next run in its time
            self.kills, self.killed = self.kills + 1, True
            return
        now, ahead = self.street.clock.now(), 2 * self.every  # what `schedule` gives as --next-run
        self.failures += (worst(turns) or dying(turns, now, ahead)) is not None
        self.warned = {turn.reader.id for turn in turns if turn.error or dying((turn,), now, ahead)}
        for reader in self.readers:
            if not self.cloud_down and not (reader == victim and len(fault.calls) > fault.at):
                self.renewable[reader.id, ONE] = now
                if not (self.sinks_down and self.is_fragile(reader)):
                    self.renewable[reader.id, TWO] = now

    def look(self):
        """Pull with every slot, and with the keys that a platform which caches may still use."""
        now = self.street.clock.now()
        for reader in self.readers:
            stage = self.stage(reader)
            self.most_keys = max(self.most_keys, len(stage.keys))
            for slot in (ONE, TWO):
                credential = stage.slots[slot]
                before = self.held.get((reader.id, slot), credential)
                self.held[reader.id, slot] = credential
                if before != credential and stage.ttl is None:
                    self.replaced.append((reader, before, now + reader.grace))
                if not stage.pulls(slot):
                    self.note_death(reader, slot, credential.expires_at)
        self.replaced = [one for one in self.replaced if now < one[2]]
        self.cut += [(reader.name, self.age) for reader, old, _ in self.replaced if not self.stage(reader).signs_in(old)]

    def note_death(self, reader, slot, expires_at):
        line = (reader.name, slot.sink, self.age)
        self.dead.append(line)
        if reader.id not in self.warned:
            self.unsaid.append(line)
        life = self.stage(reader).ttl
        if life is None or self.renewable[reader.id, slot] >= expires_at - life * (1 - due_after(life)):
            self.wasted.append(line)


def due_after(life):
    """The part of a life after which a credential is renewed at the latest."""
    return 1 / 2 if life <= DAY else 2 / 3


@pytest.fixture(autouse=True)
def _one_after_another(monkeypatch):
    monkeypatch.setattr(together, "ThreadPoolExecutor", Inline)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_every_minute_of_a_month_every_slot_pulls(seed):
    """A platform would restart at the wrong minute and find a dead credential, and nobody would have been told."""
    month = Month(seed).live(DAYS)
    assert (month.every, len(month.readers), month.rounds) == (hours(2), 50, DAYS * 12)
    assert (month.unsaid, month.wasted, month.cut) == ([], [], [])
    assert {sink for _, sink, _ in month.dead} == {"one", "two"}, "the outages were longer than what some had left"
    assert (month.kills >= 30, month.failures >= 20) == (True, True), "the month was hard"
    assert month.most_keys < 10, "a platform that is down for a day does not fill an identity up to Google's limit"
    assert_clean(month.live(3, calm=True))


def assert_clean(month):
    """Nothing is left of killed runs and outages: no open operation, no old key, no split, and no failure that stays."""
    assert month.warned == set()
    for reader in month.readers:
        stage = month.stage(reader)
        closed = [one.closed for one in stage.operations.values()]
        assert (None in closed, len({stage.slots[slot].secret.reveal() for slot in (ONE, TWO)})) == (False, 1)
        assert (stage.pulls(ONE), len(stage.keys) <= 2) == (True, True)
        age = stage.ttl * due_after(stage.ttl) if stage.ttl else reader.rotate_every
        assert closed.count(Close.CURRENT) >= DAYS * DAY // (age + month.every) - 2
        assert stage.made <= DAYS * DAY / (age * 0.9) + 25
