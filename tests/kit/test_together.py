"""Calls at the same time: order, completeness, and which error is seen."""

from __future__ import annotations

import threading

import pytest

from pullgrant.kit.together import all_of, together


def test_results_in_order():
    """A slot would get the answer of another one."""
    second_ran = threading.Event()

    def first() -> int:
        assert second_ran.wait(5)
        return 1

    def second() -> int:
        second_ran.set()
        return 2

    assert together(first, second) == (1, 2)
    assert together() == ()


def test_they_run_at_the_same_time():
    """Looking at many things would take as long as one after the other."""
    barrier = threading.Barrier(5)
    together(*[lambda: barrier.wait(5)] * 5)
    assert not barrier.broken
    assert sorted(all_of(lambda item: barrier.wait(5), range(5), at_once=5)) == [0, 1, 2, 3, 4]


def test_all_have_ended_before_an_error_is_raised():
    """A change would still be under way while its undoing begins."""
    ended: list[str] = []
    failed = threading.Event()

    def slow() -> None:
        assert failed.wait(5)
        ended.append("slow")

    def failing() -> None:
        failed.set()
        raise ValueError("failing")

    with pytest.raises(ValueError, match="failing"):
        together(failing, slow)
    assert ended == ["slow"]


def test_the_first_error_in_order_is_raised():
    """The same run would fail with another error each time."""
    second_failed = threading.Event()

    def first() -> None:
        assert second_failed.wait(5)
        raise ValueError("first")

    def second() -> None:
        second_failed.set()
        raise ValueError("second")

    with pytest.raises(ValueError, match="first"):
        together(first, second)
    with pytest.raises(ValueError, match="first"):
        all_of(lambda call: call(), [first, second])


def test_all_of_keeps_to_its_number():
    """A cloud would be asked more at once than it allows."""
    running, most, lock = 0, 0, threading.Lock()

    def count(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1
        return item * 2

    assert all_of(count, range(20), at_once=3) == tuple(range(0, 40, 2))
    assert 1 < most <= 3
    assert all_of(count, []) == ()
