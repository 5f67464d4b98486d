"""Where a ledger is: the reading of its URL, which may hold a password and is never repeated in a message."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from pullgrant.errors import UsageError
from pullgrant.secret import Secret

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_HOST = re.compile(r"[^:,\[\]]*(?::\d*)?|\[[0-9A-Fa-f:.%]+\](?::\d*)?")
_KINDS = "Give a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE."


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteFile:
    """A SQLite file; `own_folder` when its folder was chosen by us and holds nothing else."""

    path: Path
    own_folder: bool = False

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDatabase:
    """A PostgreSQL database: `address` is the URI for libpq, `name` the same without user, password and parameters."""

    address: Secret
    name: str

    def __str__(self) -> str:
        return self.name


Location: TypeAlias = SqliteFile | PostgresDatabase


def locate(url: str | None, environ: Mapping[str, str]) -> Location:
    """Return where the ledger of this URL is. Raises UsageError, without the URL, for one that can not be read."""
    if url is None:
        return SqliteFile(path=_state_home(environ) / "pullgrant" / "ledger.sqlite", own_folder=True)
    scheme = _SCHEME.match(url)
    if scheme is None:
        return _file(url)
    kind = scheme[1].lower()
    if kind == "sqlite" and url[scheme.end() :].startswith("///"):
        return _file(url[scheme.end() + 3 :])
    if kind in _POSTGRESQL and url[scheme.end() :].startswith("//"):
        return _database(f"postgresql:{url[scheme.end() :]}")
    raise UsageError(f"a ledger can not be opened by a {kind}: address of this form", hint=_KINDS)


def _state_home(environ: Mapping[str, str]) -> Path:
    """Return the base folder for state; a relative $XDG_STATE_HOME counts as unset (XDG Base Directory Specification)."""
    chosen = Path(environ.get("XDG_STATE_HOME", ""))
    return chosen if chosen.is_absolute() else Path("~/.local/state").expanduser()


def _file(text: str) -> SqliteFile:
    if not text or text == ":memory:" or text.endswith("/"):
        raise UsageError(f"{text!r} is not the path of a ledger file", hint=_KINDS)
    if "?" in text or "\0" in text:
        raise UsageError(
            "the path of a ledger file takes no parameters", hint="Leave out the question mark and what follows."
        )
    return SqliteFile(path=Path(os.path.realpath(Path(text).expanduser())))


def _database(url: str) -> PostgresDatabase:
    """Return the database of a libpq URI.

    A raw "@" in a password would make a part of it the host, which error messages name; so there may be one "@" only, and
    what stands for hosts must look like hosts (PostgreSQL manual, "Connection URIs").
    """
    unreadable = UsageError(
        "the postgresql:// address of the ledger can not be read",
        hint="Percent-encode special characters of the password: %40 for @, %2F for /, %3A for :, %3F for ?, %23 for #.",
    )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise unreadable from None
    hosts = parts.netloc.rpartition("@")[2]
    if url.count("@") > parts.netloc.count("@") or parts.netloc.count("@") > 1 or parts.fragment:
        raise unreadable
    if not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise unreadable
    host = hosts or "".join(parse_qs(parts.query).get("host", [])[:1])
    return PostgresDatabase(address=Secret(url), name=f"postgresql://{host}{parts.path}")
