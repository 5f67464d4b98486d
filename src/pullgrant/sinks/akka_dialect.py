"""The programs that share the commands of Akka's: in what they differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """In what programs with these commands differ. `flags` go with every command; `variables` begin the names of its own."""

    program: str
    install: str
    sign_in: str
    removes: str
    variables: tuple[str, ...]
    flags: tuple[str, ...] = ("--disable-prompt", "--timeout", "60s")


AKKA = Dialect(
    program="akka",
    install="Install the Akka CLI: https://doc.akka.io/operations/cli/installation.html",
    sign_in="Run `akka auth login`, or set AKKA_TOKEN.",
    removes="remove-credentials",
    variables=("AKKA_",),
)
