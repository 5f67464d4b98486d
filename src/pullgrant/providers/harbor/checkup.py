"""What `doctor` asks of Harbor: which robots in a project carry a ledger's mark."""

from __future__ import annotations

from pullgrant.kit.http import Http
from pullgrant.model.reader import Reader
from pullgrant.providers import marked as shared
from pullgrant.providers.harbor import robots
from pullgrant.providers.harbor.seam import Seam
from pullgrant.providers.harbor.settings import Settings


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the identities of a reader's account whose robots carry this ledger's mark."""
    seam = Seam(Settings.of(reader), http)
    listed = seam.list_robots(int(seam.get_project().get("project_id") or 0))
    return shared.marked(map(robots.token_of, listed), reader, owner)
