"""What every sink refuses before it asks its platform anything."""

from __future__ import annotations

import re

from pullgrant.errors import SinkFailed, UsageError
from pullgrant.model.credential import Credential, Slot
from pullgrant.model.image import canonical_host, is_built_in

_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")  # half characters come from an environment that is not UTF-8


def registry_host(slot: Slot) -> str:
    """Return the slot's registry host in canonical form.

    Raises UsageError when it is a platform's own registry, whose images need no credential, or no host at all.
    """
    host = canonical_host(slot.server)
    if is_built_in(host):
        raise UsageError(
            f"no credential needed: {host} is the platform's own registry and signs its services in by itself",
            hint="Leave this slot out. To push there: akka auth container-registry configure",
        )
    return host


def check_credential(slot: Slot, credential: Credential) -> None:
    """Raise SinkFailed for a credential that would break a good one: empty, for another host, or not docker's form.

    docker splits `user:secret` at the first colon and trims NUL bytes (docker/cli cli/config/configfile/file.go).
    """
    host = registry_host(slot)
    if canonical_host(credential.server) != host:
        raise SinkFailed(f"{slot}: the credential is for {credential.server}, the slot is for {host}; nothing was changed")
    if not credential.username or not credential.secret:
        raise SinkFailed(f"{slot}: the credential for {host} is empty; nothing was changed")
    if ":" in credential.username or _UNHOLDABLE.search(credential.username + credential.secret.reveal()):
        raise SinkFailed(f"{slot}: the credential for {host} has a character that docker cannot hold; nothing was changed")
