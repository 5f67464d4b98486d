"""Runs one command line whose process dies by SIGKILL at one ledger write or sink write: mortal.py N before|after ARGV..."""

import os
import signal
import sys
from typing import Any

from pullgrant import catalog, cli

FATAL = frozenset({"open", "note", "close", "forget", "deliver", "withdraw"})


class Mortal:
    """Passes every call on; the one that the count names is the last."""

    seen = 0

    def __init__(self, inner: Any, at: int, when: str) -> None:
        self._inner, self._at, self._when = inner, at, when

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in FATAL:
            return found

        def called(*args: Any, **more: Any) -> Any:
            mine = Mortal.seen == self._at
            Mortal.seen += 1
            if mine and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = found(*args, **more)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return called


def main(at: int, when: str, argv: list[str]) -> None:
    """Wrap the ledger and the sinks of every catalog, and run."""

    class MortalCatalog(catalog.Catalog):
        @property
        def ledger(self) -> Any:
            return Mortal(super().ledger, at, when)

        def sink(self, name: str, **more: Any) -> Any:
            return Mortal(super().sink(name, **more), at, when)

    from pullgrant.cli import session

    session.Catalog = MortalCatalog  # type: ignore[misc]
    try:
        cli.program.run(["pullgrant", *argv])
    finally:
        print(f"calls {Mortal.seen}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
