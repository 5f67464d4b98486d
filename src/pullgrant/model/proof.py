"""The proof: what the live registry allowed and refused one credential."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    """A registry's answer to one question. Only DENIED proves a denial; UNKNOWN never does."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer with the registry's own words for it (redacted, one line). `absent`: there is no such image or tag."""

    answer: Answer
    words: str = ""
    absent: bool = False


NOT_ASKED = Outcome(answer=Answer.NOT_ASKED)


class Verdict(StrEnum):
    """What a proof comes to."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    PUBLIC = "public"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A dated record of four questions and what they come to; `why` is one sentence for any verdict but proven."""

    verdict: Verdict
    at: datetime
    image: str = ""
    pull: Outcome = NOT_ASKED
    push: Outcome = NOT_ASKED
    anonymous: Outcome = NOT_ASKED
    outside: Outcome = NOT_ASKED
    why: str = ""
