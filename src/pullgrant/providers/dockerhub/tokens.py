"""Access tokens as values: which carry a mark, what they reach, and the bodies that make and narrow them.

The label is the one text that is in every list. Scopes: `scope-image-pull` is what the vendor's own provider sends
(docker/terraform-provider-docker docs/resources/org_access_token.md), `repo-pull` stands in the API's description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pullgrant.model.mark import Mark, Token, read_mark
from pullgrant.model.reader import Grant
from pullgrant.providers.marked import Access

PULL = "scope-image-pull"
PERSONAL = "repo:read"
_READS = frozenset({PULL, "repo-pull"})


def token_of(raw: Mapping[str, Any]) -> Token | None:
    """Return the token that an access token of either kind is, None when its label carries no mark."""
    mark = read_mark(raw.get("label") or raw.get("token_label"))
    if mark is None:
        return None
    return Token(
        id=str(raw.get("id") or raw.get("uuid")),
        mark=mark,
        created_at=moment(raw.get("created_at")),
        expires_at=moment(raw.get("expires_at")),
        enabled=bool(raw.get("is_active", True)),
    )


def access_of(token: Token, raw: Mapping[str, Any], wanted: Sequence[str]) -> Access:
    """Return what a token of an organisation reaches."""
    held = [
        (str(one.get("path")), str(scope), str(one.get("type")))
        for one in raw.get("resources") or ()
        for scope in one.get("scopes") or ()
    ]
    pulls = {path for path, scope, kind in held if kind == "TYPE_REPO" and scope in _READS}
    beyond = tuple(
        Grant(role=scope, resource=path)
        for path, scope, kind in held
        if kind != "TYPE_REPO" or scope not in _READS or path not in wanted
    )
    return Access(token=token, missing=tuple(path for path in wanted if path not in pulls), beyond=beyond)


def resources(repositories: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a reader of these repositories may do."""
    return [{"type": "TYPE_REPO", "path": path, "scopes": [PULL]} for path in repositories]


def organization_creation(mark: Mark, repositories: Sequence[str], ends: datetime) -> dict[str, Any]:
    """Return the body of a new token of an organisation."""
    return {
        "label": str(mark),
        "description": "reads images for a platform; made and renewed by pullgrant",
        "resources": resources(repositories),
        "expires_at": written(ends),
    }


def personal_creation(mark: Mark, ends: datetime) -> dict[str, Any]:
    """Return the body of a new personal token."""
    return {"token_label": str(mark), "scopes": [PERSONAL], "expires_at": written(ends)}


def written(at: datetime) -> str:
    """Return a time as the API takes it: in UTC, with a Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment(text: object) -> datetime | None:
    """Return a time of the API, None when there is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
