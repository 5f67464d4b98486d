"""The options of a Quay reader, checked before any call."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import UsageError
from pullgrant.kit import references
from pullgrant.kit.files import authority_file
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.model.server import Server, parse_server
from pullgrant.model.within import image_within

# quay/quay util/validation.py: 2 to 255 characters; the operation's id is put behind the reader's name.
_NAME = re.compile(r"(?=.{1,200}\Z)[a-z0-9]+(?:[._-][a-z0-9]+)*", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9._-]{0,254}(?:/[a-z0-9][a-z0-9._-]*)*", re.ASCII)


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with QUAY_URL in place of an address that was not given."""
    url = os.environ.get("QUAY_URL")
    return {**({"url": url} if url else {}), **options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `repositories` without the organisation; `token` is a reference to the operator's own."""

    server: Server
    organization: str
    repositories: tuple[str, ...]
    token: str
    reader: str = "docker-reader"
    ca_file: str = ""
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        organization: str,
        repository: Sequence[str] = (),
        url: str = "https://quay.io",
        token: str = "env:QUAY_TOKEN",  # noqa: S107 - a reference
        reader: str = "docker-reader",
        ca_file: str = "",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        if not _NAME.fullmatch(organization):
            raise UsageError(f"{organization!r} is not an organisation of Quay", hint="Give --organization NAME.")
        if not _NAME.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a robot",
                hint="Give --reader in lower-case letters and digits, with single dots, hyphens and underscores between.",
            )
        server = parse_server("url", url)
        repositories = _repositories(organization, repository)
        return cls(
            server=server,
            organization=organization,
            repositories=repositories,
            token=references.checked("token", token),
            reader=reader,
            ca_file=authority_file(ca_file),
            image=_image(server.host, organization, repositories, image),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = {name: str(value or "") for name, value in reader.options.items()}
        return cls.parse(reader=reader.name, repository=reader.repositories, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="quay",
            account=f"{self.server.host}/{self.organization}",
            name=self.reader,
            host=self.server.host,
            repositories=tuple(f"{self.organization}/{name}" for name in self.repositories),
            options={
                "organization": self.organization,
                "url": self.server.url,
                "token": self.token,
                "ca_file": self.ca_file,
                "image": str(self.image) if self.image else "",
            },
        )


def _repositories(organization: str, names: Sequence[str]) -> tuple[str, ...]:
    short = sorted({name.removeprefix(f"{organization}/") for name in names})
    for name in short:
        if not _REPOSITORY.fullmatch(name):
            raise UsageError(f"{name!r} is not a repository of {organization}", hint="Give --repository NAME in lower case.")
    if not short:
        raise UsageError(
            "a robot of Quay reads the repositories that it is told, and none was named",
            hint="Give --repository NAME, once for each repository.",
        )
    return tuple(short)


def _image(host: str, organization: str, repositories: tuple[str, ...], text: str) -> Image | None:
    image = image_within(text, host=host, path=organization)
    if image is not None and image.repository.removeprefix(f"{organization}/") not in repositories:
        raise UsageError(
            f"the image {text!r} lies outside the scope of this reader",
            hint="Give an image of one of the --repository names.",
        )
    return image
