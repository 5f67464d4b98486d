"""Where a request to a registry lands: whose registry it is, and under which names its caller knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Request
from pullgrant.sandbox.serve import is_loopback

REALM_PATH = "/v2/token"
_WORDS = "authentication required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository of a registry: `host` and `name` as the cloud knows them, `shown` as the caller names the repository.

    A caller of the loopback address puts the registry's host in front of the name: `gcr.io/demo/app`.
    """

    gate: Gate
    host: str
    name: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a caller gets tokens: realm and service as they stand in the challenge; `basic` where there is no token.

    `words` go with the challenge.
    """

    realm: str
    service: str
    basic: bool = False
    words: str = _WORDS


class Map:
    """Finds the place of a request among the gates of all countries."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = tuple(gates)

    def gate(self, host: str) -> Gate | None:
        """Return the gate that serves a host, None when none does."""
        return next((gate for gate in self._gates if gate.serves(host)), None)

    def place(self, asked_host: str, shown: str) -> Place | None:
        """Return the place that a caller of `asked_host` means by a repository's name, None when there is none."""
        host, name = asked_host, shown
        if is_loopback(asked_host):
            host, _, name = shown.partition("/")
        gate = self.gate(host)
        return Place(gate=gate, host=host, name=name, shown=shown) if gate and name else None

    def desk(self, request: Request) -> Desk:
        """Return the token desk that the caller is sent to.

        A gate may name its `realm_host`, `realm_path`, `service` and the words of being `unauthorized`.
        """
        gate = self.gate(request.host)
        if gate is None:
            return Desk(realm=f"http://{request.host}{REALM_PATH}", service=request.host)
        realm_host = getattr(gate, "realm_host", "") or request.host
        return Desk(
            realm=f"https://{realm_host}{realm_path(gate)}",
            service=getattr(gate, "service", "") or request.host,
            basic=gate.style == "basic",
            words=getattr(gate, "unauthorized", _WORDS),
        )

    def realm_paths(self) -> tuple[str, ...]:
        """Return the path of every token desk."""
        return tuple(dict.fromkeys((REALM_PATH, *(realm_path(gate) for gate in self._gates if gate.style != "basic"))))


def realm_path(gate: Gate) -> str:
    """Return the path of a gate's token desk."""
    return str(getattr(gate, "realm_path", REALM_PATH))
