"""What one fake cloud, registry service or platform brings into the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pullgrant.sandbox.exchange import Response, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who signed in at a registry; `name` is the principal's name, for the log and for refusals."""

    name: str


class Gate(Protocol):
    """Who may do what at the registries of one cloud: the registry asks, the cloud's own state answers.

    `style` is how its registries speak. `jwt`: a token service grants the intersection of asked and allowed, with an
    `access` claim. `opaque-refusing`: Google's way, the token call itself is refused when an action is not allowed and the
    token is opaque. `opaque`: a token whatever is asked, judged at the registry. `basic`: no token service.
    """

    @property
    def style(self) -> Literal["jwt", "opaque-refusing", "opaque", "basic"]: ...

    def serves(self, host: str) -> bool:
        """Say whether this cloud answers for a registry host."""

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """Return repository -> tags of all images at a host, whoever may see them."""

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """Return who this is, None for a wrong, expired, disabled or deleted credential, or one not yet settled."""

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """Return what a visitor (None: anonymous) may do with a repository: of `pull`, `push`, `delete`."""

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """Return the refusal of an action in this cloud's own status and words."""


class Country(Protocol):
    """One fake service with its state. Registered in sandbox.countries."""

    @property
    def name(self) -> str: ...

    def routes(self) -> Sequence[Route]:
        """Return all routes; the order matters for requests that carry no real host."""

    def gates(self) -> Sequence[Gate]:
        """Return the gates of its registries."""

    def programs(self) -> Mapping[str, str]:
        """Return fake command lines to put on PATH: name -> Python source. They speak to the server at PULLGRANT_SANDBOX_URL."""

    def tunnels(self) -> Mapping[str, int]:
        """Return hosts whose CONNECT is passed through to another local port that speaks TLS itself (gRPC)."""

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Write what signs the operator in into `folder` and return the variables that point at it."""

    def reset(self) -> None:
        """Return to the first day of this country."""
