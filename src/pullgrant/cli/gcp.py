"""`gcp.*`: readers for Artifact Registry and gcr.io."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Make a proven pull credential for Google Cloud and register it with a platform.

Creates a service account that may only read the registry, issues its key, proves on the live registry that it can pull
and cannot push, registers it, and journals how to renew it and take it back. Running it again changes nothing.
"""

OPTIONS = (
    Opt(name="project", required=True, help="Google Cloud project that holds the registry."),
    Opt(
        name="registry",
        default="gcr.io",
        help="gcr.io, us.gcr.io, eu.gcr.io, asia.gcr.io or LOCATION-docker.pkg.dev/PROJECT/REPOSITORY.",
    ),
    Opt(
        name="role",
        default="auto",
        help="auto asks the project; or roles/artifactregistry.reader, roles/storage.objectViewer.",
    ),
    Opt(name="scope", default="repository", help="Grant on the one `repository` (or bucket), or on the whole `project`."),
    Opt(
        name="credential",
        default="json-key",
        help="json-key, or access-token: lives one hour and must be rotated, for where keys are forbidden.",
    ),
)


def collection() -> Collection:
    """Return the collection `gcp`."""
    return provider_collection("gcp", ABOUT, *OPTIONS)
