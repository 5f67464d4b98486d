"""Reads a slot of Akka: `PROJECT,owner=O,region=R,context=C`, and the name of the secret in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.model.image import canonical_host, server_url
from pullgrant.sinks.akka_cli import Place
from pullgrant.sinks.akka_listing import Entry
from pullgrant.sinks.checks import registry_host

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@ -]*", re.ASCII)
_PARTS = frozenset({"owner", "region", "context"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A slot, read: the place in Akka, the secret's name, the canonical registry host, and the server as Akka writes it."""

    place: Place
    name: str
    host: str
    server: str

    def serves(self, entry: Entry) -> bool:
        """Return whether an entry is for this registry."""
        try:
            return canonical_host(entry.server) == self.host
        except UsageError:
            return False


def read(slot: Slot) -> Where:
    """Return the slot, read. Raises UsageError naming the part that is wrong."""
    host = registry_host(slot)
    project, *rest = (part.strip() for part in slot.target.split(","))
    parts = {"project": project} if project else {}
    for part in rest:
        name, _, value = part.partition("=")
        if name not in _PARTS or name in parts:
            raise UsageError(
                f"{part!r} in the target {slot.target!r} is not known",
                hint="Write PROJECT, then any of ,owner=OWNER ,region=REGION ,context=CONTEXT.",
            )
        parts[name] = value
    for name, value in parts.items():
        if not _VALUE.fullmatch(value):
            raise UsageError(f"{value!r} in the target {slot.target!r} is no {name} of Akka")
    secret = slot.name or secret_name(slot.server)
    if not _NAME.fullmatch(secret):
        raise UsageError(
            f"{secret!r} is no name for an Akka secret", hint="Use lower-case letters, digits, dots and hyphens."
        )
    return Where(place=Place(**parts), name=secret, host=host, server=server_url(host))


def secret_name(server: str) -> str:
    """Return the name of the Akka secret for a registry when the user gave none: one per host.

    Akka's own default, `docker-credentials`, is one for all: a second registry would overwrite the first.
    """
    return "pullgrant-" + re.sub(r"[^a-z0-9]", "-", canonical_host(server)).strip("-")
