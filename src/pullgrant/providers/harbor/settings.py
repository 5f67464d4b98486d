"""The options of a Harbor reader, checked before any call."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pullgrant.errors import UsageError
from pullgrant.kit import references
from pullgrant.kit.duration import life_of
from pullgrant.kit.files import authority_file
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.model.server import Server, parse_server
from pullgrant.model.within import image_within

# goharbor/harbor src/server/v2.0/handler/robot.go; the operation's id is put behind the reader's name.
_NAME = re.compile(r"(?=.{1,200}\Z)[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII)
_DEFAULTS = {"url": "HARBOR_URL", "username": "HARBOR_USERNAME"}


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with HARBOR_URL and HARBOR_USERNAME in place of those that were not given."""
    found = {name: os.environ[variable] for name, variable in _DEFAULTS.items() if os.environ.get(variable)}
    return {**found, **options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `password` is a reference to the operator's own; `life` is `expires_in` as it was given."""

    server: Server
    project: str
    username: str
    password: str
    reader: str = "docker-reader"
    life: str = "90d"
    ca_file: str = ""
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        project: str,
        url: str = "",
        username: str = "",
        password: str = "env:HARBOR_PASSWORD",  # noqa: S107 - a reference
        reader: str = "docker-reader",
        expires_in: str = "90d",
        ca_file: str = "",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        if not url or not username:
            raise UsageError("Harbor's address or your user there is not known", hint="Give --url and --username.")
        if not _NAME.fullmatch(project):
            raise UsageError(
                f"{project!r} is not a project of Harbor", hint="Give --project NAME, as it begins image names."
            )
        if not _NAME.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a robot",
                hint="Give --reader in lower-case letters and digits, with single dots, hyphens and underscores between.",
            )
        server = parse_server("url", url)
        _days(expires_in)
        return cls(
            server=server,
            project=project,
            username=username,
            password=references.checked("password", password),
            reader=reader,
            life=expires_in,
            ca_file=authority_file(ca_file),
            image=image_within(image, host=server.host, path=project),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = {name: str(value or "") for name, value in reader.options.items()}
        return cls.parse(reader=reader.name, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="harbor",
            account=f"{self.server.host}/{self.project}",
            name=self.reader,
            host=self.server.host,
            repositories=(self.project,),
            options={
                "project": self.project,
                "url": self.server.url,
                "username": self.username,
                "password": self.password,
                "expires_in": self.life,
                "ca_file": self.ca_file,
                "image": str(self.image) if self.image else "",
            },
        )

    @property
    def days(self) -> int:
        """How many days each robot lives."""
        return _days(self.life)


def covers(reader: Reader, image: Image) -> bool:
    """Return whether an image at the reader's host lies in its project."""
    return image.repository.startswith(f"{Settings.of(reader).project}/")


def _days(text: str) -> int:
    """Return a life in whole days, as Harbor counts; part of a day counts as one."""
    life = life_of("expires-in", text, least=timedelta(days=1), most=timedelta(days=3650))
    return math.ceil(life / timedelta(days=1))
