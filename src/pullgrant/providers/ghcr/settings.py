"""The options of a reader for GitHub's container registry, checked before any call."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.kit import references
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.model.within import image_within

HOST = "ghcr.io"
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?", re.ASCII)
_READER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `token` is a reference; `username` "" means the account that GitHub says it is of."""

    owner: str
    token: str
    username: str = ""
    reader: str = "docker-reader"
    accept_stronger: bool = False
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        owner: str,
        token: str = "env:GHCR_TOKEN",  # noqa: S107 - a reference
        username: str = "",
        reader: str = "docker-reader",
        accept_stronger: bool = False,
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        for option, name in (("owner", owner), ("username", username or owner)):
            if not _OWNER.fullmatch(name):
                raise UsageError(f"--{option} {name!r} is not an account of GitHub", hint=f"Give --{option} NAME.")
        if not _READER.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a reader",
                hint="Give --reader with up to 64 letters, digits, dots, underscores and hyphens.",
            )
        return cls(
            owner=owner,
            token=references.checked("token", token),
            username=username,
            reader=reader,
            accept_stronger=accept_stronger,
            image=image_within(image, host=HOST, path=owner.lower()),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = dict(reader.options)
        strong = bool(options.pop("accept_stronger", False))
        texts = {name: str(value or "") for name, value in options.items()}
        return cls.parse(owner=reader.account, reader=reader.name, accept_stronger=strong, **texts)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="ghcr",
            account=self.owner,
            name=self.reader,
            host=HOST,
            options={
                "token": self.token,
                "username": self.username,
                "accept_stronger": self.accept_stronger,
                "image": str(self.image) if self.image else "",
            },
            unproven=self.accept_stronger,
        )


def covers(reader: Reader, image: Image) -> bool:
    """Return whether an image is one of the owner that the reader was made for."""
    return image.repository.startswith(f"{reader.account.lower()}/")
