"""Times whole processes, interleaved, and tells medians."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

PYTHON = sys.executable


@dataclass
class Timed:
    """The runs of one command: wall and processor seconds."""

    name: str
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def median_cpu(self) -> float:
        return statistics.median(self.cpu)


def once(argv: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Run one command to its end; return wall and processor seconds. Raises when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(list(argv), env=dict(env), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interleaved(
    commands: Mapping[str, Sequence[Sequence[str]]],
    *,
    env: Mapping[str, str] | None = None,
    runs: int = 5,
    before: Callable[[], None] = lambda: None,
) -> dict[str, Timed]:
    """Run each entry (one command, or several in a row) `runs` times in turn, after one warm-up that does not count."""
    timed = {name: Timed(name) for name in commands}
    for turn in range(runs + 1):
        for name, argvs in commands.items():
            before()
            measured = [once(argv, env or os.environ) for argv in argvs]
            if turn:
                timed[name].wall.append(sum(wall for wall, _ in measured))
                timed[name].cpu.append(sum(cpu for _, cpu in measured))
    return timed


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table in Markdown; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
