"""Whether git keeps a file: a secret must not be written where the next commit carries it away."""

from __future__ import annotations

from pathlib import Path

from pullgrant.errors import OutcomeUnknown, UsageError
from pullgrant.kit import process

_TIMEOUT = 20.0


def is_tracked(path: Path) -> bool | None:
    """Return whether git tracks the file, None when it lies in a checkout and git cannot be asked."""
    return _ask(path, ["ls-files", "--error-unmatch"])


def is_ignored(path: Path) -> bool | None:
    """Return whether git ignores the file, None when git cannot be asked; a file in no checkout counts as ignored."""
    return _ask(path, ["check-ignore", "--quiet"], elsewhere=True)


def _ask(path: Path, question: list[str], *, elsewhere: bool = False) -> bool | None:
    # The file itself, not the link that leads to it: that is what the checkout around it would carry away.
    real = path.resolve()
    if not any((folder / ".git").exists() for folder in real.parents):
        return elsewhere
    try:
        done = process.run(["git", "-C", str(real.parent), *question, "--", real.name], timeout=_TIMEOUT)
    except (UsageError, OutcomeUnknown):
        return None
    return {0: True, 1: False}.get(done.returncode)
