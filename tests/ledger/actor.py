"""Another process on a ledger: `python actor.py WHAT URL [ARGUMENT]`. It says what it did, and may wait to be killed."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from pullgrant.errors import PullgrantError
from pullgrant.ledger import open_ledger
from pullgrant.ledger.location import SqliteFile, locate
from pullgrant.ledger.migrations import STEPS, Step
from pullgrant.ledger.postgres import PostgresStore
from pullgrant.ledger.sql import SqlLedger
from pullgrant.ledger.sqlite import SqliteStore
from pullgrant.model.operation import Intent, Issuing, Withdrawn
from pullgrant.model.reader import Reader

READER = Reader(provider="gcp", account="p", name="actor", host="gcr.io")


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def ledger_with(url: str, steps: tuple[Step, ...], patience: timedelta = timedelta(seconds=15)) -> SqlLedger:
    """Open a ledger with other migration steps than the released ones."""
    location = locate(url, os.environ)
    if isinstance(location, SqliteFile):
        return SqlLedger(SqliteStore(location, patience=patience), RealClock(), steps=steps)
    return SqlLedger(PostgresStore(location, patience=patience), RealClock(), steps=steps)


def say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def wait_to_be_killed() -> None:
    sys.stdin.read()


def half(connection: Connection) -> None:
    """Change one thing and never come to the second."""
    connection.exec_driver_sql("ALTER TABLE pullgrant_operations ADD COLUMN half TEXT")
    say("half-way")
    wait_to_be_killed()


def act(what: str, url: str, argument: str) -> None:
    if what == "upgrade":
        ledger_with(url, (*STEPS, Step(version=2, apply=half)))
        return
    with open_ledger(url, RealClock()) as ledger:
        if what == "id":
            say(ledger.id)
        elif what == "note":
            say(ledger.note(ledger.open(Intent(verb="apply", reader=READER)), Issuing()).id)
            wait_to_be_killed()
        elif what == "notes":  # on the oldest open operation, one line for each that is durable
            operation = ledger.unfinished()[0]
            for number in range(int(argument)):
                operation = ledger.note(operation, Withdrawn(key_id=f"{os.getpid()}-{number}"))
                say(f"{os.getpid()}-{number}")
        elif what == "hold":
            with ledger.exclusive(READER.id, wait=timedelta(seconds=float(argument))):
                say("held")
                wait_to_be_killed()


if __name__ == "__main__":
    try:
        act(sys.argv[1], sys.argv[2], (*sys.argv, "")[3])
    except PullgrantError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
