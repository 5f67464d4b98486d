"""Progress on stderr: one line a step with its time, for a person or for a machine."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, TextIO

from pullgrant.errors import UsageError


class Progress:
    """Writes steps as text or as JSON lines. On a terminal the line of a wait is rewritten in place, through rich."""

    def __init__(self, form: str, stream: TextIO) -> None:
        if form not in ("text", "json"):
            raise UsageError(f"--log-format {form!r} is unknown", hint="Give text or json.")
        self._form, self._stream = form, stream
        self._started = time.monotonic()
        self._live: Any = None

    def step(self, words: str) -> None:
        """Say what was just done, with the seconds since the start."""
        self._settle()
        self._line("step", words)

    def waiting(self, words: str) -> None:
        """Say what is being waited for: rewritten in place on a terminal, a line each elsewhere."""
        if self._form == "text" and self._stream.isatty():
            if self._live is None:
                from rich.console import Console

                self._live = Console(file=self._stream).status(words)
                self._live.start()
            self._live.update(words)
            return
        self._line("waiting", words)

    def _settle(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self, kind: str, words: str) -> None:
        seconds = time.monotonic() - self._started
        if self._form == "json":
            record = {"at": datetime.now(UTC).isoformat(), "kind": kind, "seconds": round(seconds, 3), "words": words}
            print(json.dumps(record), file=self._stream, flush=True)
        else:
            print(f"{seconds:6.2f} s  {'waiting: ' if kind == 'waiting' else ''}{words}", file=self._stream, flush=True)


def quiet_libraries(*, verbose: bool) -> None:
    """Keep the SDKs' loggers above DEBUG whatever a root level says: at DEBUG they print requests and answers."""
    for name in ("google", "azure", "msal", "botocore", "boto3", "urllib3", "httpx", "httpcore", "kubernetes", "hvac"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    if verbose:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("          %(name)s: %(message)s"))
        ours = logging.getLogger("pullgrant")
        ours.handlers[:] = [handler]
        ours.setLevel(logging.DEBUG)
