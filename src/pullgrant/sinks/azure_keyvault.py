"""Azure Key Vault as a slot: every delivery is a new version of a secret, and older ones stay as they are.

A secret that this sink made carries the tag `managed-by=pullgrant`. With the last entry it is emptied and not deleted: a
deleted secret keeps its name for up to ninety days.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks.azure_keyvault_place import AzurePlace
from pullgrant.sinks.checks import registry_host
from pullgrant.sinks.stored import StoreSink

# learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates: names, and the suffix of each cloud.
_PLACE = re.compile(
    r"(?P<vault>[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9])(?:\.(?P<suffix>vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)))?"
    r"/(?P<name>[0-9A-Za-z-]{1,127})",
    re.ASCII,
)
_PUBLIC = "vault.azure.net"


class AzureKeyVault(StoreSink):
    """Implements ports.Sink. A slot's `target` is `VAULT/NAME`, the vault with its whole host where it is in another cloud.

    Key Vault has no check-and-set: deliveries of one run wait for one another, and a version that came in between is merged.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot; a name given apart is that of the secret."""
        host, secret = _read(target if "/" in target or not name else f"{target}/{name}")
        slot = Slot(sink="azure-keyvault", server=server, target=f"{host.removesuffix(f'.{_PUBLIC}')}/{secret}")
        return Slot(sink="azure-keyvault", server=registry_host(slot), target=slot.target)

    @contextmanager
    def open(self, slot: Slot) -> Iterator[AzurePlace]:
        """See StoreSink."""
        host, secret = _read(slot.target)
        with self._turn, AzurePlace.connected(host, secret) as place:
            yield place


def _read(text: str) -> tuple[str, str]:
    """Return the vault's host and the secret's name. Raises UsageError."""
    found = _PLACE.fullmatch(text)
    if not found:
        raise UsageError(f"{text!r} is no secret of a key vault", hint="Write azure-keyvault:VAULT/NAME.")
    return f"{found['vault'].lower()}.{found['suffix'] or _PUBLIC}", found["name"]
