"""The reader's own service account: whose it is, and how it is made ours."""

from __future__ import annotations

import re
from typing import Any

from pullgrant.errors import OutcomeUnknown
from pullgrant.model.reader import Ownership
from pullgrant.providers.gcp.answers import AlreadyThere, there, tried
from pullgrant.providers.gcp.seam import Seam
from pullgrant.providers.gcp.settings import Settings

TITLE = "Registry reader (pullgrant)"
_MARK = re.compile(r"pullgrant ledger=([0-9a-z-]+)", re.ASCII)
_MOST_DESCRIPTION = 256  # bytes: discovery document iam.v1


class ReaderIdentity:
    """One service account; our mark is in its description, because its keys carry no note."""

    def __init__(self, settings: Settings, seam: Seam, owner: str) -> None:
        self._settings, self._seam = settings, seam
        self._own_mark, self._owner = f"pullgrant ledger={owner}", owner

    def look(self) -> Any:
        """Return the account, None when it is not there."""
        return there(tried(lambda: self._seam.get_account(self._settings.email))())

    def ownership(self, account: Any) -> Ownership:
        """Say whose an account is."""
        if account is None:
            return Ownership.ABSENT
        mark = _MARK.search(account.description or "")
        if mark is None:
            return Ownership.UNMARKED
        return Ownership.OURS if mark[1] == self._owner else Ownership.OTHER_LEDGER

    def create(self) -> tuple[Any, bool]:
        """Return the account and whether this call made it: a name that is taken is looked at, and so is a lost answer."""
        try:
            return self._seam.create_account(self._settings.reader, TITLE, self._own_mark), True
        except AlreadyThere:
            return self._seam.get_account(self._settings.email), False
        except OutcomeUnknown as error:
            found = self.look()
            if found is None:
                raise error from None
            return found, True

    def mark(self, account: Any) -> None:
        """Put our mark on an account, beside as much of its own words as there is room for."""
        room = _MOST_DESCRIPTION - len(self._own_mark) - 1
        kept = _MARK.sub("", account.description or "").strip().encode()[:room].decode(errors="ignore")
        self._seam.describe_account(self._settings.email, f"{kept} {self._own_mark}".strip())
