"""The plan: what one run will do to one reader, as a value. What `--plan` shows is what a run without it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pullgrant.errors import PullgrantError
from pullgrant.model.credential import Slot
from pullgrant.model.reader import Reader


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    ADOPT = "adopt"
    GRANT = "grant"
    NARROW = "narrow"
    ISSUE = "issue"
    PROVE = "prove"
    DELIVER = "deliver"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action with its object in words: `grant roles/artifactregistry.reader on projects/x/...`."""

    action: Action
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, none when all is as wanted. `why` is one sentence; `refusal` says why the steps cannot be done."""

    reader: Reader
    slots: tuple[Slot, ...]
    steps: tuple[Step, ...]
    why: str
    remarks: tuple[str, ...] = ()
    refusal: PullgrantError | None = None
