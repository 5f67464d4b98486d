"""What a verb works with: a catalog built from the environment and the options, and the readers that were meant."""

from __future__ import annotations

import os
import sys
from typing import Any

from pullgrant.catalog import Catalog
from pullgrant.cli.progress import Progress, quiet_libraries
from pullgrant.cli.verb import Given
from pullgrant.errors import NotFound, UsageError
from pullgrant.kit.clock import SystemClock
from pullgrant.model.reader import Reader
from pullgrant.ports import Ledger

LEDGER = "PULLGRANT_LEDGER"


def open_catalog(given: Given) -> Catalog:
    """Return a catalog for one verb; its ledger is that of PULLGRANT_LEDGER, or the user's own."""
    quiet_libraries(verbose=given.verbose)
    progress = Progress(given.log_format, sys.stderr)
    return Catalog(clock=SystemClock(), report=progress, ledger_url=os.environ.get(LEDGER) or None)


def chosen(ledger: Ledger, given: Given, *, need: bool = False) -> tuple[Reader, ...]:
    """Return the readers that --reader, --provider and --registry leave; all of them when none is given.

    A registry is named by its host or by the first part of it: `demo` is demo.azurecr.io.

    Raises NotFound when a named reader is not in the ledger, UsageError when `need` and none was named or several match.
    """
    wanted = getattr(given, "reader", None)
    readers = tuple(
        one
        for one in ledger.readers()
        if wanted in (None, one.name, one.id)
        and getattr(given, "provider", None) in (None, one.provider)
        and getattr(given, "registry", None) in (None, one.host, one.host.partition(".")[0])
    )
    if wanted and not readers:
        known = ", ".join(one.id for one in ledger.readers()) or "none"
        raise NotFound(f"the ledger knows no reader {wanted!r}", hint=f"Known: {known}.")
    if need and (not wanted or len(readers) != 1):
        names = ", ".join(one.id for one in readers) or "none"
        raise UsageError(f"name one reader with --reader; these match: {names}")
    return readers


def text(value: Any) -> str:
    """Return an option's text, empty for one that was not given."""
    return str(value) if value not in (None, False) else ""
