"""What `doctor` asks of GitLab: which deploy tokens carry a ledger's mark."""

from __future__ import annotations

from pullgrant.kit.http import Http
from pullgrant.model.reader import Reader
from pullgrant.providers import marked as shared
from pullgrant.providers.gitlab import tokens
from pullgrant.providers.gitlab.seam import Seam
from pullgrant.providers.gitlab.settings import Settings


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the identities of a reader's account whose deploy tokens carry this ledger's mark."""
    seam = Seam(Settings.of(reader), http)
    return shared.marked(map(tokens.token_of, seam.list_tokens()), reader, owner)
