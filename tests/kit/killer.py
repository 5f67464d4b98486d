"""Kills a process, or fails a call, at each step of a write to the disk: what files are tried with."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable

import pytest

CALLS = ("open", "fchmod", "chmod", "chown", "fsync", "replace", "rename", "unlink", "close", "mkdir", "stat")


class Killer:
    """Counts the steps of a write, and at one of them kills the process or raises."""

    def __init__(self, at: int, how: str) -> None:
        self.at, self.how, self.steps = at, how, 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, "no space left on device")

    def arm(self, patch) -> None:
        """Put a step before and after every call of the system, and in the middle of every write."""
        for name in CALLS:
            patch.setattr(os, name, self._around(getattr(os, name)))
        fdopen = os.fdopen
        patch.setattr(os, "fdopen", lambda *args, **kwargs: Halves(fdopen(*args, **kwargs), self))

    def _around(self, call):
        def stepped(*args, **kwargs):
            self.step()
            result = call(*args, **kwargs)
            if self.how == "kill":  # a call that failed had no effect
                self.step()
            return result

        return stepped


class Halves:
    """A file that writes in two halves, each of which reaches the disk before the next step."""

    def __init__(self, file, killer: Killer) -> None:
        self._file, self._killer = file, killer

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self._file.close()

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def write(self, content: bytes) -> None:
        for half in (content[: len(content) // 2], content[len(content) // 2 :]):
            self._killer.step()
            self._file.write(half)
            self._file.flush()
        self._killer.step()


def dies_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that is killed at that step; return whether the child died of it."""
    child = os.fork()
    if child == 0:
        try:
            Killer(step, "kill").arm(pytest.MonkeyPatch())
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0
