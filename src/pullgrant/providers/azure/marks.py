"""The marks that say whose an application or a scope map is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pullgrant.model.reader import Ownership

_LEDGER, _READER = "pullgrant ledger=", "pullgrant reader="


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The marks of one reader of one ledger. They stand in tags, or in one line of text."""

    owner: str
    host: str
    name: str

    @property
    def unique_name(self) -> str:
        """The application's alternate key. It holds the ledger, so that creating it never writes over another ledger's."""
        return f"pullgrant-{self.owner}-{self.host}-{self.name}"

    @property
    def tags(self) -> tuple[str, ...]:
        """What our applications are tagged with."""
        return f"{_LEDGER}{self.owner}", f"{_READER}{self.host}/{self.name}"

    @property
    def line(self) -> str:
        """The marks as one text."""
        return "; ".join(self.tags)

    def ownership(self, tags: Sequence[str]) -> Ownership:
        """Say whose something with these tags is."""
        ledgers = [tag.removeprefix(_LEDGER) for tag in tags if tag.startswith(_LEDGER)]
        if not ledgers:
            return Ownership.UNMARKED
        return Ownership.OURS if self.owner in ledgers else Ownership.OTHER_LEDGER

    def is_for_this(self, tags: Sequence[str]) -> bool:
        """Say whether these tags name this reader, in whatever ledger."""
        return self.tags[1] in tags

    def with_ours(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Return foreign tags with our marks instead of those of another ledger."""
        return (*(tag for tag in tags if not is_mark(tag)), *self.tags)

    def in_line(self, text: str) -> tuple[str, ...]:
        """Return the tags in a line."""
        return tuple(part.strip() for part in text.split(";"))


def is_mark(tag: str) -> bool:
    """Say whether a tag is a mark of this product."""
    return tag.startswith((_LEDGER, _READER))
