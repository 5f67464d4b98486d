"""The options of a GitLab reader, checked before any call."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pullgrant.errors import UsageError
from pullgrant.kit import references
from pullgrant.kit.duration import life_of
from pullgrant.kit.files import authority_file
from pullgrant.model.image import Image, canonical_host
from pullgrant.model.reader import Reader
from pullgrant.model.server import Server, parse_server
from pullgrant.model.within import image_within

GITLAB_COM = "https://gitlab.com"
Kind = Literal["project", "group"]
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", re.ASCII)
_READER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)
# CI jobs are handed the password of a deploy token of this name (doc/user/project/deploy_tokens).
_SPECIAL = "gitlab-deploy-token"


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with GITLAB_URL in place of an address that was not given."""
    url = os.environ.get("GITLAB_URL")
    return {**({"url": url} if url else {}), **options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `path` is the project's or group's, `host` its registry; `token` is a reference."""

    server: Server
    host: str
    kind: Kind
    path: str
    token: str
    reader: str = "docker-reader"
    life: str = "90d"
    ca_file: str = ""
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        project: str = "",
        group: str = "",
        url: str = GITLAB_COM,
        registry: str = "",
        token: str = "env:GITLAB_TOKEN",  # noqa: S107 - a reference
        reader: str = "docker-reader",
        expires_in: str = "90d",
        ca_file: str = "",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        path = (project or group).strip("/")
        if bool(project) == bool(group) or not _PATH.fullmatch(path):
            raise UsageError(
                f"one project or one group is to be read, not {project!r} and {group!r}",
                hint="Give --project GROUP/PROJECT, or --group GROUP.",
            )
        if not _READER.fullmatch(reader) or reader == _SPECIAL:
            raise UsageError(
                f"{reader!r} is not a name for a deploy token",
                hint="Give --reader with up to 64 letters, digits, dots, underscores and hyphens.",
            )
        server = parse_server("url", url)
        host = canonical_host(registry) if registry else f"registry.{server.host.partition(':')[0]}"
        _life(expires_in)
        return cls(
            server=server,
            host=host,
            kind="project" if project else "group",
            path=path,
            token=references.checked("token", token),
            reader=reader,
            life=expires_in,
            ca_file=authority_file(ca_file),
            image=image_within(image, host=host, path=path.lower()),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = {name: str(value or "") for name, value in reader.options.items()}
        return cls.parse(reader=reader.name, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="gitlab",
            account=f"{self.server.host}/{self.path}",
            name=self.reader,
            host=self.host,
            repositories=(self.path.lower(),),
            options={
                self.kind: self.path,
                "url": self.server.url,
                "registry": self.host,
                "token": self.token,
                "expires_in": self.life,
                "ca_file": self.ca_file,
                "image": str(self.image) if self.image else "",
            },
        )

    @property
    def expires_in(self) -> timedelta:
        """How long each token lives at least."""
        return _life(self.life)


def covers(reader: Reader, image: Image) -> bool:
    """Return whether an image at the reader's host lies in its project or group; a project may be an image itself."""
    return f"{image.repository}/".startswith(tuple(f"{path}/" for path in reader.repositories))


def _life(text: str) -> timedelta:
    return life_of("expires-in", text, least=timedelta(days=1), most=timedelta(days=3650))
