"""Several processes on one ledger, some of them killed, over SQLite and over a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from ledger.actor import READER, RealClock, ledger_with
from pullgrant.errors import Locked
from pullgrant.ledger import open_ledger
from pullgrant.ledger.migrations import STEPS, Step, ddl
from pullgrant.model.operation import Intent, Issuing, Withdrawn
from pullgrant.testing.ledger_samples import StillClock, intent

Actor: TypeAlias = Callable[..., subprocess.Popen[str]]
COLUMN = "ALTER TABLE pullgrant_operations ADD COLUMN half TEXT"


def heard(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process says, and its last words when it says no more."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        _, errors = process.communicate(timeout=20)
        pytest.fail(f"the process ended with {process.returncode}: {errors}")
    return line


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    assert process.returncode == -signal.SIGKILL


def test_a_note_survives_a_kill(url: str, actor: Actor) -> None:
    """A key could exist that no journal names."""
    process = actor("note", url)
    name = heard(process)
    kill(process)
    with open_ledger(url, StillClock()) as ledger:
        (operation,) = ledger.unfinished()
        assert (operation.id, operation.of(Issuing)) == (name, (Issuing(),))


def test_a_kill_in_the_middle_leaves_a_whole_beginning(url: str, actor: Actor) -> None:
    """Half an event, or a gap before the last one, would be read as something that never happened."""
    with open_ledger(url, StillClock()) as ledger:
        opened = ledger.open(intent())
        process = actor("notes", url, "100000")
        said = [heard(process) for _ in range(25)]
        kill(process)
        noted = [event.key_id for event in ledger.history(opened.intent.reader.id)[0].of(Withdrawn)]
        assert noted[:25] == said
        assert noted == [f"{process.pid}-{number}" for number in range(len(noted))]


def test_processes_lose_no_note(url: str, actor: Actor) -> None:
    """A receipt of a run that works at the same time would be overwritten."""
    with open_ledger(url, StillClock()) as ledger:
        opened = ledger.open(intent())
        processes = [actor("notes", url, "40") for _ in range(3)]
        said = [word for process in processes for word in process.communicate(timeout=60)[0].split()]
        assert [process.returncode for process in processes] == [0, 0, 0]
        noted = [event.key_id for event in ledger.history(opened.intent.reader.id)[0].of(Withdrawn)]
        assert len(said) == 120
        assert sorted(noted) == sorted(said)


def test_processes_make_one_ledger(url: str, actor: Actor) -> None:
    """Two first runs at the same time would disown each other's identities, or one would fail."""
    processes = [actor("id", url) for _ in range(5)]
    ends = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert [(errors, code) for _, errors, code in ends] == [("", 0)] * 5
    assert len({name for name, _, _ in ends}) == 1


def test_another_process_holds_the_lock(url: str, actor: Actor) -> None:
    """Two machines renewing one reader would replace each other's keys."""
    holder = actor("hold", url, "0")
    assert heard(holder) == "held"
    refused = actor("hold", url, "0.2")
    said, errors = refused.communicate(timeout=20)
    assert (refused.returncode, said) == (Locked.exit_code, "")
    assert READER.id in errors
    with open_ledger(url, StillClock()) as ledger, ledger.exclusive("gcp:p/another", wait=timedelta(0)):
        assert holder.poll() is None


def test_a_killed_process_holds_no_lock(url: str, actor: Actor) -> None:
    """A reader would be blocked until somebody removes a stale lock by hand."""
    holder = actor("hold", url, "0")
    assert heard(holder) == "held"
    kill(holder)
    with open_ledger(url, RealClock()) as ledger, ledger.exclusive(READER.id, wait=timedelta(seconds=20)):
        assert ledger.unfinished() == ()


def test_a_waiting_process_gets_the_lock(url: str, actor: Actor) -> None:
    """A second run would fail although the first one ends within its patience."""
    with open_ledger(url, RealClock()) as ledger:
        with ledger.exclusive(READER.id, wait=timedelta(0)):
            waiting = actor("hold", url, "30")
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(timeout=0.6)
        assert heard(waiting) == "held"
        with pytest.raises(Locked), ledger.exclusive(READER.id, wait=timedelta(0)):
            pytest.fail("the lock was given twice")


def test_a_killed_upgrade_leaves_the_old_schema(url: str, actor: Actor) -> None:
    """A schema changed by half fits no release."""
    with open_ledger(url, StillClock()) as ledger:
        opened, name = ledger.open(Intent(verb="apply", reader=READER)), ledger.id
    process = actor("upgrade", url)
    assert heard(process) == "half-way"
    kill(process)
    with open_ledger(url, StillClock()) as ledger:
        assert (ledger.id, ledger.unfinished()) == (name, (opened,))
    with ledger_with(url, (*STEPS, Step(version=2, apply=ddl(COLUMN)))) as ledger:
        assert (ledger.id, ledger.unfinished()) == (name, (opened,))
