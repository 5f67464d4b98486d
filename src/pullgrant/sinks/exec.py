"""Any command as a sink: it gets the credential as JSON on its standard input, and its exit status is the receipt.

`{"action": "deliver", "server": HOST, "server_url": URL, "username": ..., "password": ..., "expires_at": ISO 8601 or null}`,
and when the credential is taken back `{"action": "withdraw", "server": HOST, "server_url": URL}`. PULLGRANT_ACTION holds the
action too, for a shell script. What the command holds cannot be read back.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from pullgrant.errors import SinkFailed, UsageError
from pullgrant.kit import process
from pullgrant.kit.redact import redact
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import server_url
from pullgrant.secret import Secret
from pullgrant.sinks.checks import check_credential, registry_host

_TIMEOUT = 300.0
# The command is the user's own and runs as it would in the user's shell, but without the variables of this program.
_KEPT = ("AKKA_", "KALIX_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "VAULT_", "GITHUB_", "GITLAB_")


class Exec:
    """Implements ports.Sink. A slot's `target` is the command, split as a shell would, and run without one."""

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot; a program that is named by its path is named by its absolute one from then on."""
        del name  # a command has no entries
        program, *arguments = _split(target)
        if "/" in program:
            program = str(Path(program).expanduser().absolute())
        slot = Slot(sink="exec", server=server, target=shlex.join([program, *arguments]))
        return Slot(sink="exec", server=registry_host(slot), target=slot.target)

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; the command is looked for, not run, so nothing foreign can be seen."""
        registry_host(slot)
        program = _split(slot.target)[0]
        if process.which(program) is None:
            raise UsageError(f"the program {program!r} is not on PATH, or may not be run", hint=f"The slot is {slot}.")
        return ()

    def inspect(self, slot: Slot) -> Held:
        """See ports.Sink; only the command knows."""
        return Held(reference=_split(slot.target)[0], words="cannot be read back")

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; raises SinkFailed for any exit status but 0, and OutcomeUnknown after five minutes."""
        check_credential(slot, credential)
        ends = credential.expires_at.isoformat(timespec="seconds") if credential.expires_at else None
        login = {"username": credential.username, "password": credential.secret.reveal(), "expires_at": ends}
        _run(slot, "deliver", login, credential.secret)
        return Receipt(slot=slot, reference=_split(slot.target)[0])

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; tells the command, which shall succeed when there is nothing to take back."""
        _run(slot, "withdraw", {})


def _run(slot: Slot, action: str, login: dict[str, Any], *known: Secret) -> None:
    host = registry_host(slot)
    command = _split(slot.target)
    payload = json.dumps({"action": action, "server": host, "server_url": server_url(host), **login})
    done = process.run(command, timeout=_TIMEOUT, stdin=payload, keep=_KEPT, env={"PULLGRANT_ACTION": action})
    if done.returncode:
        words = redact(done.stderr.strip() or done.stdout, *known, limit=300)
        raise SinkFailed(
            f"{command[0]} ended with status {done.returncode} on {action} for {host}{f': {words}' if words else ''}",
            hint="The command gets JSON on its standard input and says by its exit status whether it took it.",
        )


def _split(target: str) -> list[str]:
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise UsageError(f"the command {target!r} cannot be split: {error}") from None
    if not words:
        raise UsageError("exec needs a command", hint="For example: --sink 'exec:/usr/local/bin/take-credential --quiet'")
    return words
