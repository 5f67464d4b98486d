"""What the bootstraps of all providers are measured with: a served sandbox, latency, a limit, and the documented commands."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.clock import PYTHON, Timed, interleaved, table
from pullgrant.sandbox.run import Sandbox

SLOW = 0.05
HEAD = ["latency a call", "command", "median s", "cpu s", "limit s", "times the limit", "times pullgrant", "round trips"]
BARE = "python -c pass"
Documented: TypeAlias = Mapping[str, Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Ours:
    """A command line of pullgrant; `depth` counts the round trips that wait for one another."""

    argv: Sequence[str]
    depth: int


def fresh(box: Sandbox, latency: float) -> None:
    """Bring the sandbox and this machine's files in it back to the first day."""
    box.world.reset()
    for country in box.countries.values():
        country.reset()
    box.registry.forget()
    for file in (*box.folder.glob("ledger.sqlite*"), box.folder / "docker" / "config.json"):
        file.unlink(missing_ok=True)
    box.world.latency = latency


def measured(
    ours: Callable[[Sandbox], Mapping[str, Ours]], documented: Callable[[Sandbox], Documented], *, runs: int
) -> str:
    """Return the table of commands in seconds, at 0 and 50 ms for each call; the first of `ours` is what others are held to.

    The limit is the start of a bare interpreter and the round trips of the command, of the first for the documented ones.
    "round trips" are those that were seen: what the latency added, by the latency.
    """
    rows, quick = [HEAD], {}
    for latency in (0.0, SLOW):
        with Sandbox() as box:
            own = ours(box)
            commands = {BARE: [[PYTHON, "-c", "pass"]]}
            commands |= {name: [[PYTHON, "-m", "pullgrant", *one.argv]] for name, one in own.items()}
            commands |= {name: [list(argv) for argv in argvs] for name, argvs in documented(box).items()}
            timed = interleaved(
                commands,
                env=os.environ | box.environment(),
                runs=runs,
                before=lambda box=box, latency=latency: fresh(box, latency),
            )
        bare, first = timed.pop(BARE), next(iter(own))
        for name, one in timed.items():
            limit = bare.median + own.get(name, own[first]).depth * latency
            quick.setdefault(name, one.median)
            seen = f"{(one.median - quick[name]) / latency:.0f}" if latency else ""
            rows.append(_row(latency, one, limit, one.median / timed[first].median, seen))
    return table(rows)


def _row(latency: float, one: Timed, limit: float, times: float, seen: str) -> list[str]:
    numbers = [f"{one.median:.2f}", f"{one.median_cpu:.2f}", f"{limit:.2f}", f"{one.median / limit:.1f}", f"{times:.1f}"]
    return [f"{latency * 1000:.0f} ms", one.name, *numbers, seen]
