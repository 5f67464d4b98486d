"""The credential: what a platform registers, and the slot in a platform that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pullgrant.model.reader import Key
from pullgrant.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What docker would log in with; `server` is a canonical registry host (model.image.canonical_host)."""

    server: str
    username: str
    secret: Secret
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new key together with its secret, which from here on lives in memory only."""

    key: Key
    credential: Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in a platform for the credential of one registry host: `akka`, `docker-config:/home/me/.docker/config.json`.

    `target` is in the sink's own words. `name` is the platform's name for the entry where it needs one (`--secret-name`).
    """

    sink: str
    server: str
    target: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.sink}:{self.target}" if self.target else self.sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a slot holds now. `credential` is None where the platform does not let its secret be read back.

    `reference` is the platform's own name for the entry; `words` is what it says of it (a status, regions out of step).
    """

    reference: str
    username: str = ""
    credential: Credential | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a sink reported after a delivery. `remarks` tell the user what remains to be done on the platform."""

    slot: Slot
    reference: str
    remarks: tuple[str, ...] = ()
