"""Akka CLI 3.0.4 and later: a credential is a secret of the project, named by us, and an entry in the list of registries.

Adding under a name that exists replaces what it held, so a delivery may be repeated; removing the entry leaves the secret.
"""

from __future__ import annotations

from collections.abc import Sequence

from pullgrant.errors import NotOurs, OutcomeUnknown, SinkFailed, UsageError
from pullgrant.model.credential import Credential, Held
from pullgrant.sinks.akka_cli import AkkaCli
from pullgrant.sinks.akka_listing import Entry
from pullgrant.sinks.akka_place import Where


class SecretEra:
    """One way to be an Akka project."""

    def __init__(self, cli: AkkaCli) -> None:
        self._cli = cli

    def check_free(self, where: Where, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """Raise NotOurs when the name, or the registry under another name, is taken; with `adopt` return remarks instead."""
        entries = self._cli.entries(where.place, recent=True)
        held = self._held(where, entries)
        if held is not None and not ours and not adopt:
            raise NotOurs(
                f"the Akka secret {where.name!r} exists and was not made by this ledger: user {held.username!r}",
                hint="Give --adopt to replace its content, or give the slot another name.",
            )
        others = _others(where, entries)
        if others and held is None and not adopt:
            raise NotOurs(
                f"the project already has a credential for {where.host}, in the secret {', '.join(others)}; "
                "which one of two Akka uses is not documented",
                hint=f"Give the slot the name {others[0]} and --adopt, or remove that entry.",
            )
        return self._remarks(where, entries)

    def held(self, where: Where) -> Held | None:
        """Return what is under the slot's name."""
        return self._held(where, self._cli.entries(where.place))

    def deliver(self, where: Where, credential: Credential) -> tuple[str, tuple[str, ...]]:
        """Add or replace, look that it is listed, and return its name with remarks."""
        entries = self._cli.entries(where.place, recent=True)
        known = _mine(where, entries) is not None
        # With --secret-only nobody else's change to the list of registries is touched; it must name the secret already.
        for secret_only in (True, False) if known else (False,):
            self._add(where, credential, secret_only=secret_only)
            entries = self._cli.entries(where.place)
            if _mine(where, entries) is not None:
                return where.name, self._remarks(where, entries)
        raise SinkFailed(
            f"{self._cli.program} took the credential for {where.host}, but does not list {where.name!r}", hint="Try again."
        )

    def withdraw(self, where: Where) -> None:
        """Remove the entry, then the secret behind it."""
        if _mine(where, self._cli.entries(where.place)) is not None:
            self._cli.remove(where.place, where.name)
        if where.name in self._cli.secret_names(where.place):
            self._cli.delete_secret(where.place, where.name)

    def _add(self, where: Where, credential: Credential, *, secret_only: bool) -> None:
        for last in (False, True):
            try:
                self._cli.add(where.place, where.server, credential, secret_name=where.name, secret_only=secret_only)
            except OutcomeUnknown as error:
                if last:
                    listed = "lists" if self.held(where) else "does not list"
                    raise OutcomeUnknown(
                        f"{error.message}, twice; {self._cli.program} {listed} {where.name!r}, "
                        "and does not show which password it holds"
                    ) from None
            else:
                return

    def _held(self, where: Where, entries: Sequence[Entry]) -> Held | None:
        entry = _mine(where, entries)
        if entry is not None:
            return Held(reference=entry.id, username=entry.username, words=_status(entry))
        if where.name in self._cli.secret_names(where.place, recent=True):
            return Held(reference=where.name, words="the secret exists, but is not in the project's list of registries")
        return None

    def _remarks(self, where: Where, entries: Sequence[Entry]) -> tuple[str, ...]:
        entry = _mine(where, entries)
        found = (
            [f"{self._cli.program} says of {where.name!r}: {_status(entry)}"] if entry is not None and _status(entry) else []
        )
        found += [
            f"{other!r} is for {where.host} too, and which of the two Akka uses is not documented; "
            f"to remove it: {self._cli.program} docker {self._cli.dialect.removes} {other}"
            for other in _others(where, entries)
        ]
        return tuple(found)


def _mine(where: Where, entries: Sequence[Entry]) -> Entry | None:
    entry = next((one for one in entries if one.id == where.name), None)
    if entry is not None and entry.server and not where.serves(entry):
        raise UsageError(f"the Akka secret {where.name!r} is for {entry.server}", hint="Give the slot another name.")
    return entry


def _others(where: Where, entries: Sequence[Entry]) -> list[str]:
    return [one.id for one in entries if where.serves(one) and one.id != where.name]


def _status(entry: Entry) -> str:
    return "" if entry.status in ("", "OK") else entry.status
