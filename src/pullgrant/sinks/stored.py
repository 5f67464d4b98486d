"""Stores of secrets as slots: a secret holds the text of a dockerconfigjson, and the slot is one registry's entry of it.

That text is what Kubernetes wants in a secret of type kubernetes.io/dockerconfigjson and what GitLab reads from
DOCKER_AUTH_CONFIG. Entries of other registries are kept, so several slots may share one secret. Each store's seam is a Place.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pullgrant.errors import NotOurs, SinkFailed, UsageError
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import docker_key
from pullgrant.secret import Secret
from pullgrant.sinks import docker_document as docker
from pullgrant.sinks.checks import check_credential, registry_host

MARK = ("managed-by", "pullgrant")
_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a place holds. `text` is None where it holds no value, `version` is the store's own; `marked`: made by us."""

    text: str | None = field(default=None, repr=False)
    version: Any = None
    marked: bool = False


class ConflictError(Exception):
    """Somebody else wrote first. `found` is what they wrote, where looking again would no longer show it."""

    def __init__(self, found: Stored | None = None) -> None:
        super().__init__("somebody else wrote first")
        self.found = found


class Place(Protocol):
    """One secret of a store, for a while; the seam to it. Errors are those of ports.Sink; `known` never stands in one."""

    @property
    def reference(self) -> str:
        """The store's own name of the secret."""

    def check(self) -> Sequence[str]:
        """Raise what will stand in the way of a write, as far as it can be asked for; return remarks."""

    def read(self) -> Stored:
        """Return what is held now."""

    def write(self, text: str, before: Stored, known: tuple[Secret, ...]) -> Sequence[str]:
        """Store a new version after `before`, made and marked if need be; return remarks. Raises ConflictError."""

    def clear(self, before: Stored) -> None:
        """Take our value away, and with it what we made. Raises ConflictError."""


class StoreSink:
    """Implements ports.Sink over a Place. A subclass says how to open the place of a slot."""

    def open(self, slot: Slot) -> AbstractContextManager[Place]:
        """Return the place, connected while the context lasts."""
        raise NotImplementedError

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; a secret without our mark is foreign too, when it holds a value and none of it is ours."""
        host = registry_host(slot)
        with self.open(slot) as place:
            remarks = tuple(place.check())
            stored = place.read()
            held = docker.held(_document(place, stored), docker_key(host), host)
            if stored.text is None or ours or adopt:
                return remarks
            if held is not None:
                raise NotOurs(
                    f"{place.reference} already holds a credential for {host} that this ledger did not put there: "
                    f"user {held.username!r}",
                    hint="Give --adopt to replace it, or name another secret.",
                )
            if not stored.marked:
                raise NotOurs(
                    f"{place.reference} was not made by pullgrant; it has no entry for {host} yet",
                    hint="Give --adopt to add one and keep the others, or name another secret.",
                )
            return remarks

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink; the credential is read back."""
        host = registry_host(slot)
        with self.open(slot) as place:
            found = docker.held(_document(place, place.read()), docker_key(host), host)
            return dataclasses.replace(found, reference=place.reference) if found else None

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; the same credential again makes no new version."""
        check_credential(slot, credential)
        key = docker_key(registry_host(slot))

        def put(document: docker.Document) -> docker.Document:
            return docker.with_entry(document, key, credential.username, credential.secret)

        with self.open(slot) as place:
            remarks = _rewrite(place, put, _forms(credential))
            return Receipt(slot=slot, reference=place.reference, remarks=tuple(remarks))

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; with the last entry goes the value."""
        key = docker_key(registry_host(slot))
        with self.open(slot) as place:
            _rewrite(place, lambda document: docker.without_entry(document, key), ())


def compact(document: docker.Document) -> str:
    """Return the document on one line, without a blank that is not in a value."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _rewrite(place: Place, change: Callable[[docker.Document], docker.Document], known: tuple[Secret, ...]) -> Sequence[str]:
    """Read, change and write, again as long as somebody else writes in between."""
    base, seen = place.read(), True
    for _ in range(_TRIES):
        before = _document(place, base)
        after = change(before)
        if seen and after == before:
            return ()
        try:
            if after.get("auths") or set(after) - {"auths"}:
                return place.write(compact(after), base, known)
            place.clear(base)
            return ()
        except ConflictError as conflict:
            base, seen = (place.read(), True) if conflict.found is None else (conflict.found, False)
    raise SinkFailed(
        f"{place.reference} was changed by somebody else {_TRIES} times while it was written", hint="Try again."
    )


def _document(place: Place, stored: Stored) -> docker.Document:
    try:
        return docker.parse((stored.text or "").encode(), place.reference)
    except UsageError as error:
        raise UsageError(
            f"{error.message}: it is no docker configuration", hint="Name another secret; this one was left as it is."
        ) from None


def _forms(credential: Credential) -> tuple[Secret, ...]:
    """Return the forms in which a store could repeat the secret: as it is, and as docker's `auth`."""
    login = f"{credential.username}:{credential.secret.reveal()}".encode()
    return credential.secret, Secret(base64.b64encode(login).decode())
