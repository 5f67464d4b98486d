"""Kalix and Akka Serverless as sinks: platforms of the same family as Akka, each with a command line of its own.

Both eras of `kalix` are told apart by its own help, as those of `akka` are; `akkasls` knows entries with an id only. See
akka_cli for the one place where a password is in an argument.
"""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar

from pullgrant.errors import UsageError
from pullgrant.kit import process
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.sinks.akka import Akka
from pullgrant.sinks.akka_cli import AkkaCli, Dialect
from pullgrant.sinks.checks import registry_host

_ECR = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?", re.ASCII)


class Kalix:
    """Implements ports.Sink; targets are those of Akka, read by the Akka sink itself."""

    sink: ClassVar[str] = "kalix"
    dialect: ClassVar[Dialect] = Dialect(
        program="kalix",
        install="Install the Kalix CLI, or use the Akka CLI, which today's Kalix documentation asks for: --sink akka",
        sign_in="Run `kalix auth login`.",
        removes="delete-credentials",
        variables=("KALIX_",),
    )

    def __init__(self, cli: AkkaCli | None = None) -> None:
        self._akka = Akka(cli or AkkaCli(dialect=self.dialect))

    @classmethod
    def slot(cls, target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its secret's name in it."""
        return dataclasses.replace(Akka.slot(target, server=server, name=name), sink=cls.sink)

    def check_ready(self) -> str:
        """Return what is there to work with. Raises UsageError for what is missing."""
        return self._akka.check_ready()

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; also says when the Akka CLI is there, which serves the same projects."""
        remarks = self._akka.preflight(slot, ours=ours, adopt=adopt)
        if process.which("akka") is None:
            return remarks
        return (
            *remarks,
            f"the akka CLI is here too and serves today's projects: --sink akka; {self.sink} is for older ones",
        )

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink."""
        return self._akka.inspect(slot)

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; in place in the era of named secrets, else a new entry and then the old one away."""
        return self._akka.deliver(slot, credential)

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink."""
        self._akka.withdraw(slot)


class AkkaServerless(Kalix):
    """Akka Serverless. Its documentation: "Amazon Elastic Container Registry is not supported at this time"."""

    sink: ClassVar[str] = "akkasls"
    dialect: ClassVar[Dialect] = Dialect(
        program="akkasls",
        install="Akka Serverless became Kalix and then Akka: https://doc.akka.io/operations/cli/installation.html",
        sign_in="Run `akkasls auth login`.",
        removes="delete-credentials",
        variables=("AKKASLS_",),
        flags=(),  # no reference of its flags is left
    )

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; refuses Amazon ECR, and repeats the documentation's warning about the sidecar."""
        host = registry_host(slot)
        if _ECR.fullmatch(host):
            raise UsageError(
                f"Akka Serverless does not support Amazon ECR ({host})", hint="Use the akka CLI and a project of today."
            )
        remarks = super().preflight(slot, ours=ours, adopt=adopt)
        return (*remarks, "with credentials for a private registry the deployment of Akka Serverless' own sidecar may fail")
