"""`gitlab.*`: readers for GitLab's container registry."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Make a proven pull credential for GitLab's container registry and register it with a platform.

Creates a deploy token of a project or group that may read its images and nothing else, proves on the live registry that it
can pull and cannot push, registers it, and journals how to renew it and take it back. Running it again changes nothing.
"""

OPTIONS = (
    Opt(name="project", help="Project by its path, GROUP/PROJECT; or --group."),
    Opt(name="group", help="Group by its path: a token that reads all its projects."),
    Opt(name="url", help="GitLab's address. Default: $GITLAB_URL, else https://gitlab.com."),
    Opt(name="registry", help="Host of its registry. Default: registry. and GitLab's host."),
    Opt(
        name="token",
        default="env:GITLAB_TOKEN",
        help="Where your access token is (scope api): env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER or prompt.",
    ),
    Opt(name="expires_in", default="90d", help="Life of each deploy token in days, e.g. 90d; it always ends."),
    Opt(name="ca_file", help="Certificate authority of this GitLab, PEM, beside those that this machine trusts."),
)


def collection() -> Collection:
    """Return the collection `gitlab`."""
    return provider_collection("gitlab", ABOUT, *OPTIONS)
