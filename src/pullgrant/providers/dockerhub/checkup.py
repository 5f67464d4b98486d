"""What `doctor` asks of Docker Hub: which access tokens carry a ledger's mark."""

from __future__ import annotations

from datetime import UTC, datetime

from pullgrant.kit.http import Http
from pullgrant.model.reader import Reader
from pullgrant.providers import marked as shared
from pullgrant.providers.dockerhub import tokens
from pullgrant.providers.dockerhub.seam import Seam
from pullgrant.providers.dockerhub.settings import Settings


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the identities of a reader's account whose access tokens carry this ledger's mark."""
    seam = Seam(Settings.of(reader), http, lambda: datetime.now(UTC))
    return shared.marked(map(tokens.token_of, seam.list_tokens()), reader, owner)
