"""The options of a Google Cloud reader, checked before any call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pullgrant.errors import UsageError
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.providers.gcp import hosts

ARTIFACT_READER = "roles/artifactregistry.reader"
OBJECT_VIEWER = "roles/storage.objectViewer"
READER_ROLES = frozenset({ARTIFACT_READER, OBJECT_VIEWER})
Role = Literal["auto", "roles/storage.objectViewer", "roles/artifactregistry.reader"]
Scope = Literal["repository", "project"]
CredentialKind = Literal["json-key", "access-token"]
# Discovery document iam.v1, CreateServiceAccountRequest.accountId: 6 to 30 characters.
_READER = re.compile(r"(?=.{6,30}\Z)[a-z](?:[-a-z0-9]*[a-z0-9])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `project` is where the service account lives, `registry.project` where the images live."""

    project: str
    registry: hosts.Registry
    reader: str = "docker-reader"
    role: Role = "auto"
    scope: Scope = "repository"
    credential: CredentialKind = "json-key"
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        project: str,
        registry: str = "gcr.io",
        reader: str = "docker-reader",
        role: str = "auto",
        scope: str = "repository",
        credential: str = "json-key",
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        if not hosts.is_project(project):
            raise UsageError(
                f"{project!r} is not a project id", hint="Give --project ID; `gcloud projects list` shows the ids."
            )
        if not _READER.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a service account",
                hint="Give --reader with 6 to 30 lower-case letters, digits and hyphens, the first a letter, the last no hyphen.",
            )
        found = hosts.resolve(registry, project)
        wanted = cast("Role", _one_of("role", role, get_args(Role)))
        if wanted == OBJECT_VIEWER and not found.bucket:
            raise useless_role(found)
        return cls(
            project=project,
            registry=found,
            reader=reader,
            role=wanted,
            scope=cast("Scope", _one_of("scope", scope, get_args(Scope))),
            credential=cast("CredentialKind", _one_of("credential", credential, get_args(CredentialKind))),
            image=found.image(image) if image else None,
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = {name: str(value or "") for name, value in reader.options.items()}
        return cls.parse(project=reader.account, reader=reader.name, **options)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        narrow = self.scope == "repository" and not self.registry.bucket
        return Reader(
            provider="gcp",
            account=self.project,
            name=self.reader,
            host=self.registry.host,
            repositories=(self.registry.path,) if narrow else (),
            options={
                "registry": self.registry.text,
                "role": self.role,
                "scope": self.scope,
                "credential": self.credential,
                "image": str(self.image) if self.image else "",
            },
        )

    @property
    def email(self) -> str:
        """The address of the service account; a project scoped by a domain turns around in it."""
        domain, colon, name = self.project.rpartition(":")
        return f"{self.reader}@{name}{'.' + domain if colon else ''}.iam.gserviceaccount.com"


def covers(reader: Reader, image: Image) -> bool:
    """Return whether an image at the reader's host lies in its project, or in its one repository."""
    return image.repository.startswith(f"{Settings.of(reader).registry.path}/")


def useless_role(registry: hosts.Registry) -> UsageError:
    """Return the error for a bucket role on a host that Artifact Registry serves."""
    return UsageError(
        f"{OBJECT_VIEWER} is useless for {registry.host}: Artifact Registry serves it and keeps no bucket",
        hint=f"Leave --role out, or give --role {ARTIFACT_READER}.",
    )


def _one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"--{option} {value!r} is not known", hint=f"Give one of: {', '.join(known)}.")
    return value
