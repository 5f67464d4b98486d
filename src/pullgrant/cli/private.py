"""`private.*`: readers for any other registry."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Prove a user of any OCI or Docker registry and register its credential with a platform.

Makes nothing at the registry: the user exists, its password comes by reference. Proves on the live registry that it can
pull and, where the registry can tell, that it cannot push; registers it, and journals where to find the password again.
"""

OPTIONS = (
    Opt(name="server", required=True, help="Registry: https://HOST[:PORT]; http:// for 127.0.0.1 and localhost only."),
    Opt(name="username", required=True, help="User at that registry who may pull and no more."),
    Opt(
        name="password",
        required=True,
        help="Where its password is: env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER or prompt.",
    ),
    Opt(name="ca_file", help="Certificate authority of the registry, PEM, beside those that this machine trusts."),
    Opt(
        name="insecure_host",
        repeated=True,
        help="Token service on this machine in plain http, 127.0.0.1:PORT; may be repeated.",
    ),
    Opt(
        name="accept_stronger",
        default=False,
        help="Deliver although the user may push, or nobody can tell: for registries without roles (htpasswd).",
    ),
)


def collection() -> Collection:
    """Return the collection `private`."""
    return provider_collection("private", ABOUT, *OPTIONS)
