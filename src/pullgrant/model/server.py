"""The address of a registry or of its management API, as an option writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.model.image import canonical_host

# What docker, kubelet and the platforms' documentation put behind the host of a registry: it is no part of its name.
_PREFIXES = ("", "v1", "v2")
_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A canonical host; `plain`: spoken to without TLS, which is for this machine only."""

    host: str
    plain: bool = False

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"{'http' if self.plain else 'https'}://{self.host}"


def parse_server(option: str, text: str) -> Server:
    """Return the server of `HOST[:PORT]`, `https://HOST`, `https://HOST/v2/`; plain http for loopback names only.

    Raises UsageError; a user name and password in the text are not shown again.
    """
    rest = re.sub(r"\Ahttps?://", "", text.strip(), flags=re.IGNORECASE)
    if rest.partition("/")[2].strip("/") not in _PREFIXES or "@" in rest:
        raise UsageError(
            f"--{option} {re.sub('.*@', '', rest)!r} is more than a host",
            hint=f"Give --{option} https://HOST[:PORT], with /v1/ or /v2/ at most; a path belongs to the image.",
        )
    host = canonical_host(rest)
    plain = text.strip().lower().startswith("http://")
    if plain and not is_loopback(host):
        raise UsageError(
            f"{host} would be asked in plain http, where everybody on the way can read the password",
            hint="Give https://; plain http is for 127.0.0.1 and localhost. An authority of your own goes with --ca-file.",
        )
    return Server(host=host, plain=plain)


def is_loopback(host: str) -> bool:
    """Say whether a host with or without port is this machine by name."""
    return _LOOPBACK.fullmatch(host) is not None
