"""Repetition: what is repeated, how long, and with which waits. No test waits for real."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullgrant.errors import NotVisibleYet, OutcomeUnknown, PermissionDenied, RateLimited, Unavailable
from pullgrant.kit.retry import retrying


class FakeTimer:
    """A timer whose time passes only in sleep, and `takes` seconds in each call."""

    def __init__(self, takes: float = 0.0) -> None:
        self.now, self.takes = 1000.0, takes
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class Failing:
    """A call that raises each of the errors once, then returns."""

    def __init__(self, *errors: Exception, timer: FakeTimer | None = None) -> None:
        self.errors, self.calls, self.timer = list(errors), 0, timer or FakeTimer()

    def __call__(self) -> str:
        self.calls += 1
        self.timer.now += self.timer.takes
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_good_call_is_made_once():
    """Every call would be made twice, or waited for."""
    timer, call = FakeTimer(), Failing()
    assert retrying(call, timer=timer, budget=minutes(1)) == "done"
    assert (call.calls, timer.sleeps) == (1, [])


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("slow"), NotVisibleYet("new")])
def test_what_may_help_is_repeated(error):
    """A passing failure would end the run."""
    call = Failing(error, error)
    assert retrying(call, timer=FakeTimer(), budget=minutes(1)) == "done"
    assert call.calls == 3


@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), PermissionDenied("no"), ValueError("bug")])
def test_what_cannot_help_is_not_repeated(error):
    """A create call of unknown outcome would be made twice, or a refusal asked for again and again."""
    call = Failing(error)
    with pytest.raises(type(error)) as caught:
        retrying(call, timer=FakeTimer(), budget=minutes(1))
    assert caught.value is error
    assert call.calls == 1


def test_when_decides():
    """A caller could not wait for a refusal that is only the cloud not having settled."""
    call = Failing(PermissionDenied("not yet"))
    assert retrying(call, timer=FakeTimer(), budget=minutes(1), when=lambda error: True) == "done"
    with pytest.raises(Unavailable):
        retrying(Failing(Unavailable("down")), timer=FakeTimer(), budget=minutes(1), when=lambda error: False)


def test_on_wait_is_told_before_each_wait():
    """The user would watch a silent program."""
    errors = [Unavailable("first"), Unavailable("second")]
    told: list[tuple[str, int]] = []
    timer = FakeTimer()
    retrying(
        Failing(*errors),
        timer=timer,
        budget=minutes(1),
        on_wait=lambda error: told.append((error.message, len(timer.sleeps))),
    )
    assert told == [("first", 0), ("second", 1)]


@given(budget=st.floats(0, 600), takes=st.floats(0, 30), retry_after=st.none() | st.floats(0, 1200))
def test_the_budget_holds(budget, takes, retry_after):
    """A run would wait longer than was said, or give up before."""
    timer = FakeTimer(takes)
    error = RateLimited("slow", retry_after=retry_after)
    call = Failing(*[error] * 10_000, timer=timer)
    with pytest.raises(RateLimited) as caught:
        retrying(call, timer=timer, budget=timedelta(seconds=budget))
    slept_until = timer.now - takes
    assert caught.value is error
    assert slept_until <= 1000 + budget + 0.001
    assert timer.now + max(8.0, retry_after or 0.0) >= 1000 + budget


def test_the_last_error_is_the_real_one():
    """After waiting the user would see the first reason, or one of our own, instead of the one that lasted."""
    call = Failing(*[Unavailable(str(number)) for number in range(1, 100)])
    with pytest.raises(Unavailable) as caught:
        retrying(call, timer=FakeTimer(), budget=minutes(1))
    assert caught.value.message == str(call.calls)
    assert call.calls > 5


def test_retry_after_is_obeyed():
    """The other side would be asked again before it said, and throttle for longer."""
    timer = FakeTimer()
    retrying(Failing(RateLimited("slow", retry_after=30.0), Unavailable("down")), timer=timer, budget=minutes(5))
    assert timer.sleeps[0] == 30.0
    assert 0.25 <= timer.sleeps[1] <= 0.5


def test_a_retry_after_beyond_the_budget_ends_it_at_once():
    """The user would wait for a budget that cannot be enough."""
    timer = FakeTimer()
    with pytest.raises(RateLimited):
        retrying(Failing(RateLimited("slow", retry_after=90.0)), timer=timer, budget=minutes(1))
    assert timer.sleeps == []


@given(first=st.floats(0.01, 2), most=st.floats(2, 20))
def test_jitter_stays_in_its_bounds(first, most):
    """Many runs would come back at the same moment, or one would hammer."""
    timer = FakeTimer()
    retrying(Failing(*[Unavailable("down")] * 12), timer=timer, budget=minutes(60), first=first, most=most)
    tops = [min(first * 2**turn, most) for turn in range(12)]
    assert len(timer.sleeps) == 12
    assert all(top / 2 <= slept <= top for slept, top in zip(timer.sleeps, tops, strict=True))


def test_jitter_is_there():
    """Many runs that failed together would come back together."""
    timer = FakeTimer()
    retrying(Failing(*[Unavailable("down")] * 12), timer=timer, budget=minutes(60), first=1.0, most=1.0)
    assert len(set(timer.sleeps)) > 1
