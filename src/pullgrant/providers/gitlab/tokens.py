"""Deploy tokens as values: which carry a mark, and the body that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pullgrant.model.mark import Mark, Token, read_mark

SCOPE = "read_registry"  # alone: read_repository is git clone, write_registry is push


def token_of(raw: Mapping[str, Any]) -> Token | None:
    """Return the token that a deploy token of the API is, None when its name carries no mark."""
    mark = read_mark(raw.get("name"))
    if mark is None:
        return None
    return Token(
        id=str(raw.get("id")),
        mark=mark,
        username=str(raw.get("username", "")),
        expires_at=moment(raw.get("expires_at")),
        enabled=not (raw.get("revoked") or raw.get("expired")),
    )


def creation(mark: Mark, now: datetime, life: timedelta) -> dict[str, Any]:
    """Return the body of a new deploy token. It ends at midnight UTC of its day: the one after the life that was asked."""
    ends = (now.astimezone(UTC) + life).date() + timedelta(days=1)
    return {"name": str(mark), "scopes": [SCOPE], "expires_at": f"{ends.isoformat()}T00:00:00Z"}


def moment(text: object) -> datetime | None:
    """Return a time of the API, None when there is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
