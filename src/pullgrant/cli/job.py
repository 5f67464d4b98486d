"""What `schedule` is to have run: the values that every format of a unit is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

NAME = "pullgrant-rotate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be run. `minute` spreads the jobs of many ledgers over the hour; `why` says where `every` comes from.

    `program` is the command as this machine knows it, `requirement` the package as pip knows it.
    """

    every: timedelta
    minute: int
    why: str
    program: tuple[str, ...]
    requirement: str
    providers: tuple[str, ...] = ()
    ledger: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The verb: it also fails, and so tells somebody, before a credential dies that two runs could not renew."""
        return ("rotate", "--next-run", f"{2 * self.minutes}m")

    @property
    def minutes(self) -> int:
        """The interval in minutes."""
        return int(self.every.total_seconds() // 60)

    @property
    def crontab(self) -> str:
        """The five fields of crontab(5)."""
        if self.minutes < 60:
            return f"{self.minute % self.minutes}-59/{self.minutes} * * * *"
        hours = self.minutes // 60
        return f"{self.minute} {'0' if hours == 24 else '*' if hours == 1 else f'*/{hours}'} * * *"
