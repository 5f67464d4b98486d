"""What the bootstraps of all providers are measured with: a served sandbox, latency, a limit, and the documented commands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from benchmarks.clock import PYTHON, interleaved, table
from pullgrant.sandbox.run import Sandbox

HEAD = ["latency a call", "command", "median s", "limit s", "times the limit", "times pullgrant"]


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
    ours: Mapping[str, Sequence[str]], documented: Mapping[str, Sequence[Sequence[str]]], *, depth: int, runs: int
) -> str:
    """Return the table of commands in seconds, at 0 and 50 ms for each call; the first of `ours` is what others are held to.

    The limit is the start of a bare interpreter and `depth` dependent round trips.
    """
    rows = [HEAD]
    for latency in (0.0, 0.05):
        with Sandbox() as box:
            commands = {"python -c pass": [[PYTHON, "-c", "pass"]]}
            commands |= {name: [[PYTHON, "-m", "pullgrant", *argv]] for name, argv in ours.items()}
            commands |= {name: [list(argv) for argv in argvs] for name, argvs in documented.items()}
            timed = interleaved(
                commands,
                env=os.environ | box.environment(),
                runs=runs,
                before=lambda box=box, latency=latency: fresh(box, latency),
            )
        bare, first = timed.pop("python -c pass"), timed[next(iter(ours))]
        limit = bare.median + depth * latency
        rows += [
            [f"{latency * 1000:.0f} ms", one.name, f"{one.median:.2f}", f"{limit:.2f}", f"{one.median / limit:.1f}",
             f"{one.median / first.median:.1f}"]
            for one in timed.values()
        ]  # fmt: skip
    return table(rows)
