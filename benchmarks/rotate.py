"""`rotate` of 1, 100 and 1,000 ECR readers over ten pairs of account and region, on a sandbox in the same machine.

Seven hours ago each was given a token of twelve hours, so that all are due at once. "10 roles": the readers of a pair share
the role that `--role-arn` gave them. The seconds hold those of the sandbox, which answers on the same processors.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.clock import PYTHON, Measured, measured, table
from benchmarks.readers import move_in, stock
from pullgrant.kit.clock import AHEAD
from pullgrant.sandbox.run import Sandbox

AGE = timedelta(hours=7)
ROTATE = [PYTHON, "-m", "pullgrant", "rotate", "--json"]
HEAD = ["readers", "calls", "tokens", "calls a reader", "seconds", "cpu s", "peak MiB", "nothing due, s"]


@dataclass(frozen=True)
class Case:
    """How many readers, whether each has a role of its own, and to how many slots each delivers."""

    name: str
    readers: int
    own_roles: bool = True
    slots: int = 1


@dataclass(frozen=True)
class Run:
    """What one case came to: the run in which all were due, its calls by kind, and the next run, in which none is."""

    case: Case
    due: Measured
    calls: Mapping[str, int]
    at_rest: Measured


CASES = (
    Case("1", 1),
    Case("100", 100),
    Case("100, 5 slots each", 100, slots=5),
    Case("100, 10 roles", 100, own_roles=False),
    Case("1000", 1000),
    Case("1000, 10 roles", 1000, own_roles=False),
)


def main(cases: Sequence[Case] = CASES) -> str:
    """Return two tables: what each case cost, and its calls by kind."""
    runs = [_run(case) for case in cases]
    return f"{table([HEAD, *map(_row, runs)])}\n\nCalls by kind:\n\n{table(_by_kind(runs))}"


def _run(case: Case) -> Run:
    with Sandbox() as box:
        before = dict(os.environ)
        os.environ.update(box.environment())
        try:
            stock(box)
            move_in(
                case.readers,
                os.environ["PULLGRANT_LEDGER"],
                own_roles=case.own_roles,
                slots=case.slots,
                folder=box.folder / "slots",
            )
        finally:
            os.environ.clear()
            os.environ.update(before)
        box.world.advance(AGE)
        env = os.environ | box.environment() | {AHEAD: str(AGE.total_seconds())}
        done = len(box.world.calls)
        due = measured(ROTATE, env)
        calls = Counter(call.kind for call in box.world.calls[done:])
        at_rest = measured(ROTATE, env)
    renewed = [sum(one["renewed"] for one in json.loads(run.out)["readers"]) for run in (due, at_rest)]
    if renewed != [case.readers, 0]:
        raise RuntimeError(f"{renewed} of {case.readers} readers were renewed")
    return Run(case=case, due=due, calls=calls, at_rest=at_rest)


def _row(run: Run) -> list[str]:
    total = sum(run.calls.values())
    return [
        run.case.name,
        f"{total}",
        f"{run.calls['ecr.GetAuthorizationToken']}",
        f"{total / run.case.readers:.1f}",
        f"{run.due.wall:.1f}",
        f"{run.due.cpu:.1f}",
        f"{run.due.mib:.0f}",
        f"{run.at_rest.wall:.2f}",
    ]


def _by_kind(runs: Sequence[Run]) -> list[list[str]]:
    kinds = sorted({kind for run in runs for kind in run.calls})
    return [["call", *(run.case.name for run in runs)], *([kind, *(f"{run.calls[kind]}" for run in runs)] for kind in kinds)]
