"""Reads an Akash SDL file: its services, their images and credentials, and where in the text each of them stands.

Rules: akash-network/chain-sdk go/sdl (v2.go, v2_1.go, sdl-input.schema.yaml).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pullgrant.errors import MissingExtra, UsageError
from pullgrant.model.image import canonical_host, parse_image

Login: TypeAlias = Mapping[str, Any]

VERSIONS = ("2.0", "2.1")
FIELDS = ("host", "username", "password")
LEAST = {"host": 1, "username": 1, "password": 6, "email": 5}  # the schema's minLength


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service; `host` is that of its image, empty when the image cannot be read. `credentials` may hold a secret."""

    name: str
    host: str
    credentials: Login | None

    def __repr__(self) -> str:
        return f"Service({self.name!r})"

    def serves(self, host: str) -> bool:
        """Return whether its credentials are for a registry host."""
        try:
            return bool(self.credentials) and canonical_host(str((self.credentials or {}).get("host", ""))) == host
        except UsageError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdl:
    """A whole file: what it says, and its tree of nodes with their places in the text. Never printed."""

    version: str
    services: tuple[Service, ...]
    said: Any
    root: Any

    def __repr__(self) -> str:
        return f"Sdl({self.version!r}, {len(self.services)} services)"


def read(text: str, where: str) -> Sdl:
    """Return the file. Raises UsageError naming the line, never the content, and MissingExtra without ruamel.yaml."""
    said, root = load(text, where)
    services = said.get("services") if isinstance(said, dict) else None
    if not isinstance(services, dict) or not all(isinstance(one, dict) for one in services.values()):
        raise UsageError(f"{where} is no SDL file: it has no services", hint="Give the file that `provider-services` takes.")
    return Sdl(
        version=_version(said.get("version"), where),
        services=tuple(_service(str(name), one, where) for name, one in services.items()),
        said=said,
        root=root,
    )


def load(text: str, where: str) -> tuple[Any, Any]:
    """Return what a YAML text says, and its tree of nodes. Errors are those of `read`."""
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ModuleNotFoundError:
        raise MissingExtra("akash needs the package ruamel.yaml", hint="pip install 'pullgrant[akash]'") from None
    place = ""
    try:
        return YAML(typ="safe", pure=True).load(text), YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    except (ValueError, RecursionError, TypeError):
        place = ""  # a date that is none, or a tree without end
    raise UsageError(f"{where} is not YAML{place}", hint="Mend the file by hand; nothing was changed.")


def _version(version: Any, where: str) -> str:
    if version is None:
        raise UsageError(f"{where} has no version", hint='Write version: "2.1" as its first line.')
    if version not in VERSIONS:
        raise UsageError(
            f"{where} has the version {version!r}", hint=f'Write it in quotes: version: "{VERSIONS[-1]}" or "{VERSIONS[0]}".'
        )
    return str(version)


def _service(name: str, said: dict[str, Any], where: str) -> Service:
    credentials = said.get("credentials")
    if credentials is not None and not isinstance(credentials, dict):
        raise UsageError(f"{where}: the credentials of service {name} are no block of host, username and password")
    try:
        host = parse_image(str(said.get("image", ""))).host
    except UsageError:
        host = ""
    return Service(name=name, host=host, credentials=credentials)
