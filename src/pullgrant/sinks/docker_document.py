"""The text of docker's config.json: which entry docker would use for a host, and the same text with one entry changed.

Rules: docker/cli cli/config/configfile/file.go, credentials/file_store.go, types/authconfig.go.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn, TypeAlias

from pullgrant.errors import UsageError
from pullgrant.model.credential import Credential, Held
from pullgrant.secret import Secret

Document: TypeAlias = dict[str, Any]

_API_PATHS = frozenset({"", "v1", "v2"})


def parse(content: bytes | None, where: str) -> Document:
    """Return the document; {} for a file that is absent or empty, as docker reads it.

    Raises UsageError naming line and column, never content, when docker could not read it either.
    """
    if content is None or not content.strip():
        return {}
    wrong = ""
    try:
        document = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        wrong = f"is not JSON at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        wrong = "is not JSON in UTF-8"
    if not wrong:
        wrong = _wrong_shape(document)
    if wrong:
        raise UsageError(f"{where} {wrong}", hint="Mend the file by hand; nothing was changed.")
    return dict(document)


def render(document: Document, before: bytes | None) -> bytes:
    """Return the document as docker writes it, with one tab per level; a final newline is kept where there was one."""
    end = "\n" if before is not None and before.endswith(b"\n") else ""
    return (json.dumps(document, indent="\t", ensure_ascii=False) + end).encode("utf-8", "surrogatepass")


def helper_for(document: Document, key: str) -> str:
    """Return the suffix of the credential helper that owns the key, empty when the file itself does.

    An entry of `credHelpers` wins over `credsStore`, an empty one too.
    """
    helpers = document.get("credHelpers") or {}
    return str(helpers[key] if key in helpers else document.get("credsStore") or "")


def with_entry(document: Document, key: str, username: str, secret: Secret) -> Document:
    """Return the document with exactly this entry for the key, in its old place, and without stale twins of it."""
    auth = base64.b64encode(f"{username}:{secret.reveal()}".encode()).decode()
    auths = {name: entry for name, entry in _auths(document).items() if not _is_twin(name, key)}
    return {**document, "auths": {**auths, key: {"auth": auth}}}


def without_entry(document: Document, key: str) -> Document:
    """Return the document without the entry of the key; the same document when there is none."""
    auths = _auths(document)
    if key not in auths:
        return document
    return {**document, "auths": {name: entry for name, entry in auths.items() if name != key}}


def held(document: Document, key: str, server: str) -> Held | None:
    """Return what the file holds for the key: its own entry, else its first twin, as docker looks; None for nothing."""
    auths = _auths(document)
    for name in (key, *(name for name in auths if _is_twin(name, key))):
        found = _decode(name, auths.get(name) or {}, server)
        if found is not None:
            return found
    return None


def _decode(name: str, entry: Document, server: str) -> Held | None:
    if entry.get("identitytoken") or entry.get("registrytoken"):
        kind = "an identity token" if entry.get("identitytoken") else "a registry token"
        return Held(reference=name, username=str(entry.get("username") or ""), words=f"{kind}, not a user name and password")
    username, secret = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            username, secret = _split(str(entry["auth"]))
        except ValueError:
            return Held(reference=name, words="an entry that docker cannot decode")
    if not username and not secret:
        return None  # docker leaves {} behind when a helper holds the credential
    credential = Credential(server=server, username=username, secret=Secret(secret))
    return Held(reference=name, username=username, credential=credential)


def _split(auth: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth.rstrip("=") + "=" * (-len(auth.rstrip("=")) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("not base64 of UTF-8") from None
    username, colon, secret = text.partition(":")
    if not colon or not username:
        raise ValueError("no user name")
    return username, secret.strip("\0")


def _auths(document: Document) -> Document:
    return document.get("auths") or {}


def _is_twin(name: str, key: str) -> bool:
    """Return whether docker would fall back to `name` for this host: the bare host or its API's URL, but not the key itself.

    A key with a namespace (`host/team`) is another tool's way to name a part of a registry and is left alone.
    """
    host, _, path = _without_scheme(name).partition("/")
    return name != key and host == _without_scheme(key).partition("/")[0] and path.strip("/") in _API_PATHS


def _without_scheme(name: str) -> str:
    return name.removeprefix("https://").removeprefix("http://")


def _wrong_shape(document: Any) -> str:
    if not isinstance(document, dict):
        return "does not hold a JSON object"
    auths, helpers, store = (document.get(name) for name in ("auths", "credHelpers", "credsStore"))
    if auths is not None and not (isinstance(auths, dict) and all(isinstance(one, dict | None) for one in auths.values())):
        return "has an `auths` that docker cannot read"
    if helpers is not None and not (isinstance(helpers, dict) and all(isinstance(one, str) for one in helpers.values())):
        return "has `credHelpers` that docker cannot read"
    return "" if isinstance(store, str | None) else "has a `credsStore` that docker cannot read"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
