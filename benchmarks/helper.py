"""`docker-credential-pullgrant get` against a bare interpreter: with a kept token, and with one that is fetched from the cloud."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.clock import PYTHON, interleaved, table
from pullgrant.sandbox.run import Sandbox

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
BARE = "python -c pass"
BOOTSTRAP = ["ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app"]


def main(runs: int = 21) -> str:
    """Return the table. The aim: a kept token in at most twice the time of the interpreter alone."""
    rows = [["call", "median ms", "cpu ms", "times a bare interpreter"]]
    with Sandbox() as box:
        cache = box.folder / "cache"
        env = os.environ | box.environment() | {"XDG_CACHE_HOME": str(cache)}
        subprocess.run([PYTHON, "-m", "pullgrant", *BOOTSTRAP], env=env, check=True, capture_output=True, timeout=300)
        for name, keeping in (("get, kept", True), ("get, cold", False)):
            timed = interleaved(
                {BARE: [[PYTHON, "-c", "pass"]], name: [_get()]},
                env=env,
                runs=runs if keeping else 5,
                before=(lambda: None) if keeping else (lambda: shutil.rmtree(cache, ignore_errors=True)),
                given=HOST,
            )
            bare = timed[BARE]
            rows += [
                [one.name, f"{one.median * 1000:.1f}", f"{one.median_cpu * 1000:.1f}", f"{one.median / bare.median:.2f}"]
                for one in timed.values()
            ]
    return table(rows)


def _get() -> list[str]:
    """Return the call as docker makes it: the installed program, else the module that it starts."""
    program = Path(PYTHON).with_name("docker-credential-pullgrant")
    return [str(program), "get"] if program.is_file() else [PYTHON, "-m", "pullgrant.dockerhelper.program", "get"]
