"""References to secrets: `env:NAME`, `file:PATH`, `cmd:COMMAND`, `keyring:SERVICE/USER`, `prompt`.

A secret enters by reference only. The reference is what the ledger keeps, so that a later run finds the secret again.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pullgrant.errors import MissingExtra, NotSignedIn, UsageError
from pullgrant.kit.process import run
from pullgrant.secret import Secret

FORMS = "env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER or prompt"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MOST_BYTES = 64 * 1024
_SECONDS = 60.0


def checked(option: str, text: str) -> str:
    """Return a reference as it is to be kept: a file by its absolute path. Nothing is read yet.

    Raises UsageError for a text that is no reference. The text is not shown: it may be the secret itself.
    """
    kind, _, rest = text.partition(":")
    match kind:
        case "env" if _NAME.fullmatch(rest):
            return text
        case "file" if rest:
            return f"file:{Path(rest).expanduser().absolute()}"
        case "cmd" if _words(rest):
            return text
        case "keyring" if all(_service_and_user(rest)):
            return text
        case "prompt" if text == "prompt":
            return text
    raise UsageError(
        f"--{option} is not a reference to a secret",
        hint=f"Give {FORMS}. A secret on the command line can be read by every user of this machine.",
    )


def resolve(text: str) -> Secret:
    """Return the secret that a reference leads to, without the line end after it.

    Raises NotSignedIn when the place is empty or absent, UsageError when it cannot be read, MissingExtra for a keyring
    without its package. No message holds a secret, or what a command printed.
    """
    kind, _, rest = checked("secret", text).partition(":")
    found = _READERS[kind](rest)
    secret = found.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise NotSignedIn(f"{_place(kind, rest)} holds no secret", hint=f"Put it there, or give another place: {FORMS}.")
    if any(character in secret for character in "\r\n\0"):
        raise UsageError(f"{_place(kind, rest)} holds more than one line", hint="A password or a token is one line.")
    return Secret(secret)


class Reference:
    """A reference whose secret is fetched at first use and then once only, so that nobody is asked twice. Safe for threads."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._secret: Secret | None = None
        self._fetching = threading.Lock()

    @property
    def secret(self) -> Secret:
        """The secret; errors as `resolve`."""
        with self._fetching:
            if self._secret is None:
                self._secret = resolve(self.text)
            return self._secret


def _of_environment(name: str) -> str:
    return os.environ.get(name, "")


def _of_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MOST_BYTES).decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the file {path} is not text") from None


def _of_command(command: str) -> str:
    """Run the user's own command with the user's whole environment, as git does with its credential helpers."""
    words = _words(command)
    done = run(words, timeout=_SECONDS, env=os.environ)
    if done.returncode != 0:
        raise NotSignedIn(
            f"the command {words[0]!r} that should print a secret ended with status {done.returncode}",
            hint="Run it by hand to see why; it is started without a shell.",
        )
    return done.stdout


def _of_keyring(place: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingExtra(
            "a reference of the form keyring: needs the Python package keyring", hint="pip install keyring"
        ) from None
    service, user = _service_and_user(place)
    try:
        return keyring.get_password(service, user) or ""
    except KeyringError as error:
        raise UsageError(f"the keyring of this machine cannot be read ({type(error).__name__})") from None


def _of_terminal(_: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "the secret is to be asked for, and there is no terminal", hint=f"Give another place for it: {FORMS}."
        )
    from getpass import getpass

    return getpass("Secret (not shown): ")


_READERS: dict[str, Callable[[str], str]] = {
    "env": _of_environment,
    "file": _of_file,
    "cmd": _of_command,
    "keyring": _of_keyring,
    "prompt": _of_terminal,
}


def _place(kind: str, rest: str) -> str:
    """Return the place in words; of a command its program only, as the rest may be private."""
    match kind:
        case "env":
            return f"the environment variable {rest}"
        case "file":
            return f"the file {rest}"
        case "cmd":
            return f"what the command {_words(rest)[0]!r} prints"
        case "keyring":
            return f"the keyring entry {rest}"
    return "the answer"


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _service_and_user(place: str) -> tuple[str, str]:
    service, _, user = place.rpartition("/")
    return service, user
