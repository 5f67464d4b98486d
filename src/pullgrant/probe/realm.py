"""Where a registry is reached, and to which other addresses it may send a caller."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pullgrant.model.image import DOCKER_HUB

_DOCKER_HUB_API = "registry-1.docker.io"
_NETLOC = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII)
_PLAIN = re.compile(
    r"[!-\[\]-~]+", re.ASCII
)  # visible ASCII but no backslash, which browsers and libraries read in two ways
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Scheme, host and port of an address, its default port filled in."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def place(url: str) -> Place | None:
    """Return the place of an http or https address; None for anything else and for one that carries a user name."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    found = _NETLOC.fullmatch(parts.netloc)
    if not _PLAIN.fullmatch(url) or not found or parts.scheme not in _PORTS:
        return None
    port = int(found["port"] or _PORTS[parts.scheme])
    return Place(scheme=parts.scheme, host=found["host"].lower(), port=port) if port < 65536 else None


class Doors:
    """The address of one registry, and the rules for the realms and redirects that it names.

    Plain http is for hosts that the user named as insecure and for no other. An address inside the caller's own network
    (loopback, private, link-local) would let a foreign registry aim a credential at a neighbour: it is accepted only as
    the registry's own host and port, or as a host so named (google/go-containerregistry issue 2258).
    """

    def __init__(self, host: str, insecure_hosts: frozenset[str]) -> None:
        api = _DOCKER_HUB_API if host == DOCKER_HUB else host
        self._insecure = frozenset(place(f"http://{name}") for name in insecure_hosts)
        self.base = f"{'http' if place(f'http://{api}') in self._insecure else 'https'}://{api}"
        self._own = place(self.base)

    def refusal(self, url: str) -> str:
        """Return why this address may not be asked, in words that follow its mention; empty when it may."""
        there = place(url)
        if there is None:
            return "is not an https address"
        if there == self._own or there in self._insecure:
            return ""
        if there.scheme == "http":
            return f"is plain http at {there}, which is not named as an insecure host"
        return f"is {there}, an address inside this network" if _is_inside(there.host) else ""


def _is_inside(host: str) -> bool:
    name = host.strip("[]").rstrip(".")
    last = name.rpartition(".")[2]
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        # Resolvers read 127.1, 0x7f000001 and 2130706433 as addresses too; no name ends in a number.
        return last == "localhost" or re.fullmatch(r"\d+|0x[0-9a-f]*", last) is not None
    return not address.is_global
