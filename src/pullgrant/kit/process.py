"""The only place where another program is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pullgrant.errors import OutcomeUnknown, UsageError

# Tokens of platforms and clouds reach only the program that they are for.
_PRIVATE_PREFIXES = (
    "AKKA_",
    "KALIX_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
    "VAULT_",
    "GITHUB_",
    "GITLAB_",
    "GHCR_",
    "HARBOR_",
    "QUAY_",
    "DOCKERHUB_",
    "PULLGRANT_",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended. `stdout` and `stderr` are text as it came: redact before showing."""

    returncode: int
    stdout: str
    stderr: str


def which(program: str) -> str | None:
    """Return the path of a program on PATH, None when there is none."""
    return shutil.which(program)


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    stdin: str = "",
    keep: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run one program without a shell and wait for it, `timeout` seconds at most.

    Its environment is ours without the variables of clouds and platforms, but for those whose names begin with an entry of
    `keep`, and with `env` on top. Raises UsageError when the program is missing and OutcomeUnknown when it was killed for
    taking too long. Neither error carries the arguments: for one documented program they hold a password.
    """
    environment = _environment(keep) | dict(env or {})
    try:
        done = subprocess.run(
            list(argv), input=stdin.encode(), capture_output=True, timeout=timeout, env=environment, check=False
        )
    except FileNotFoundError:
        raise UsageError(f"the program {argv[0]!r} is not on PATH", hint=f"Install {argv[0]} and try again.") from None
    except PermissionError:
        raise UsageError(f"the program {argv[0]!r} may not be run", hint="Check its file mode.") from None
    except OSError as error:  # not an executable, or an argument beyond the system's limit
        raise UsageError(f"the program {argv[0]!r} could not be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise OutcomeUnknown(f"{argv[0]} did not end within {timeout:g} s") from None
    # UTF-8 whatever the locale: an operator's LANG=C must not change a password on its way.
    return Finished(
        returncode=done.returncode, stdout=done.stdout.decode(errors="replace"), stderr=done.stderr.decode(errors="replace")
    )


def _environment(keep: Sequence[str]) -> dict[str, str]:
    kept = tuple(keep)
    return {n: v for n, v in os.environ.items() if n.startswith(kept) or not n.startswith(_PRIVATE_PREFIXES)}
