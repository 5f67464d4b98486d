"""What one Harbor knows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOST = "harbor.example"
PREFIX = "robot$"
OPERATOR = "operator"
_EVERYTHING = frozenset({"pull", "push", "delete"})


def new_secret() -> str:
    """Return a secret as Harbor makes them."""
    return secrets.token_urlsafe(24)


@dataclass(slots=True, kw_only=True)
class Project:
    """A project; `images` is repository -> tags, `administrators` are users' names."""

    id: int
    name: str
    images: Mapping[str, tuple[str, ...]]
    public: bool = False
    administrators: frozenset[str] = frozenset({OPERATOR})


@dataclass(slots=True, kw_only=True)
class Robot:
    """A robot; `name` is the full one, `access` what it may do as (namespace, resource, action). `days` -1: for ever."""

    id: int
    name: str
    project: int
    description: str
    days: int
    created: datetime
    access: tuple[tuple[str, str, str], ...]
    disabled: bool = False
    secret: str = field(default_factory=new_secret)

    @property
    def expires_at(self) -> datetime | None:
        """When it expires: counted from its creation, whenever `days` was changed (goharbor/harbor#22256)."""
        return None if self.days == -1 else self.created + timedelta(days=self.days)

    def alive(self, now: datetime) -> bool:
        """Say whether it can sign in."""
        return not self.disabled and (self.expires_at is None or self.expires_at > now)

    def may(self, project: str, resource: str) -> frozenset[str]:
        """Return its actions on one resource of a project; `*` as namespace means all projects."""
        return frozenset(action for space, kind, action in self.access if space in (project, "*") and kind == resource)


@dataclass(slots=True, kw_only=True)
class State:
    """All of it. `users` is name -> password."""

    users: dict[str, str] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    robots: dict[int, Robot] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def user_may(self, name: str, project: Project) -> frozenset[str]:
        """Return what a user may do with the images of a project."""
        return _EVERYTHING if name in project.administrators else frozenset()

    def project_of(self, number: int) -> Project | None:
        """Return a project by id."""
        return next((one for one in self.projects.values() if one.id == number), None)

    def robot_named(self, name: str) -> Robot | None:
        """Return a robot by its full name."""
        return next((one for one in self.robots.values() if one.name == name), None)


def fill(state: State, password: str) -> None:
    """Bring a state to its first day."""
    images = {"app": ("v1",), "other": ("v1",)}
    state.users = {OPERATOR: password, "developer": f"developer-{password}"}
    state.projects = {
        "acme": Project(id=2, name="acme", images=images),
        "private": Project(id=3, name="private", images={"secret": ("v1",)}),
        "library": Project(id=1, name="library", images={"hello": ("v1",)}, public=True),
        "empty": Project(id=4, name="empty", images={}),
        "denied": Project(id=5, name="denied", images=images, administrators=frozenset()),
    }
    state.robots = {}
