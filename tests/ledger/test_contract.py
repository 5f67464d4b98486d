"""The contract of ledgers, over SQLite and over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pullgrant.ledger import open_ledger
from pullgrant.ports import Clock, Ledger
from pullgrant.testing.ledger_contract import LedgerContract, MakeLedger


def _opener(url: str) -> Iterator[MakeLedger]:
    with ExitStack() as stack:

        def make(clock: Clock) -> Ledger:
            return stack.enter_context(open_ledger(url, clock))

        yield make


class TestSqlite(LedgerContract):
    """The embedded default."""

    @pytest.fixture
    def make_ledger(self, tmp_path: Path) -> Iterator[MakeLedger]:
        """One file in the folder of the test."""
        yield from _opener(f"{tmp_path / 'ledger.sqlite'}")


@pytest.mark.real("psql")
class TestPostgres(LedgerContract):
    """The shared one."""

    @pytest.fixture
    def make_ledger(self, postgres) -> Iterator[MakeLedger]:
        """One schema of the server."""
        yield from _opener(postgres.new_url())
