"""`quay.*`: readers for Quay."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Make a proven pull credential for repositories of Quay and register it with a platform.

Creates a robot account that may read the named repositories and nothing else, proves on the live registry that it can pull
and cannot push, registers it, and journals how to renew it and take it back. Running it again changes nothing.
"""

OPTIONS = (
    Opt(name="organization", required=True, help="Organisation that owns the repositories."),
    Opt(name="repository", repeated=True, required=True, help="Repository to read, app or acme/app; may be repeated."),
    Opt(name="url", help="Quay's address. Default: $QUAY_URL, else https://quay.io."),
    Opt(
        name="token",
        default="env:QUAY_TOKEN",
        help="Where your OAuth token is (scopes org:admin, repo:admin): env:NAME, file:PATH, cmd:COMMAND, "
        "keyring:SERVICE/USER or prompt.",
    ),
    Opt(name="ca_file", help="Certificate authority of this Quay, PEM, beside those that this machine trusts."),
)


def collection() -> Collection:
    """Return the collection `quay`."""
    return provider_collection("quay", ABOUT, *OPTIONS)
