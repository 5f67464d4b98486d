"""The options of an Azure reader, checked before any call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast, get_args

from pullgrant.errors import UsageError
from pullgrant.kit.duration import life_of
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.providers.azure import condition, hosts

Method = Literal["service-principal", "token"]
_READER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)
# REST specification containerregistry 2025-11-01: tokens have 5 to 50 letters, digits and hyphens; our spare token's name
# is six longer.
_TOKEN = re.compile(r"[A-Za-z0-9-]{5,44}", re.ASCII)
SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `expires_in` is the life of each password; `life` is the same as the option had it."""

    place: hosts.Place
    reader: str = "docker-reader"
    method: Method = "service-principal"
    repositories: tuple[str, ...] = ()
    life: str = "90d"
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        registry: str,
        cloud: str = "",
        subscription: str = "",
        resource_group: str = "",
        reader: str = "docker-reader",
        method: str = "service-principal",
        repository: Sequence[str] = (),
        expires_in: str = "90d",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        place = hosts.resolve(registry, cloud=cloud, subscription=subscription, group=resource_group)
        if method not in get_args(Method):
            raise UsageError(f"--method {method!r} is not known", hint=f"Give one of: {', '.join(get_args(Method))}.")
        repositories = _repositories(repository)
        _life_of(expires_in)
        return cls(
            place=place,
            reader=_reader(reader, method),
            method=cast("Method", method),
            repositories=repositories,
            life=expires_in,
            image=_image(place, image, repositories),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = {name: str(value or "") for name, value in reader.options.items()}
        return cls.parse(reader=reader.name, repository=reader.repositories, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="azure",
            account=self.place.label,
            name=self.reader,
            host=self.place.host,
            repositories=self.repositories,
            options={
                "registry": self.place.host,
                "cloud": self.place.cloud.name,
                "subscription": self.place.subscription,
                "resource_group": self.place.group,
                "method": self.method,
                "expires_in": self.life,
                "image": str(self.image) if self.image else "",
            },
        )

    @property
    def expires_in(self) -> timedelta:
        """How long each password lives."""
        return _life_of(self.life)


def _reader(name: str, method: str) -> str:
    if method == "token" and not _TOKEN.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a name for a token", hint="Give --reader with 5 to 44 letters, digits and hyphens."
        )
    if not _READER.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a name for an application",
            hint="Give --reader with up to 64 letters, digits, dots, underscores and hyphens.",
        )
    return name


def _repositories(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if not condition.is_repository(name):
            raise UsageError(
                f"{name!r} is not a repository",
                hint="Give --repository team/app, or team/* for all below team, in lower case.",
            )
    return tuple(sorted(set(names)))


def _image(place: hosts.Place, text: str, repositories: tuple[str, ...]) -> Image | None:
    if not text:
        return None
    image = place.image(text)
    if not condition.covers(repositories, image.repository):
        raise UsageError(
            f"the image {text!r} lies outside the scope of this reader",
            hint="Give an image of one of the --repository names.",
        )
    return image


def _life_of(text: str) -> timedelta:
    return life_of("expires-in", text, least=SHORTEST, most=LONGEST)
