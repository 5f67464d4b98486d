"""A file that other programs write too: changed under our own lock, and only if nobody else changed it meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pullgrant.errors import SinkFailed, UsageError
from pullgrant.kit.files import PRIVATE_FOLDER, read_bytes, replace_private

_TRIES = 8
_LOCK_WAIT = 60.0  # seconds; another run holds the lock for one small write, or for one call of a credential helper


class _ChangedMeanwhileError(Exception):
    """Another program wrote the file after it was read."""


def read(path: Path) -> bytes | None:
    """Return the bytes of the file, None when there is none. Raises UsageError when it cannot be read."""
    try:
        return read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def check_writable(path: Path) -> None:
    """Raise UsageError when the file could not be replaced, or made, because of its folder; nothing is written."""
    folder = Path(os.path.realpath(path)).parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True) or not folder.is_dir():
        raise UsageError(f"{path} cannot be written: {folder} takes no new files", hint="Run as the owner of the folder.")


def rewrite(path: Path, change: Callable[[bytes | None], bytes | None]) -> None:
    """Replace the content by `change` of it, whole, keeping what any other program wrote meanwhile.

    `change` gets None for an absent file and returns None when nothing is to be written; it is called again when the file
    was changed under its hands. Raises SinkFailed when that happens too often or the file cannot be written.
    """
    with _alone(path):
        for _ in range(_TRIES):
            before = read(path)
            after = change(before)
            if after is None or after == before or _replaced(path, before, after):
                return
    raise SinkFailed(f"{path} was changed by another program {_TRIES} times while it was to be written", hint="Try again.")


def _replaced(path: Path, before: bytes | None, after: bytes) -> bool:
    try:
        replace_private(path, after, check=partial(_check_unchanged, path, before))
    except _ChangedMeanwhileError:
        return False
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SinkFailed(
            f"{path} could not be written: {why}", hint="Check the space and the rights of its folder, then try again."
        ) from None
    return True


def _check_unchanged(path: Path, before: bytes | None) -> None:
    if read(path) != before:
        raise _ChangedMeanwhileError


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of this file against other runs of ours; docker itself takes none, hence _check_unchanged."""
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
    lock = FileLock(_lock_folder() / f"{name}.lock", timeout=_LOCK_WAIT)
    try:
        lock.acquire()
    except Timeout:
        raise SinkFailed(
            f"another run has been writing {path} for {_LOCK_WAIT:g} s", hint="Try again when it is done."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _lock_folder() -> Path:
    """Return a folder of this user alone, away from the file: its own folder is not ours to litter."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    base = runtime if runtime.is_absolute() and runtime.is_dir() else Path(tempfile.gettempdir())
    folder = base / f"pullgrant-{os.geteuid()}"
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise SinkFailed(f"the folder for locks, {folder}, cannot be made: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SinkFailed(f"the folder for locks, {folder}, is open to others", hint="Remove it, or set XDG_RUNTIME_DIR.")
    return folder
