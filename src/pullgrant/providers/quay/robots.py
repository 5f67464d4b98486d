"""Robots as values: which carry a mark, what they may do, and what is too much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from pullgrant.model.mark import Token, read_mark
from pullgrant.model.reader import Grant
from pullgrant.providers.marked import Access

READ = "read"
TEAM = "member of a team"


def token_of(raw: Mapping[str, Any]) -> Token | None:
    """Return the token that a robot of the list is, None when its description carries no mark."""
    mark = read_mark(raw.get("description"))
    if mark is None:
        return None
    name = str(raw.get("name", ""))
    return Token(id=name.partition("+")[2], mark=mark, username=name, created_at=_moment(raw.get("created")))


def access_of(token: Token, raw: Mapping[str, Any], roles: Mapping[str, Mapping[str, Any]]) -> Access:
    """Return what a robot may do. `roles` is repository -> robot -> permission, for every wanted repository."""
    held = {repository: str((named.get(token.username) or {}).get("role", "")) for repository, named in roles.items()}
    stronger = [Grant(role=role, resource=repository) for repository, role in held.items() if role not in ("", READ)]
    others = [Grant(role="some role", resource=str(one)) for one in raw.get("repositories") or () if one not in roles]
    teams = [Grant(role=TEAM, resource=str(team.get("name"))) for team in raw.get("teams") or ()]
    missing = tuple(repository for repository, role in held.items() if not role)
    return Access(token=token, missing=missing, beyond=(*stronger, *others, *teams))


def _moment(text: object) -> Any:
    """Return a time as Quay writes it: `Thu, 20 Nov 2025 10:00:00 -0000` (quay/quay endpoints/api format_date)."""
    try:
        return parsedate_to_datetime(str(text)).replace(tzinfo=UTC)
    except ValueError:
        return None
