"""HashiCorp Vault or OpenBao as a slot: one key of a KV version 2 secret, written with check-and-set.

The secret's other keys are kept. A secret that this sink made carries `managed-by=pullgrant` in its custom metadata.
Source: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks import target
from pullgrant.sinks.checks import registry_host
from pullgrant.sinks.stored import StoreSink
from pullgrant.sinks.vault_place import VaultPlace

KEY = ".dockerconfigjson"
_PATH = re.compile(r"[^\s/#,]+(?:/[^\s/#,]+)+", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class Vault(StoreSink):
    """Implements ports.Sink. A slot's `target` is `MOUNT/PATH[#KEY],addr=URL[,namespace=N]`."""

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its key, and with the server of VAULT_ADDR and the namespace of VAULT_NAMESPACE.

        A name given apart is that of the key.
        """
        path, key, options = _read(target)
        address = options.get("addr") or os.environ.get("VAULT_ADDR", "")
        if not re.fullmatch(r"https?://[^\s,/#?]+/?", address):
            raise UsageError(
                f"which Vault? {address!r} is no address", hint="Set VAULT_ADDR=https://HOST:8200, or add ,addr=URL."
            )
        options["addr"] = address.rstrip("/")
        if namespace := options.get("namespace") or os.environ.get("VAULT_NAMESPACE", ""):
            options["namespace"] = namespace
        return _slot(f"{path}#{key or name or KEY}", options, server)

    @contextmanager
    def open(self, slot: Slot) -> Iterator[VaultPlace]:
        """See StoreSink."""
        path, key, options = _read(slot.target)
        with VaultPlace.connected(options.get("addr", ""), options.get("namespace", ""), path=path, key=key or KEY) as place:
            yield place


def _slot(place: str, options: dict[str, str], server: str) -> Slot:
    slot = Slot(sink="vault", server=server, target=target.join(place, options))
    return Slot(sink="vault", server=registry_host(slot), target=slot.target)


def _read(text: str) -> tuple[str, str, dict[str, str]]:
    """Return path with mount, key (empty: not given) and options. Raises UsageError."""
    place, options = target.split(text, valued=("addr", "namespace"))
    path, mark, key = place.partition("#")
    path = path.strip("/")
    if not _PATH.fullmatch(path) or (mark and not _KEY.fullmatch(key)):
        raise UsageError(
            f"{place!r} is no place in Vault", hint="Write vault:MOUNT/PATH or vault:MOUNT/PATH#KEY, as in vault:secret/app."
        )
    return path, key, options
