"""`harbor.*`: readers for Harbor."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Make a proven pull credential for one project of Harbor and register it with a platform.

Creates a robot account that may pull from the project and do nothing else, proves on the live registry that it can pull and
cannot push, registers it, and journals how to renew it and take it back. Running it again changes nothing.
"""

OPTIONS = (
    Opt(name="project", required=True, help="Project whose images the platform shall pull."),
    Opt(name="url", help="Harbor's address, https://HOST[:PORT]. Default: $HARBOR_URL."),
    Opt(name="username", help="Your user there: an administrator of the project. Default: $HARBOR_USERNAME."),
    Opt(
        name="password",
        default="env:HARBOR_PASSWORD",
        help="Where your password is: env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER or prompt.",
    ),
    Opt(name="expires_in", default="90d", help="Life of each robot in days, e.g. 90d; it always ends."),
    Opt(name="ca_file", help="Certificate authority of this Harbor, PEM, beside those that this machine trusts."),
)


def collection() -> Collection:
    """Return the collection `harbor`."""
    return provider_collection("harbor", ABOUT, *OPTIONS)
