"""`azure.*`: readers for Azure Container Registry."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Make a proven pull credential for Azure Container Registry and register it with a platform.

Creates a service principal, or a token of the registry, that may only read; issues its password, proves on the live registry
that it can pull and cannot push, registers it, and journals how to renew it and take it back. Passwords that exist already
are left alone. Running it again changes nothing.
"""

OPTIONS = (
    Opt(name="registry", required=True, help="NAME, NAME.azurecr.io, or the registry's full resource id."),
    Opt(name="subscription", help="Id of the subscription. Default: found by the registry's login server."),
    Opt(name="resource_group", help="Resource group of the registry. Default: found by the registry's name."),
    Opt(name="cloud", help="public, usgov or china. Default: what the registry's host says, else public."),
    Opt(
        name="method",
        default="service-principal",
        help="service-principal, or token: a token of the registry itself, which needs no rights in the directory.",
    ),
    Opt(
        name="repository",
        repeated=True,
        help="Only this repository, team/app or team/*; may be repeated. Default: the whole registry.",
    ),
    Opt(name="expires_in", default="90d", help="Life of each password, in h or d, e.g. 90d; it always ends."),
)


def collection() -> Collection:
    """Return the collection `azure`."""
    return provider_collection("azure", ABOUT, *OPTIONS)
