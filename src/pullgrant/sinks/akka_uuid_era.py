"""Akka CLI 3.0.0 to 3.0.3: a credential is an entry with a UUID that the platform gives it; adding always makes a new one.

Our mark is the email of the entry: only entries with it are ever deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

from pullgrant.errors import NotOurs, OutcomeUnknown, SinkFailed
from pullgrant.model.credential import Credential, Held
from pullgrant.sinks.akka_cli import OUR_EMAIL, AkkaCli
from pullgrant.sinks.akka_listing import Entry
from pullgrant.sinks.akka_place import Where


class UuidEra:
    """The other way to be an Akka project; the slot's name has no meaning here."""

    def __init__(self, cli: AkkaCli) -> None:
        self._cli = cli

    def check_free(self, where: Where, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """Raise NotOurs when the project has a credential for the registry; with `adopt` return remarks instead."""
        entries = self._here(where, recent=True)
        if entries and not ours and not adopt:
            raise NotOurs(
                f"the project already has a credential for {where.host} that this ledger did not put there: "
                f"user {entries[0].username!r}, {entries[0].id}",
                hint=f"Remove it with `{self._cli.program} docker delete-credentials {entries[0].id}`, or give --adopt.",
            )
        return _remarks(where, entries, self._cli.program)

    def held(self, where: Where) -> Held | None:
        """Return our entry for the registry, else anybody's."""
        entries = self._here(where)
        entry = next(iter(_ours(entries)), None) or next(iter(entries), None)
        return None if entry is None else Held(reference=entry.id, username=entry.username, words=entry.status)

    def deliver(self, where: Where, credential: Credential) -> tuple[str, tuple[str, ...]]:
        """Add a new entry, find its UUID, delete our older ones; return the UUID with remarks."""
        before = {entry.id for entry in self._here(where, recent=True)}
        unanswered: OutcomeUnknown | None = None
        try:
            self._cli.add(where.place, where.server, credential)
        except OutcomeUnknown as error:
            unanswered = error
        entries = self._here(where)
        new = [entry for entry in _ours(entries) if entry.id not in before]
        if unanswered is not None and not new:
            raise OutcomeUnknown(
                f"{unanswered.message}; {self._cli.program} lists no new entry for {where.host} yet"
            ) from None
        if len(new) != 1 or new[0].username != credential.username:
            raise SinkFailed(
                f"after one addition {self._cli.program} lists {len(new)} new entries for {where.host}: "
                "somebody else is writing too",
                hint="Try again when nobody else changes this project.",
            )
        for entry in _ours(entries):
            if entry.id != new[0].id:
                self._cli.remove(where.place, entry.id)
        return new[0].id, _remarks(where, entries, self._cli.program)

    def withdraw(self, where: Where) -> None:
        """Delete all entries of ours for the registry."""
        for entry in _ours(self._here(where)):
            self._cli.remove(where.place, entry.id)

    def _here(self, where: Where, *, recent: bool = False) -> list[Entry]:
        return [entry for entry in self._cli.entries(where.place, recent=recent) if where.serves(entry)]


def _ours(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.email == OUR_EMAIL]


def _foreign(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.email != OUR_EMAIL]


def _remarks(where: Where, entries: Sequence[Entry], program: str) -> tuple[str, ...]:
    return tuple(
        f"{entry.id} (user {entry.username!r}) is for {where.host} too, and which one Akka uses is not documented; "
        f"to remove it: {program} docker delete-credentials {entry.id}"
        for entry in _foreign(entries)
    )
