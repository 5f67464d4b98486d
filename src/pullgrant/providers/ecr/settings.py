"""The options of an ECR reader, checked before any call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from pullgrant.errors import UsageError
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.providers.ecr import hosts

Method = Literal["role", "user"]
# iam-2010-05-08 API model: roleNameType, userNameType; a new user's name ends at 64 characters as a role's does.
_READER = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:[\u0021-\u007e]+/)?([\w+=,.@-]{1,64})", re.ASCII)
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(?:role|user)/[\u0021-\u007e]{1,512}", re.ASCII)
_ANY_ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `account` is where the identity lives, `registry.account` whose images it may pull.

    `role_arn` is an existing role that is used and never changed. `trust` are principals beside the operator that may take
    tokens, such as a scheduler's role. `profile` is the operator's own in the AWS configuration files.
    """

    account: str
    registry: hosts.Registry
    reader: str = "docker-reader"
    repositories: tuple[str, ...] = ()
    method: Method = "role"
    role_arn: str = ""
    trust: tuple[str, ...] = ()
    profile: str = ""
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        account: str,
        region: str = "",
        registry_id: str = "",
        registry: str = "",
        repository: Sequence[str] = (),
        reader: str = "docker-reader",
        method: str = "role",
        role_arn: str = "",
        trust: Sequence[str] = (),
        profile: str = "",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean, for a sign-in to `account`.

        Raises UsageError for the first that cannot be right.
        """
        owner = hosts.check_account("registry-id", registry_id) if registry_id else ""
        found = hosts.resolve(registry, region=region, account=owner or ("" if registry else account))
        home = _role_arn(role_arn, found) if role_arn else account
        if method not in get_args(Method):
            raise UsageError(f"--method {method!r} is not known", hint=f"Give one of: {', '.join(get_args(Method))}.")
        if not _READER.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a role or user",
                hint="Give --reader with up to 64 letters, digits and + = , . @ _ -.",
            )
        repositories = hosts.check_repositories(repository)
        settings = cls(
            account=home,
            registry=found,
            reader=reader,
            repositories=repositories,
            method=cast("Method", method),
            role_arn=role_arn,
            trust=_trust(trust),
            profile=profile,
            image=_image(found, image, repositories),
        )
        _check_together(settings)
        return settings

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options: dict[str, Any] = dict(reader.options)
        return cls.parse(account=reader.account, reader=reader.name, repository=reader.repositories, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="ecr",
            account=self.account,
            name=self.reader,
            host=self.registry.host,
            repositories=self.repositories,
            options={
                "registry": self.registry.host,
                "region": self.registry.region,
                "method": self.method,
                "role_arn": self.role_arn,
                "trust": self.trust,
                "profile": self.profile,
                "image": str(self.image) if self.image else "",
            },
        )

    @property
    def foreign(self) -> bool:
        """Whether the registry is another account's, which must allow the reader in its own policies too."""
        return not self.registry.public and self.account != self.registry.account

    @property
    def scope(self) -> tuple[str, ...]:
        """The ARNs that may be pulled from."""
        return tuple(self.registry.arn(name) for name in self.repositories or ("*",))


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a command line with what only the AWS configuration and the sign-in know: region and account.

    All else is checked first; then STS is asked once who the caller is, unless a role's ARN says whose account it is.
    Raises UsageError, NotSignedIn and Unavailable.
    """
    from pullgrant.providers.ecr.signin import SignIn

    given = dict(options)
    signed_in = SignIn(str(given.get("profile") or ""))
    named = bool(given.get("registry"))
    if not named and not given.get("region"):
        given["region"] = signed_in.default_region()
    checked = Settings.parse(**given, account=_ANY_ACCOUNT)
    if checked.role_arn and checked.registry.account != _ANY_ACCOUNT:
        return given | {"account": checked.account}
    return given | {"account": signed_in.caller(checked.registry.region).account}


def _check_together(settings: Settings) -> None:
    """Refuse options that contradict one another."""
    if settings.role_arn and settings.method != "role":
        raise UsageError("--role-arn is for --method role", hint="Leave one of the two out.")
    if settings.role_arn and settings.trust:
        raise UsageError(
            "--trust changes a role's trust policy, and a role given by --role-arn is never changed",
            hint="Let whoever manages the role trust these principals.",
        )
    if settings.registry.public and settings.repositories:
        raise UsageError(
            f"--repository narrows nothing at {settings.registry.host}: its repositories are open to everybody",
            hint="Leave --repository out, and name an image with --image ALIAS/REPOSITORY:TAG.",
        )
    if settings.foreign and not settings.repositories and _ANY_ACCOUNT not in (settings.account, settings.registry.account):
        raise UsageError(
            f"the registry of account {settings.registry.account} opens to {settings.account} one repository at a time",
            hint="Name each with --repository.",
        )


def _role_arn(text: str, registry: hosts.Registry) -> str:
    found = _ROLE_ARN.fullmatch(text)
    if not found or found[1] != registry.partition:
        raise UsageError(
            f"--role-arn {text!r} is not a role that can read {registry.host}",
            hint=f"Give arn:{registry.partition}:iam::ACCOUNT:role/NAME.",
        )
    return found[2]


def _trust(principals: Sequence[str]) -> tuple[str, ...]:
    for one in principals:
        if not _PRINCIPAL.fullmatch(one):
            raise UsageError(
                f"--trust {one!r} is not a role or user", hint="Give arn:aws:iam::ACCOUNT:role/NAME, or user/NAME."
            )
    return tuple(sorted(set(principals)))


def _image(registry: hosts.Registry, text: str, repositories: tuple[str, ...]) -> Image | None:
    if not text:
        return None
    image = registry.image(text)
    if repositories and image.repository not in repositories:
        raise UsageError(
            f"the image {text!r} lies outside the scope of this reader",
            hint="Give an image of one of the --repository names.",
        )
    return image
