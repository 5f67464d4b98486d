"""The protocol of docker's credential helpers: one argument, payload on standard input, errors on standard output.

Source: docker/docker-credential-helpers credentials/credentials.go and client/client.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pullgrant.errors import OutcomeUnknown, SinkFailed, UsageError
from pullgrant.kit import process
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret

ABSENT = "credentials not found in native keychain"
TOKEN_USER = "<token>"  # noqa: S105  (docker/cli native_store.go: the secret is an identity token then)
_SUFFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_TIMEOUT = 30.0  # some helpers wait for a keychain to be unlocked, some hang (amazon-ecr-credential-helper#381)


def check(suffix: str) -> None:
    """Raise UsageError when the helper that config.json names is not installed."""
    name = _program(suffix)
    if process.which(name) is None:
        raise UsageError(
            f"config.json gives this registry to the credential helper {name!r}, which is not on PATH",
            hint=f"Install {name}, or take it out of credHelpers and credsStore.",
        )


def store(suffix: str, key: str, username: str, secret: Secret) -> None:
    """Give the helper a credential to keep, in place of what it had for the key. Raises SinkFailed."""
    payload = json.dumps({"ServerURL": key, "Username": username, "Secret": secret.reveal()}, ensure_ascii=False)
    _ask(suffix, "store", payload, secret)


def get(suffix: str, key: str, *, keep: Sequence[str] = ()) -> tuple[str, Secret] | None:
    """Return user name and secret that the helper keeps for the key, None when it keeps none. Raises SinkFailed.

    `keep` begins the names of a platform's variables that are for this helper.
    """
    answer = _ask(suffix, "get", key, keep=keep)
    if answer is None:
        return None
    try:
        kept = json.loads(answer)
        username, secret = kept["Username"], kept["Secret"]
    except (ValueError, KeyError, TypeError):
        kept = None
    if kept is None or not isinstance(username, str) or not isinstance(secret, str):
        raise SinkFailed(f"{_program(suffix)} get {key}: the answer is not a credential")
    return (username, Secret(secret)) if username or secret else None


def erase(suffix: str, key: str) -> None:
    """Let the helper forget the key; absent is done. Raises SinkFailed."""
    _ask(suffix, "erase", key)


def _ask(suffix: str, verb: str, payload: str, *known: Secret, keep: Sequence[str] = ()) -> str | None:
    program = _program(suffix)
    try:
        done = process.run([program, verb], timeout=_TIMEOUT, stdin=payload, keep=keep)
    except OutcomeUnknown:
        raise SinkFailed(f"{program} {verb} did not end within {_TIMEOUT:g} s", hint="Is its keychain locked?") from None
    if done.returncode == 0:
        return done.stdout
    if done.stdout.strip() == ABSENT:
        return None
    words = redact(done.stdout.strip() or done.stderr, *known) or f"exit status {done.returncode}"
    raise SinkFailed(f"{program} {verb} failed: {words}")


def _program(suffix: str) -> str:
    if not _SUFFIX.fullmatch(suffix):
        raise UsageError(f"config.json names a credential helper that no program can be called: {suffix!r}")
    return f"docker-credential-{suffix}"
