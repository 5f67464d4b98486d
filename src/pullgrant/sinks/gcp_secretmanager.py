"""Google Cloud Secret Manager as a slot: every delivery is a new version, and the one before stays enabled.

A secret that this sink made carries the label `managed-by=pullgrant`: its older versions are disabled, and it is deleted when
its last entry goes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks.checks import registry_host
from pullgrant.sinks.gcp_secretmanager_place import GcpPlace
from pullgrant.sinks.stored import StoreSink

_PLACE = re.compile(
    r"(?:(?:projects/)?(?P<project>[a-z][a-z0-9:.-]{4,61}[a-z0-9]|\d{4,20}|[a-z]{3,})/(?:secrets/)?)?(?P<name>[A-Za-z0-9_-]{1,255})",
    re.ASCII,
)
_PROJECT_VARIABLES = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")


class GcpSecretManager(StoreSink):
    """Implements ports.Sink. A slot's `target` is `PROJECT/NAME`."""

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its project: given, else of GOOGLE_CLOUD_PROJECT or CLOUDSDK_CORE_PROJECT."""
        project, secret = _read(target or name)
        project = project or next(filter(None, map(os.environ.get, _PROJECT_VARIABLES)), "")
        if not project:
            raise UsageError(
                f"in which project is {secret}?", hint="Write gcp-secretmanager:PROJECT/NAME, or set GOOGLE_CLOUD_PROJECT."
            )
        slot = Slot(sink="gcp-secretmanager", server=server, target=f"{project}/{secret}")
        return Slot(sink="gcp-secretmanager", server=registry_host(slot), target=slot.target)

    @contextmanager
    def open(self, slot: Slot) -> Iterator[GcpPlace]:
        """See StoreSink."""
        project, secret = _read(slot.target)
        with GcpPlace.connected(project, secret) as place:
            yield place


def _read(text: str) -> tuple[str, str]:
    """Return project (empty: not given) and name. Raises UsageError."""
    found = _PLACE.fullmatch(text)
    if not found:
        raise UsageError(
            f"{text!r} is no name of a secret", hint="Write gcp-secretmanager:PROJECT/NAME; regional secrets are not served."
        )
    return found["project"] or "", found["name"]
