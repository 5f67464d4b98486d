"""`ghcr.*`: readers for GitHub's container registry."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Prove a token for GitHub's container registry and register it with a platform.

GitHub lets nobody make tokens by API: the token comes by reference, best that of a machine account with read access to just
the packages that are needed. Refuses one that may do more than read packages, naming what; proves on the live registry that
it can pull, registers it, and says when it dies.
"""

OPTIONS = (
    Opt(name="owner", required=True, help="Organisation or user whose packages the platform shall pull."),
    Opt(
        name="token",
        default="env:GHCR_TOKEN",
        help="Where the token is (classic, scope read:packages): env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER "
        "or prompt.",
    ),
    Opt(name="username", help="Account of the token. Default: the one that GitHub says."),
    Opt(name="accept_stronger", default=False, help="Deliver although the token may do more than read packages."),
)


def collection() -> Collection:
    """Return the collection `ghcr`."""
    return provider_collection("ghcr", ABOUT, *OPTIONS)
