"""Start-up of the program against a bare interpreter."""

from __future__ import annotations

import os

from benchmarks.clock import PYTHON, interleaved, table
from pullgrant.sandbox.run import Sandbox


def main() -> str:
    """Return the table: seconds of wall clock and processor, and the ratio to `python -c pass`."""
    with Sandbox() as box:
        env = os.environ | box.environment()
        timed = interleaved(
            {
                "python -c pass": [[PYTHON, "-c", "pass"]],
                "pullgrant --list": [[PYTHON, "-m", "pullgrant", "--list"]],
                "gcp.bootstrap --plan": [
                    [PYTHON, "-m", "pullgrant", "gcp.bootstrap", "--project", "demo", "--sink", "docker-config", "--plan"]
                ],
            },
            env=env,
        )
    bare = timed["python -c pass"]
    rows = [["command", "wall s", "cpu s", "times a bare interpreter"]]
    rows += [
        [one.name, f"{one.median:.3f}", f"{one.median_cpu:.3f}", f"{one.median / bare.median:.0f}"] for one in timed.values()
    ]
    return table(rows)
