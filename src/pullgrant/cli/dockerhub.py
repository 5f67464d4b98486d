"""`dockerhub.*`: readers for Docker Hub, and the pulls that are left there."""

from __future__ import annotations

from invoke import Collection

from pullgrant import catalog
from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import OUTPUT, Opt
from pullgrant.cli.verb import Given, verb

ABOUT = """Make a proven pull credential for Docker Hub and register it with a platform.

Creates an organisation access token that may pull from the named repositories and do nothing else, or with --username a
personal one, which reads all that its account reads. Proves on the live registry that it can pull and cannot push,
registers it, and journals how to renew it and take it back. Running it again changes nothing.
"""

OPTIONS = (
    Opt(name="organization", help="Organisation that owns the repositories; or --username."),
    Opt(name="repository", repeated=True, help="Repository to pull from, app or acme/app; may be repeated."),
    Opt(name="username", help="Account whose personal access token is to be made: it reads all that the account reads."),
    Opt(name="operator", help="An owner of the organisation, who makes the token. Default: $DOCKERHUB_USERNAME."),
    Opt(
        name="password",
        default="env:DOCKERHUB_PASSWORD",
        help="Where the password of who makes the token is: env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER or prompt.",
    ),
    Opt(name="expires_in", default="90d", help="Life of each token, in h or d, e.g. 90d; it always ends."),
)


@verb(
    Opt(name="username", help="Account or organisation to ask for. Default: nobody, for this machine's address."),
    Opt(name="password", help="Where its password or token is: env:NAME, file:PATH, cmd:COMMAND, keyring:... or prompt."),
    *OUTPUT,
)
def limits(given: Given) -> None:
    """Show how many pulls Docker Hub still allows, anonymously or with a credential; asking spends none."""
    from pullgrant.cli.render import emit, span
    from pullgrant.errors import UsageError
    from pullgrant.kit.http import Http
    from pullgrant.kit.references import checked, resolve

    if bool(given.username) != bool(given.password):
        raise UsageError("--username and --password belong together", hint="Give both, or neither to ask anonymously.")
    password = resolve(checked("password", given.password)) if given.password else None
    http = Http()
    try:
        found = catalog.part("dockerhub", "limits").read(http, username=given.username or "", password=password)
    finally:
        http.close()
    who = given.username or f"anonymous ({found.source or 'this address'})"
    window = span(found.window) if found.window else "?"
    told = f"{found.left} of {found.most} pulls left in {window}" if found.most is not None else "no limit is told"
    emit(
        {
            "username": given.username or None,
            "limit": found.most,
            "remaining": found.left,
            "window_seconds": int(found.window.total_seconds()) if found.window else None,
            "source": found.source or None,
            "reached": found.spent,
        },
        [f"{who}: {told}{'; the limit is reached' if found.spent else ''}"],
        as_json=given.json,
    )


def collection() -> Collection:
    """Return the collection `dockerhub`."""
    found = provider_collection("dockerhub", ABOUT, *OPTIONS)
    found.add_task(limits)
    return found
