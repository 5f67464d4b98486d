"""What one GitLab knows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

HOST, REGISTRY = "gitlab.com", "registry.gitlab.com"
MAINTAINER, OWNER = 40, 50  # doc/api/members.md
READ, WRITE = "read_registry", "write_registry"


def new_secret() -> str:
    """Return a deploy token as GitLab makes them."""
    return f"gldt-{secrets.token_urlsafe(15)}"


@dataclass(slots=True, kw_only=True)
class DeployToken:
    """A deploy token of a project or group, by its path. `expires_at` None: never."""

    id: int
    owner: str
    name: str
    username: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked: bool = False
    secret: str = field(default_factory=new_secret)

    def alive(self, now: datetime) -> bool:
        """Say whether it can sign in."""
        return not self.revoked and (self.expires_at is None or self.expires_at > now)

    def covers(self, repository: str) -> bool:
        """Say whether an image lies in its project or group."""
        return repository == self.owner or repository.startswith(f"{self.owner}/")


@dataclass(slots=True, kw_only=True)
class Project:
    """A project; `images` is repository -> tags, `roles` user -> access level, `protected`: nobody may push."""

    id: int
    path: str
    images: dict[str, tuple[str, ...]]
    roles: dict[str, int]
    public: bool = False
    registry: bool = True
    protected: bool = False


@dataclass(slots=True, kw_only=True)
class State:
    """All of it. `users` is access token -> user; `groups` is path -> user -> access level."""

    users: dict[str, str] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    tokens: dict[int, DeployToken] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def project_of(self, repository: str) -> Project | None:
        """Return the project in whose registry an image lies."""
        return next((one for one in self.projects.values() if f"{repository}/".startswith(f"{one.path}/")), None)

    def project(self, name: str) -> Project | None:
        """Return a project by path or id."""
        return self.projects.get(name) or next((one for one in self.projects.values() if str(one.id) == name), None)

    def role(self, user: str, path: str) -> int:
        """Return a user's access level on a project or group."""
        project = self.projects.get(path)
        group = self.groups.get(path.rpartition("/")[0] if project else path, {})
        return max((project.roles if project else {}).get(user, 0), group.get(user, 0))


def fill(state: State, token: str) -> None:
    """Bring a state to its first day."""
    roles = {"operator": MAINTAINER, "developer": 30}
    state.users = {token: "operator", f"{token}-developer": "developer", f"{token}-maintainer": "maintainer"}
    state.groups = {"acme": {"operator": OWNER, "maintainer": MAINTAINER}}
    state.tokens = {}
    state.projects = {
        path: Project(id=number, path=path, images={path: ("v1",)}, roles=dict(roles))
        for number, path in ((101, "acme/app"), (102, "acme/other"), (103, "acme/open"), (104, "acme/off"))
    }
    state.projects["acme/app"].images["acme/app/worker"] = ("v1",)
    state.projects["acme/open"].public = True
    state.projects["acme/off"].registry = False
    state.projects["acme/empty"] = Project(id=105, path="acme/empty", images={}, roles=dict(roles))
