"""Stages by host behind the credential helper, and callers that ask it in this process."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pullgrant.dockerhelper import program, slow
from pullgrant.errors import Unavailable
from pullgrant.flows.apply import apply
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.stage import ONE, Stage

HOST = "registry.example"


class Shop:
    """Stages by host behind the catalog's questions; `made` counts the tokens."""

    def __init__(self, stages: dict[str, Stage]) -> None:
        self.stages = stages
        self.ledger_down = False
        self.error: Any = None
        self.gate = threading.Event()
        self.gate.set()

    @property
    def made(self) -> int:
        return sum(stage.made for stage in self.stages.values())

    def opened(self) -> Any:
        return Opened(self)


class Opened:
    """A catalog of one call."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.clock = next(iter(shop.stages.values())).clock

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    @property
    def ledger(self) -> Any:
        if self._shop.ledger_down:
            raise Unavailable("the ledger is down")
        return self

    def readers(self) -> tuple[Reader, ...]:
        return tuple(reader(host) for host in self._shop.stages)

    def provider(self, wanted: Reader) -> Any:
        return self.ports(wanted, ()).provider

    def ports(self, wanted: Reader, slots: object) -> Any:
        self._shop.gate.wait(5)
        stage = self._shop.stages[wanted.host]
        fuse = Fuse(at=0, error=self._shop.error) if self._shop.error else Fuse()
        return stage.ports(wanted, fuse)


def reader(host: str = HOST) -> Reader:
    """Return the reader of a host."""
    return Reader(provider="stage", account="acme", name=f"docker-reader-{host}", host=host)


def bootstrap(stage: Stage, wanted: Reader) -> None:
    """Make a reader on a stage."""
    apply(Wish(reader=wanted, slots=(ONE,)), stage.ports(wanted), wait=timedelta())


def ask(action: str, payload: str = "", *more: str) -> tuple[str, int]:
    """Run the program in this process."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    before = sys.stdin, sys.stdout
    sys.stdin, sys.stdout = io.StringIO(payload), out
    try:
        code = program.run([action, *more])
        out.flush()
    finally:
        sys.stdin, sys.stdout = before
    buffer: Any = out.buffer
    return buffer.getvalue().decode(), code


def secret(payload: str = HOST) -> str:
    """Return the secret that `get` answers with."""
    told, code = ask("get", payload)
    assert code == 0, told
    return str(json.loads(told)["Secret"])


def at_once(callers: int, then: Callable[[], None] = lambda: None) -> list[tuple[str, int]]:
    """Ask for the token in as many threads, do `then`, and return what each was told."""
    told: list[tuple[str, int]] = []
    threads = [threading.Thread(target=lambda: told.append(slow.answer("get", HOST))) for _ in range(callers)]
    for thread in threads:
        thread.start()
    then()
    for thread in threads:
        thread.join(20)
    return told
