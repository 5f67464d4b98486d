"""Akka as a sink, over its own command line. It shows no password back: a delivery is proved by the registry, not here.

A slot's `target` is the project, `PROJECT[,owner=O][,region=R][,context=C]`, empty for the CLI's configured one; its `name`
is the Akka secret, by default one per registry host. See akka_cli for the one place where a password is in an argument.
"""

from __future__ import annotations

from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.sinks import akka_place
from pullgrant.sinks.akka_cli import AkkaCli
from pullgrant.sinks.akka_secret_era import SecretEra
from pullgrant.sinks.akka_uuid_era import UuidEra
from pullgrant.sinks.checks import check_credential


class Akka:
    """Implements ports.Sink. Raises OutcomeUnknown too, when the CLI did not end and a look could not tell what it did."""

    def __init__(self, cli: AkkaCli | None = None) -> None:
        self._cli = cli or AkkaCli()
        self._known: SecretEra | UuidEra | None = None

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its secret's name in it, so that the ledger names what Akka names."""
        slot = Slot(sink="akka", server=server, target=target, name=name or akka_place.secret_name(server))
        akka_place.read(slot)
        return slot

    def check_ready(self) -> str:
        """Return what is there to work with. Raises UsageError for what is missing."""
        return f"{self._cli.program} {self._cli.check_ready()}"

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; also checks that the CLI is there and signed in, and says which version it is.

        All is asked at the same time. A slot that is not ours is most likely empty, so that the secrets are listed as well.
        """
        where = akka_place.read(slot)
        self._cli.check_installed()
        era, _, version = together(
            self._era, lambda: self._cli.look(where.place, secrets=not ours), lambda: self._cli.version()
        )
        return (f"{self._cli.program} {version}", *era.check_free(where, ours=ours, adopt=adopt))

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink; `words` is Akka's status of the entry unless that is OK."""
        return self._era().held(akka_place.read(slot))

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; in place where the CLI can, else a new entry and then the old one away."""
        check_credential(slot, credential)
        reference, remarks = self._era().deliver(akka_place.read(slot), credential)
        return Receipt(slot=slot, reference=reference, remarks=remarks)

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; the entry and, where there is one, the secret behind it."""
        self._era().withdraw(akka_place.read(slot))

    def _era(self) -> SecretEra | UuidEra:
        if self._known is None:
            self._known = SecretEra(self._cli) if self._cli.era() == "secret" else UuidEra(self._cli)
        return self._known
