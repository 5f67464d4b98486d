"""Runs one call of a fake under the fault that is planned for it; for HTTP and for gRPC."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pullgrant.sandbox.world import Fault, World

T = TypeVar("T")

Ending = Literal["answer", "status", "silence", "closed", "half"]
_WORDS = frozenset({"timeout", "drop", "half", "kill-before", "kill-after", "delay"})
_MOST_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Met(Generic[T]):
    """How a call ends, and its effect's `answer` (None: there was no effect).

    `answer`: deliver the answer. `status`: deliver `fault` in its place. `silence`: keep the connection open and say
    nothing. `closed`: close the connection. `half`: send half of the answer's body, then close.
    """

    ending: Ending
    answer: T | None = None
    fault: Fault | None = None


def checked(fault: Fault) -> Fault:
    """Return a fault that may be planned. Raises ValueError when nobody would know what to do with it."""
    if fault.times < 1 or fault.skip < 0 or not 0 <= fault.seconds <= _MOST_SECONDS:
        raise ValueError(f"times is 1 or more, skip 0 or more, seconds from 0 to {_MOST_SECONDS}")
    return _understood(fault)


def _understood(fault: Fault) -> Fault:
    if fault.how not in _WORDS and not (fault.how.isdigit() and 400 <= int(fault.how) <= 599):
        raise ValueError(f"unknown fault {fault.how!r}: a status from 400 to 599 or one of {', '.join(sorted(_WORDS))}")
    if fault.how.startswith("kill-") and fault.pid <= 1:
        raise ValueError(f"{fault.how} needs the pid of the process to kill, above 1")
    return fault


def meet(world: World, kind: str, act: Callable[[], T]) -> Met[T]:
    """Wait the world's latency, then run `act` under the next fault planned for `kind`, if there is one.

    Raises ValueError, before any effect, for a fault with an unknown `how` or a kill without a pid.
    """
    world.breathe()
    fault = world.fault_for(kind)
    if fault is None:
        return Met(ending="answer", answer=act())
    _understood(fault)
    match fault.how:
        case "timeout":
            return Met(ending="silence", answer=act(), fault=fault)
        case "drop":
            return Met(ending="closed", fault=fault)
        case "half":
            return Met(ending="half", answer=act(), fault=fault)
        case "kill-before":
            os.kill(fault.pid, signal.SIGKILL)
            return Met(ending="closed", fault=fault)
        case "kill-after":
            answer = act()
            os.kill(fault.pid, signal.SIGKILL)
            return Met(ending="closed", answer=answer, fault=fault)
        case "delay":
            time.sleep(fault.seconds)
            return Met(ending="answer", answer=act(), fault=fault)
        case _:
            return Met(ending="status", fault=fault)
