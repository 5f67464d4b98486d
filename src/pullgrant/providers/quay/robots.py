"""Robots as values: which carry a mark, what they may do, and what is too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from pullgrant.model.mark import Token, read_mark
from pullgrant.model.reader import Grant

READ = "read"
TEAM = "member of a team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """A robot that carries a mark. `missing` are repositories that it shall read and may not; `beyond` is too much."""

    token: Token
    missing: tuple[str, ...]
    beyond: tuple[Grant, ...]

    @property
    def short(self) -> str:
        """Its name without the organisation."""
        return self.token.id


def robot_of(raw: Mapping[str, Any], wanted: Sequence[str], roles: Mapping[str, Mapping[str, Any]]) -> Robot | None:
    """Return a robot of the list, None without a mark. `roles` is repository -> name -> permission, of the wanted ones."""
    mark = read_mark(raw.get("description"))
    if mark is None:
        return None
    name = str(raw.get("name", ""))
    held = {repository: str((roles[repository].get(name) or {}).get("role", "")) for repository in wanted}
    stronger = [Grant(role=role, resource=repository) for repository, role in held.items() if role not in ("", READ)]
    others = [Grant(role="some role", resource=str(one)) for one in raw.get("repositories") or () if one not in wanted]
    teams = [Grant(role=TEAM, resource=str(team.get("name"))) for team in raw.get("teams") or ()]
    return Robot(
        token=Token(id=name.partition("+")[2], mark=mark, username=name, created_at=_moment(raw.get("created"))),
        missing=tuple(repository for repository, role in held.items() if not role),
        beyond=(*stronger, *others, *teams),
    )


def _moment(text: object) -> Any:
    """Return a time as Quay writes it: `Thu, 20 Nov 2025 10:00:00 -0000` (quay/quay endpoints/api format_date)."""
    try:
        return parsedate_to_datetime(str(text)).replace(tzinfo=UTC)
    except ValueError:
        return None
