"""The time of the machine."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

AHEAD = "PULLGRANT_CLOCK_AHEAD"


class SystemClock:
    """The machine's clocks. PULLGRANT_CLOCK_AHEAD (seconds) moves the time of day forward, to rehearse a schedule."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=float(os.environ.get(AHEAD) or 0))

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never steps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
