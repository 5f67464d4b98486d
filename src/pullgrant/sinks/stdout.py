"""Standard output as a sink: the credential is printed, and nothing else is.

It prints only in the run that names it. A later renewal refuses instead of writing a secret into some log, and says how to
ask for one.
"""

from __future__ import annotations

import json
import shlex
import sys
from typing import TextIO

from pullgrant.errors import SinkFailed, UsageError
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import docker_key, server_url
from pullgrant.sinks import docker_document
from pullgrant.sinks.checks import check_credential, registry_host

FORMATS = ("dockerconfigjson", "env", "json")


class Stdout:
    """Implements ports.Sink. A slot's `target` is `format=FORMAT`, one of FORMATS; `named`: this run asked for it."""

    def __init__(self, *, named: bool = False, stream: TextIO | None = None) -> None:
        self._named, self._stream = named, stream

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its format in it."""
        del name  # a stream has no entries
        slot = Slot(sink="stdout", server=server, target=f"format={_format(target)}")
        return Slot(sink="stdout", server=registry_host(slot), target=slot.target)

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; raises UsageError in a run that did not name it, before any key is made."""
        registry_host(slot)
        _format(slot.target)
        self._check_named(slot)
        return ()

    def inspect(self, slot: Slot) -> Held:
        """See ports.Sink; what was printed is gone."""
        return Held(reference="stdout", words="cannot be read back")

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; one document, in one write."""
        check_credential(slot, credential)
        self._check_named(slot)
        stream = self._stream or sys.stdout
        try:
            stream.write(_WRITERS[_format(slot.target)](credential))
            stream.flush()
        except (OSError, ValueError) as error:
            raise SinkFailed(f"standard output cannot be written: {type(error).__name__}") from None
        return Receipt(
            slot=slot, reference="stdout", remarks=("printed to standard output; keep it where only its user reads",)
        )

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; nothing is kept here."""

    def _check_named(self, slot: Slot) -> None:
        if not self._named:
            raise UsageError(
                f"the credential of this reader was once asked for on {slot}, and this run does not name it",
                hint=f"Run its bootstrap again with --sink {slot} --rotate-now, or forget the slot: pullgrant sinks.remove {slot}",
            )


def _format(text: str) -> str:
    name, _, form = text.partition("=")
    if text and (name != "format" or form not in FORMATS):
        known = ", ".join(f"stdout:format={one}" for one in FORMATS)
        raise UsageError(f"{text!r} is no target of stdout", hint=f"Known: stdout, {known}.")
    return form or FORMATS[0]


def _dockerconfigjson(credential: Credential) -> str:
    key = docker_key(credential.server)
    return docker_document.render(
        docker_document.with_entry({}, key, credential.username, credential.secret), b"\n"
    ).decode()


def _env(credential: Credential) -> str:
    named = {
        "REGISTRY_SERVER": server_url(credential.server),
        "REGISTRY_USERNAME": credential.username,
        "REGISTRY_PASSWORD": credential.secret.reveal(),
        "REGISTRY_EXPIRES_AT": _ends(credential) or "",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in named.items())


def _json(credential: Credential) -> str:
    document = {
        "server": credential.server,
        "server_url": server_url(credential.server),
        "username": credential.username,
        "password": credential.secret.reveal(),
        "expires_at": _ends(credential),
    }
    return json.dumps(document, indent=2) + "\n"


def _ends(credential: Credential) -> str | None:
    return credential.expires_at.isoformat(timespec="seconds") if credential.expires_at else None


_WRITERS = {"dockerconfigjson": _dockerconfigjson, "env": _env, "json": _json}
