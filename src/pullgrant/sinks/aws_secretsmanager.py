"""AWS Secrets Manager as a slot: every delivery is a new version, the one before stays as AWSPREVIOUS.

A secret that this sink made carries the tag `managed-by=pullgrant`; it is deleted, with seven days to bring it back, when its
last entry goes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks import target
from pullgrant.sinks.aws_secretsmanager_place import AwsPlace, configured_region
from pullgrant.sinks.checks import registry_host
from pullgrant.sinks.stored import StoreSink

# docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html: ASCII letters, digits and /_+=.@-
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d", re.ASCII)


class AwsSecretsManager(StoreSink):
    """Implements ports.Sink. A slot's `target` is `NAME,region=REGION`, or an ARN that is there already."""

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its region: of the ARN, else of AWS_REGION or the usual AWS configuration."""
        secret, region = _read(target or name)
        region = region or os.environ.get("AWS_REGION", "") or configured_region()
        if not _REGION.fullmatch(region):
            raise UsageError(
                f"in which region is {secret}? {region!r} is none", hint="Add ,region=us-east-1, or set AWS_REGION."
            )
        return _slot(secret, region, server)

    @contextmanager
    def open(self, slot: Slot) -> Iterator[AwsPlace]:
        """See StoreSink."""
        secret, region = _read(slot.target)
        with AwsPlace.connected(secret, region) as place:
            yield place


def _slot(secret: str, region: str, server: str) -> Slot:
    place = secret if _ARN.fullmatch(secret) else target.join(secret, {"region": region})
    slot = Slot(sink="aws-secretsmanager", server=server, target=place)
    return Slot(sink="aws-secretsmanager", server=registry_host(slot), target=place)


def _read(text: str) -> tuple[str, str]:
    """Return the secret and its region, empty where the target does not say. Raises UsageError."""
    secret, options = target.split(text, valued=("region",))
    arn = _ARN.fullmatch(secret)
    if not arn and not _NAME.fullmatch(secret):
        raise UsageError(f"{secret!r} is no name of a secret", hint="Write aws-secretsmanager:NAME, or the secret's ARN.")
    if arn and options.get("region", arn[1]) != arn[1]:
        raise UsageError(f"{secret} is not in {options['region']}", hint="Leave the region out.")
    return secret, arn[1] if arn else options.get("region", "")
