"""Where tokens are kept: 0600 files, or the user's keyring when PULLGRANT_HELPER_CACHE says so."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pullgrant.dockerhelper import cache
from pullgrant.dockerhelper.cache import Kept
from pullgrant.errors import MissingExtra, Unavailable, UsageError
from pullgrant.kit.files import PRIVATE_FILE, private_folder, replace_private

if TYPE_CHECKING:
    from filelock import BaseFileLock

_WAIT_SECONDS = 120.0  # a fetch may wait for a new role to be seen
_SERVICE = "pullgrant docker credentials"


class Store(Protocol):
    """Keeps one answer a server."""

    def load(self, server: str) -> Kept | None:
        """Return what is kept, None for nothing."""

    def save(self, server: str, kept: Kept) -> None:
        """Keep an answer."""

    def forget(self, server: str) -> None:
        """Keep nothing any more; absent is done."""


def chosen() -> Store:
    """Return the store of PULLGRANT_HELPER_CACHE: `file`, which is the default, or `keyring`. Raises UsageError."""
    name = os.environ.get("PULLGRANT_HELPER_CACHE", "file")
    if name == "file":
        return FileStore()
    if name == "keyring":
        return KeyringStore(_keyring())
    raise UsageError(f"PULLGRANT_HELPER_CACHE is {name!r}", hint="Give file or keyring.")


class FileStore:
    """One private file a host; see `cache`."""

    def load(self, server: str) -> Kept | None:
        """See Store."""
        return cache.load(server)

    def save(self, server: str, kept: Kept) -> None:
        """See Store; the file is replaced whole, and where none can be written the next caller fetches again."""
        name = cache.name_of(server)
        if name:
            with contextlib.suppress(OSError):
                replace_private(Path(cache.folder(), name), cache.written(kept))

    def forget(self, server: str) -> None:
        """See Store. Raises Unavailable for a file that is there and stays there."""
        name = cache.name_of(server)
        try:
            if name:
                Path(cache.folder(), name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"the token kept for {server} could not be deleted: {error.strerror}") from None


class KeyringStore:
    """Entries of the user's keyring, one a host."""

    def __init__(self, keyring: Any) -> None:
        self._keyring = keyring

    def load(self, server: str) -> Kept | None:
        """See Store; a keyring that is locked or broken keeps nothing."""
        try:
            found = self._keyring.get_password(_SERVICE, _entry(server))
            return cache.read(base64.b64decode(found)) if found else None
        except Exception:  # a keyring's back end raises whatever its desktop does
            return None

    def save(self, server: str, kept: Kept) -> None:
        """See Store; one that cannot be kept is fetched again next time."""
        text = base64.b64encode(cache.written(kept)).decode()
        with contextlib.suppress(Exception):
            self._keyring.set_password(_SERVICE, _entry(server), text)

    def forget(self, server: str) -> None:
        """See Store."""
        with contextlib.suppress(Exception):
            self._keyring.delete_password(_SERVICE, _entry(server))


@contextlib.contextmanager
def one_at_a_time(server: str) -> Iterator[None]:
    """Hold the lock of one host among all processes of this user. It dies with its process. Raises Unavailable.

    Without a folder to write to there is no lock, as there is nothing kept that a second caller could be given.
    """
    lock = _lock(server)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _lock(server: str) -> BaseFileLock | None:
    from filelock import FileLock, Timeout

    try:
        path = private_folder(Path(cache.folder())) / f".{cache.name_of(server)}.lock"
        lock = FileLock(path, mode=PRIVATE_FILE)
        lock.acquire(timeout=_WAIT_SECONDS)
    except Timeout:
        raise Unavailable(f"another process has been fetching a token for {server} for {_WAIT_SECONDS:g} s") from None
    except OSError:
        return None
    return lock


def _entry(server: str) -> str:
    return f"{cache.folder().rpartition('/')[2]}/{cache.name_of(server)}"


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        raise MissingExtra(
            "PULLGRANT_HELPER_CACHE=keyring needs the package keyring", hint="pip install 'pullgrant[keyring]'"
        ) from None
    return keyring
