"""The stages of a pull, as a diagnosis shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pullgrant.model.proof import Outcome


class Stage(StrEnum):
    """One stage of a pull, in the order in which they are passed."""

    REACH = "reach"
    CHALLENGE = "challenge"
    TOKEN = "token"  # noqa: S105  the name of a stage
    SCOPE = "scope"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one stage. Stages that a registry does not have are `not asked`; the last step decides the pull.

    `status` is that of the answer that it was told from, 0 when none came.
    """

    stage: Stage
    outcome: Outcome
    status: int = 0
