"""What `doctor` asks of Quay: which robots in an organisation carry a ledger's mark."""

from __future__ import annotations

from pullgrant.kit.http import Http
from pullgrant.model.reader import Reader
from pullgrant.providers import marked as shared
from pullgrant.providers.quay import robots
from pullgrant.providers.quay.seam import Seam
from pullgrant.providers.quay.settings import Settings


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the identities of a reader's account whose robots carry this ledger's mark."""
    seam = Seam(Settings.of(reader), http)
    return shared.marked(map(robots.token_of, seam.list_robots()), reader, owner)
