"""The options of a Docker Hub reader, checked before any call."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pullgrant.errors import UsageError
from pullgrant.kit import references
from pullgrant.kit.duration import life_of
from pullgrant.model.image import DOCKER_HUB, Image, parse_image
from pullgrant.model.reader import Reader

Kind = Literal["organization", "personal"]
MOST_REPOSITORIES = 50  # docker/docs content/manuals/enterprise/security/access-tokens.md
_ACCOUNT = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
# The label of a personal token has 100 characters at most, of which the rest of our mark takes 63.
_READER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,34}[A-Za-z0-9])?", re.ASCII)


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with DOCKERHUB_USERNAME in place of an operator that was not given."""
    operator = os.environ.get("DOCKERHUB_USERNAME")
    return {**({"operator": operator} if operator else {}), **options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `account` is the organisation or the user, `operator` who makes the token.

    `password` is a reference; `repositories` carry the account in front.
    """

    kind: Kind
    account: str
    operator: str
    password: str
    repositories: tuple[str, ...] = ()
    reader: str = "docker-reader"
    life: str = "90d"
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        organization: str = "",
        repository: Sequence[str] = (),
        username: str = "",
        operator: str = "",
        password: str = "env:DOCKERHUB_PASSWORD",  # noqa: S107 - a reference
        reader: str = "docker-reader",
        expires_in: str = "90d",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        account = organization or username
        if bool(organization) == bool(username) or not _ACCOUNT.fullmatch(account):
            raise UsageError(
                f"one organisation or one user is to be read, not {organization!r} and {username!r}",
                hint="Give --organization NAME --repository NAME, or --username NAME for a token of that account.",
            )
        if not _READER.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a token",
                hint="Give --reader with up to 36 letters, digits, dots, underscores and hyphens.",
            )
        if organization and not operator:
            raise UsageError("who owns the organisation is not known", hint="Give --operator, or set DOCKERHUB_USERNAME.")
        repositories = _repositories(organization, repository)
        _life(expires_in)
        return cls(
            kind="organization" if organization else "personal",
            account=account,
            operator=operator if organization else username,
            password=references.checked("password", password),
            repositories=repositories,
            reader=reader,
            life=expires_in,
            image=_image(account, repositories, image),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = {name: str(value or "") for name, value in reader.options.items()}
        return cls.parse(reader=reader.name, repository=reader.repositories, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        who = {"organization": self.account, "operator": self.operator}
        return Reader(
            provider="dockerhub",
            account=self.account,
            name=self.reader,
            host=DOCKER_HUB,
            repositories=self.repositories,
            options={
                **(who if self.kind == "organization" else {"username": self.account}),
                "password": self.password,
                "expires_in": self.life,
                "image": str(self.image) if self.image else "",
            },
        )

    @property
    def expires_in(self) -> timedelta:
        """How long each token lives."""
        return _life(self.life)


def _life(text: str) -> timedelta:
    return life_of("expires-in", text, least=timedelta(hours=1), most=timedelta(days=3650))


def _repositories(organization: str, names: Sequence[str]) -> tuple[str, ...]:
    if not organization:
        if names:
            raise UsageError(
                "a personal access token cannot be narrowed to a repository: it reads all that its account reads",
                hint="Leave --repository out, or give --organization for a token of the organisation.",
            )
        return ()
    short = sorted({name.removeprefix(f"{organization}/") for name in names})
    for name in short:
        if not _REPOSITORY.fullmatch(name):
            raise UsageError(f"{name!r} is not a repository of {organization}", hint="Give --repository NAME in lower case.")
    if not 0 < len(short) <= MOST_REPOSITORIES:
        raise UsageError(
            f"{len(short)} repositories were named", hint=f"Give --repository NAME, 1 to {MOST_REPOSITORIES} times."
        )
    return tuple(f"{organization}/{name}" for name in short)


def _image(account: str, repositories: tuple[str, ...], text: str) -> Image | None:
    if not text:
        return None
    name = text.removeprefix("docker.io/")
    image = parse_image(f"docker.io/{name if '/' in name else f'{account}/{name}'}")
    if image.host != DOCKER_HUB or (repositories and image.repository not in repositories):
        raise UsageError(
            f"the image {text!r} lies outside the scope of this reader",
            hint="Give an image of one of the --repository names.",
        )
    return image
