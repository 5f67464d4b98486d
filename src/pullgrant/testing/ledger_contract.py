"""What any Ledger must do. Subclass LedgerContract in a test module and give it the fixture `make_ledger`.

class TestMyLedger(LedgerContract):
    @pytest.fixture
    def make_ledger(self, tmp_path):
        opened = []

        def make(clock):
            opened.append(MyLedger(tmp_path / "journal", clock))
            return opened[-1]

        yield make
        for ledger in opened:
            ledger.dispose()
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from pullgrant.errors import Locked, PullgrantError
from pullgrant.model.operation import EVENTS, Close, Failed, Intent, Issuing, Noted, Operation, Withdrawn
from pullgrant.model.reader import Reader
from pullgrant.ports import Clock, Ledger
from pullgrant.secret import Secret
from pullgrant.testing.ledger_samples import DIFFICULT, NOON, SAMPLES, StillClock, intent, reader

MakeLedger: TypeAlias = Callable[[Clock], Ledger]


class LedgerContract:
    """The contract of the port `Ledger`."""

    @pytest.fixture
    def make_ledger(self) -> MakeLedger:
        """Return a function that opens one and the same empty ledger, anew at each call; close all at the end."""
        raise NotImplementedError("a subclass of LedgerContract defines the fixture make_ledger")

    @pytest.fixture
    def clock(self) -> StillClock:
        """The clock of both openings of the ledger."""
        return StillClock()

    @pytest.fixture
    def ledger(self, make_ledger: MakeLedger, clock: StillClock) -> Ledger:
        """The ledger, opened once."""
        return make_ledger(clock)

    @pytest.fixture
    def again(self, make_ledger: MakeLedger, clock: StillClock) -> Ledger:
        """The same ledger, opened a second time."""
        return make_ledger(clock)

    def test_id_stays(self, ledger: Ledger, again: Ledger) -> None:
        """A ledger that changes its name disowns every identity it made."""
        assert ledger.id
        assert again.id == ledger.id

    def test_an_opened_operation_is_seen_by_others(self, ledger: Ledger, again: Ledger, clock: StillClock) -> None:
        """An intent that another process can not see protects nothing."""
        wanted = intent(
            repositories=("app", DIFFICULT),
            options={"flag": True, "count": 3, "text": DIFFICULT, "list": ("x", "y"), "none": None},
            rotate_every=timedelta(days=1, microseconds=5),
        )
        operation = ledger.open(wanted)
        assert operation == Operation(id=operation.id, opened_at=clock.now(), intent=wanted)
        assert again.unfinished() == (operation,)
        assert again.history(wanted.reader.id) == (operation,)

    def test_operations_have_names_of_their_own(self, ledger: Ledger) -> None:
        """Two operations of one name would be taken for each other's keys."""
        assert len({ledger.open(intent()).id for _ in range(20)}) == 20

    def test_every_kind_of_event_comes_back(self, ledger: Ledger, again: Ledger, clock: StillClock) -> None:
        """An event that comes back changed, or not at all, misleads the recovery."""
        assert {type(event) for event in SAMPLES} == set(EVENTS)
        operation = ledger.open(intent())
        noted = []
        for event in SAMPLES:
            clock.sleep(0.25)
            operation = ledger.note(operation, event)
            noted.append(Noted(at=clock.now(), event=event))
        assert operation.events == tuple(noted)
        assert again.history(operation.intent.reader.id) == (operation,)

    def test_a_note_brings_what_others_noted(self, ledger: Ledger, again: Ledger) -> None:
        """A run that goes on with half the events decides on half the truth."""
        opened = ledger.open(intent())
        ledger.note(opened, Issuing())
        both = again.note(opened, Withdrawn(key_id="k"))
        assert [noted.event for noted in both.events] == [Issuing(), Withdrawn(key_id="k")]
        assert again.history(opened.intent.reader.id) == (both,)

    def test_a_closed_operation_takes_notes(self, ledger: Ledger, again: Ledger) -> None:
        """A key that is withdrawn after its grace could not be written down."""
        closed = ledger.close(ledger.open(intent()), Close.CURRENT)
        noted = ledger.note(closed, Withdrawn(key_id="k"))
        assert (noted.closed, noted.of(Withdrawn)) == (Close.CURRENT, (Withdrawn(key_id="k"),))
        assert again.history(noted.intent.reader.id) == (noted,)

    @pytest.mark.parametrize("outcome", list(Close))
    def test_a_closed_operation_is_not_unfinished(
        self, ledger: Ledger, again: Ledger, clock: StillClock, outcome: Close
    ) -> None:
        """A closed operation would be recovered again and again."""
        still_open, closing = ledger.open(intent()), ledger.open(intent())
        clock.sleep(60)
        closed = ledger.close(closing, outcome)
        assert closed == replace(closing, closed=outcome, closed_at=clock.now())
        assert again.unfinished() == (still_open,)
        assert again.history(closed.intent.reader.id) == (still_open, closed)

    def test_an_end_is_final(self, ledger: Ledger, clock: StillClock) -> None:
        """A journal that can be rewritten tells nothing; closing twice alike is harmless."""
        opened = ledger.open(intent())
        closed = ledger.close(opened, Close.UNDONE)
        clock.sleep(60)
        assert ledger.close(opened, Close.UNDONE) == closed
        with pytest.raises(PullgrantError, match=opened.id):
            ledger.close(opened, Close.CURRENT)
        assert ledger.history(opened.intent.reader.id) == (closed,)

    def test_what_is_forgotten_is_gone(self, ledger: Ledger, again: Ledger) -> None:
        """A journal that only grows makes every run slower than the one before."""
        old, other = (ledger.note(ledger.open(intent()), Issuing()) for _ in range(2))
        old, kept = ledger.close(old, Close.CURRENT), ledger.close(other, Close.CURRENT)
        still_open = ledger.open(intent())
        for _ in range(2):
            ledger.forget((old, still_open))
        assert again.history(old.intent.reader.id) == (kept, still_open)
        with pytest.raises(PullgrantError, match=old.id):
            ledger.note(old, Issuing())

    def test_an_unknown_operation_is_refused(self, ledger: Ledger) -> None:
        """A note that goes nowhere is a note lost."""
        foreign = Operation(id="never-opened", opened_at=NOON, intent=intent())
        with pytest.raises(PullgrantError, match="never-opened"):
            ledger.note(foreign, Issuing())
        with pytest.raises(PullgrantError, match="never-opened"):
            ledger.close(foreign, Close.UNDONE)
        assert ledger.history(foreign.intent.reader.id) == ()

    def test_unfinished_is_oldest_first_over_all_readers(self, ledger: Ledger, again: Ledger) -> None:
        """A later operation recovered before an earlier one withdraws the wrong key."""
        opened = tuple(ledger.open(intent(name)) for name in ("b", "a", "c", "a"))
        assert again.unfinished() == opened

    def test_history_is_of_one_reader(self, ledger: Ledger) -> None:
        """The keys of another reader would be taken for this one's."""
        first, _, third = (ledger.open(intent(name)) for name in ("a", "A", "a"))
        assert ledger.history(reader("a").id) == (first, third)
        assert ledger.history(reader("a%").id) == ()

    @pytest.mark.parametrize(
        ("life", "exists"),
        [
            ([("apply", Close.CURRENT)], True),
            ([("apply", None)], True),
            ([("bootstrap", None)], True),
            ([("apply", Close.UNDONE)], False),
            ([("apply", Close.SUPERSEDED)], False),
            ([("verify", Close.VERIFIED)], False),
            ([("revoke", None)], False),
            ([("apply", Close.CURRENT), ("rotate", Close.UNDONE)], True),
            ([("apply", Close.CURRENT), ("revoke", None)], True),
            ([("apply", Close.CURRENT), ("revoke", Close.REVOKED)], False),
            ([("apply", None), ("revoke", Close.REVOKED)], False),
            ([("apply", Close.CURRENT), ("revoke", Close.REVOKED), ("verify", Close.VERIFIED)], False),
            ([("apply", Close.CURRENT), ("revoke", Close.REVOKED), ("apply", Close.CURRENT)], True),
        ],
        ids=lambda value: "-".join(f"{verb}.{end}" for verb, end in value) if isinstance(value, list) else str(value),
    )
    def test_readers_live_until_revoked(self, ledger: Ledger, life: list[tuple[str, Close | None]], exists: bool) -> None:
        """A reader that exists would be forgotten, or a revoked one renewed."""
        for verb, end in life:
            operation = ledger.open(intent(verb=verb))
            if end is not None:
                ledger.close(operation, end)
        assert ledger.readers() == ((reader(),) if exists else ())

    def test_readers_come_in_their_last_form_by_id(self, ledger: Ledger) -> None:
        """A renewal would use a scope that was replaced; an unstable order makes two runs look different."""
        for name, host in (("b", "old"), ("aa", "x"), ("a-b", "x"), ("B", "x"), ("b", "new")):
            ledger.close(
                ledger.open(Intent(verb="apply", reader=Reader(provider="p", account="", name=name, host=host))),
                Close.CURRENT,
            )
        undone = Intent(verb="apply", reader=Reader(provider="p", account="", name="b", host="tried"))
        ledger.close(ledger.open(undone), Close.UNDONE)
        found = [(one.name, one.host) for one in ledger.readers()]
        assert found == [("B", "x"), ("a-b", "x"), ("aa", "x"), ("b", "new")]

    def test_the_lock_of_a_reader_is_held_once(self, ledger: Ledger, again: Ledger) -> None:
        """Two runs on one reader replace each other's keys."""
        with ledger.exclusive("gcp:p/a", wait=timedelta(0)):
            for other in (ledger, again):
                with pytest.raises(Locked, match="gcp:p/a"), other.exclusive("gcp:p/a", wait=timedelta(seconds=5)):
                    pytest.fail("the lock was given twice")
        with again.exclusive("gcp:p/a", wait=timedelta(0)):
            pass

    def test_the_lock_is_free_after_an_error(self, ledger: Ledger, again: Ledger) -> None:
        """One failed run would block all later ones."""
        with pytest.raises(ZeroDivisionError), ledger.exclusive("gcp:p/a", wait=timedelta(0)):
            _ = 1 / 0
        with again.exclusive("gcp:p/a", wait=timedelta(0)):
            pass

    def test_locks_of_two_readers_do_not_meet(self, ledger: Ledger) -> None:
        """Readers could not be renewed at the same time."""
        both = threading.Barrier(2, timeout=20)

        def hold(name: str) -> bool:
            with ledger.exclusive(name, wait=timedelta(0)):
                return both.wait() >= 0

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(hold, ("gcp:p/a", "gcp:p/A"))) == [True, True]

    def test_fingerprints_tell_equal_secrets(self, ledger: Ledger, again: Ledger) -> None:
        """A changed secret in a slot would go unseen, or an unchanged one be taken for changed."""
        print_of = ledger.fingerprint(Secret("canary-1"))
        assert again.fingerprint(Secret("canary-1")) == print_of
        assert ledger.fingerprint(Secret("canary-2")) != print_of
        assert "canary" not in print_of

    def test_a_secret_is_never_taken(self, ledger: Ledger, again: Ledger) -> None:
        """A secret in the ledger outlives its key in every backup."""
        hidden: Any = Secret("canary-1")
        operation = ledger.open(intent())
        for event in (Failed(step="deliver", words=hidden), Withdrawn(key_id=hidden), hidden):
            with pytest.raises(PullgrantError) as caught:
                ledger.note(operation, event)
            assert "canary-1" not in str(caught.value)
        with pytest.raises(PullgrantError) as caught:
            ledger.open(intent(options={"password": hidden}))
        assert "canary-1" not in str(caught.value)
        assert again.unfinished() == (operation,)

    def test_threads_lose_no_note(self, ledger: Ledger, again: Ledger) -> None:
        """A receipt that is lost when slots are filled at the same time makes a delivery look undone."""
        opened = ledger.open(intent())
        numbers = [f"{number}" for number in range(40)]
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda n: (ledger, again)[int(n) % 2].note(opened, Withdrawn(key_id=n)), numbers))
        (operation,) = ledger.history(opened.intent.reader.id)
        assert sorted(event.key_id for event in operation.of(Withdrawn)) == sorted(numbers)
        assert sorted(len(result.events) for result in results) == list(range(1, 41))
        assert all(result.events == operation.events[: len(result.events)] for result in results)
