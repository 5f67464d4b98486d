"""Times whole processes, interleaved, and tells medians."""

from __future__ import annotations

import json
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


@dataclass(frozen=True)
class Measured:
    """One run of a command: its seconds, its highest memory and what it printed."""

    wall: float
    cpu: float
    mib: float
    out: str


# In a small process of its own: a child begins with the memory of the process that starts it, and this one may hold a sandbox.
_MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
run = subprocess.run(sys.argv[1:], capture_output=True, text=True)
wall, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([run.returncode, run.stderr[-500:], wall, used.ru_utime + used.ru_stime, used.ru_maxrss * unit, run.stdout]))
"""


def measured(argv: Sequence[str], env: Mapping[str, str]) -> Measured:
    """Run one command to its end and measure it as a whole. Raises RuntimeError when it fails."""
    run = subprocess.run(
        [PYTHON, "-IS", "-c", _MEASURE, *argv], env=dict(env), check=True, capture_output=True, text=True, timeout=1800
    )
    code, words, wall, cpu, used, out = json.loads(run.stdout)
    if code:
        raise RuntimeError(f"{' '.join(argv)} ended with {code}: {words}")
    return Measured(wall=wall, cpu=cpu, mib=used / 2**20, out=out)


def once(argv: Sequence[str], env: Mapping[str, str], given: str = "") -> tuple[float, float]:
    """Run one command to its end, `given` as its standard input; return wall and processor seconds. Raises when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    quiet = subprocess.DEVNULL
    subprocess.run(list(argv), env=dict(env), check=True, stdout=quiet, stderr=quiet, input=given.encode(), timeout=300)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interleaved(
    commands: Mapping[str, Sequence[Sequence[str]]],
    *,
    env: Mapping[str, str] | None = None,
    runs: int = 5,
    before: Callable[[], None] = lambda: None,
    given: str = "",
) -> dict[str, Timed]:
    """Run each entry (one command, or several in a row) `runs` times in turn, after one warm-up that does not count.

    `given` is the standard input of every command.
    """
    timed = {name: Timed(name) for name in commands}
    for turn in range(runs + 1):
        for name, argvs in commands.items():
            before()
            seconds = [once(argv, env or os.environ, given) for argv in argvs]
            if turn:
                timed[name].wall.append(sum(wall for wall, _ in seconds))
                timed[name].cpu.append(sum(cpu for _, cpu in seconds))
    return timed


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table in Markdown; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
