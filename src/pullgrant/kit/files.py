"""Files that hold secrets: 0600 from birth, replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from pullgrant.errors import UsageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def read_bytes(path: Path) -> bytes | None:
    """Return the file's bytes, None when there is no such file. Raises OSError for anything else."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def authority_file(name: str) -> str:
    """Return the whole path of the file that --ca-file names, empty for none. Raises UsageError when it is not there."""
    path = Path(name).expanduser().absolute()
    if name and not path.is_file():
        raise UsageError(f"there is no file {path}", hint="Give --ca-file with the authority's certificate as PEM.")
    return str(path) if name else ""


def private_folder(path: Path) -> Path:
    """Make the folder and its parents if missing, the new ones 0700; return it."""
    for folder in reversed((path, *path.parents)):  # mkdir's own `parents` would make all but the last one 0755
        if not folder.is_dir():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return path


def replace_private(path: Path, content: bytes, *, check: Callable[[], None] = lambda: None) -> None:
    """Put `content` at `path` by writing a 0600 file beside it, syncing it and renaming it over the old one.

    A symbolic link is followed, a dangling one too, and its target replaced. An existing file keeps its owner where the
    process may set it; its mode is kept only as far as it gives nothing to group and others. `check` is called right before
    the rename: an error that it raises leaves the old file as it is. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    private_folder(target.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _copy_ownership(target, name)
        check()
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(target.parent)


def _copy_ownership(target: Path, name: str) -> None:
    try:
        before = target.stat()
    except FileNotFoundError:
        return
    os.chmod(name, stat.S_IMODE(before.st_mode) & PRIVATE_FILE or PRIVATE_FILE)
    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.chown(name, before.st_uid, before.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
