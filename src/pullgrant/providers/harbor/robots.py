"""Robots as values: which are ours, what they may do, and the bodies that make and narrow them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pullgrant.model.mark import Mark, Token, read_mark
from pullgrant.model.reader import Grant
from pullgrant.providers.marked import Access

_WANTED = ("repository", "pull")


def token_of(raw: Mapping[str, Any]) -> Token | None:
    """Return the token that a Robot of the API is, None when its description carries no mark."""
    mark = read_mark(raw.get("description"))
    if mark is None:
        return None
    return Token(
        id=str(raw.get("id")),
        mark=mark,
        username=str(raw.get("name", "")),
        created_at=_moment(raw.get("creation_time")),
        expires_at=expiry_of(raw),
        enabled=not raw.get("disable"),
    )


def access_of(token: Token, raw: Mapping[str, Any], project: str) -> Access:
    """Return what a robot may do."""
    wanted, held = (project, *_WANTED), list(_permissions(raw))
    beyond = tuple(
        Grant(role=f"{resource}:{action}", resource=space)
        for space, resource, action in held
        if (space, resource, action) != wanted
    )
    return Access(token=token, missing=() if wanted in held else (project,), beyond=beyond)


def permissions(project: str) -> list[dict[str, Any]]:
    """Return the permissions of a project reader: pull, and in this project alone."""
    resource, action = _WANTED
    return [{"kind": "project", "namespace": project, "access": [{"resource": resource, "action": action}]}]


def creation(name: str, mark: Mark, project: str, days: int) -> dict[str, Any]:
    """Return the body of a RobotCreate; its secret is Harbor's to choose."""
    return {
        "name": name,
        "description": str(mark),
        "level": "project",
        "duration": days,
        "disable": False,
        "permissions": permissions(project),
    }


def narrowed(raw: Mapping[str, Any], project: str) -> dict[str, Any]:
    """Return the body that leaves a robot as it is but for what it may do: what a PUT leaves out is reset."""
    kept = {name: raw[name] for name in ("id", "name", "description", "level", "duration", "disable") if name in raw}
    return {**kept, "permissions": permissions(project)}


def expiry_of(raw: Mapping[str, Any]) -> datetime | None:
    """Return when a robot expires: seconds since 1970, -1 for never."""
    ends = raw.get("expires_at")
    return datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and ends > 0 else None


def _permissions(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in raw.get("permissions") or ():
        for access in one.get("access") or ():
            if access.get("effect", "allow") != "deny":
                yield str(one.get("namespace")), str(access.get("resource")), str(access.get("action"))


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
