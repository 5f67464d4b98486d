"""Kept tokens: one 0600 file a registry host, which holds the very answer to give and until when it may be given.

The first line is `FRESH_UNTIL EXPIRES USERNAME` in seconds since 1970; the rest is the answer of the protocol.
"""

import os
import time

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_LONGEST = 200  # a file's name ends at 255 bytes, and a lock's or a new file's is a little longer than its host
MARGIN = 60.0  # seconds: a token that dies while it is used is no token


class Kept:
    """An answer and its ends, in seconds since 1970."""

    __slots__ = ("answer", "expires", "fresh_until", "username")

    def __init__(self, fresh_until: float, expires: float, username: str, answer: bytes) -> None:
        self.fresh_until, self.expires, self.username, self.answer = fresh_until, expires, username, answer

    def __repr__(self) -> str:
        return f"Kept(expires={self.expires})"


def now() -> float:
    """Return the time of day as the rest of the product sees it; see kit.clock."""
    return time.time() + float(os.environ.get("PULLGRANT_CLOCK_AHEAD") or 0)


def is_alive(kept: Kept) -> bool:
    """Return whether a kept answer can still be used."""
    return now() < kept.expires - MARGIN


def is_fresh(kept: Kept) -> bool:
    """Return whether a kept answer may be given without asking for a new one."""
    return now() < kept.fresh_until and is_alive(kept)


def name_of(server: str) -> str:
    """Return the file name for a server text: its host, without scheme and path; empty for what can be no host."""
    host = server.strip().lower()
    for scheme in ("https://", "http://"):
        host = host.removeprefix(scheme)
    host = host.partition("/")[0].replace(":", "_")
    return host if 0 < len(host) <= _LONGEST and host[0] != "." and _SAFE.issuperset(host.replace("_", "")) else ""


def folder() -> str:
    """Return the folder of this user and ledger: tokens of a rehearsal are no answer for the real thing."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not home.startswith("/"):
        home = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "pullgrant", "docker", _ledger())


def load(server: str) -> Kept | None:
    """Return what is kept for a server, None for nothing and for what cannot be read or was open to others."""
    name = name_of(server)
    if not name:
        return None
    try:
        descriptor = os.open(os.path.join(folder(), name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        state = os.fstat(descriptor)
        if state.st_mode & 0o077 or state.st_uid != os.geteuid():
            return None
        found = os.read(descriptor, 1 << 20)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return read(found)


def read(found: bytes) -> Kept | None:
    """Return the answer in a file's bytes, None for bytes that are none."""
    line, _, answer = found.partition(b"\n")
    words = line.split(b" ", 2)
    try:
        return Kept(float(words[0]), float(words[1]), words[2].decode(), answer) if answer else None
    except (ValueError, IndexError):
        return None


def written(kept: Kept) -> bytes:
    """Return the bytes for a file."""
    return f"{kept.fresh_until} {kept.expires} {kept.username}\n".encode() + kept.answer


def _ledger() -> str:
    """Return a name for the ledger in use. A database's address counts without its user and password."""
    url = os.environ.get("PULLGRANT_LEDGER", "")
    if not url:
        return "own"
    import binascii

    scheme, colon, rest = url.partition("://")
    plain = f"{scheme}{colon}{rest.rpartition('@')[2]}" if colon else url
    return f"ledger-{binascii.crc32(plain.encode()):08x}"
