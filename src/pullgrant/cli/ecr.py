"""`ecr.*`: readers for Amazon ECR."""

from __future__ import annotations

from invoke import Collection

from pullgrant.cli.bootstrap import provider_collection
from pullgrant.cli.options import Opt

ABOUT = """Make a proven pull credential for Amazon ECR and register it with a platform.

Creates an IAM role that may only pull, takes a registry token as that role, proves on the live registry that it can pull and
cannot push, registers it, and journals how to renew it and take it back. A token lives twelve hours at most: schedule
`rotate` (see `schedule`). Running it again changes nothing.
"""

OPTIONS = (
    Opt(
        name="region",
        help="Region of the registry, e.g. us-east-1. Default: that of --registry, else of your AWS configuration.",
    ),
    Opt(name="registry_id", help="Account that owns the registry, twelve digits. Default: the account of your sign-in."),
    Opt(
        name="registry",
        help="Registry host as your images name it: plain, FIPS or dual-stack, or public.ecr.aws. Default: the plain one.",
    ),
    Opt(
        name="repository",
        repeated=True,
        help="Only this repository, e.g. team/app; may be repeated. Default: all repositories of the registry.",
    ),
    Opt(
        name="method",
        default="role",
        help="role: a role that trusts your sign-in; user: an IAM user, whose access key lives for a moment only.",
    ),
    Opt(name="role_arn", help="ARN of an existing role to take tokens as; it is used and never changed."),
    Opt(
        name="trust",
        repeated=True,
        help="ARN of a further role or user that may renew the token, e.g. your scheduler's; may be repeated.",
    ),
    Opt(name="profile", help="Profile of your AWS configuration; `rotate` uses it again. Default: that of AWS_PROFILE."),
)


def collection() -> Collection:
    """Return the collection `ecr`."""
    return provider_collection("ecr", ABOUT, *OPTIONS)
