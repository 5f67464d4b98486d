"""What GitHub says of a token: its scopes, its end, and what of it is too much for a reader.

github/docs content/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps.md: X-OAuth-Scopes lists what a token may do,
without what another scope in the list implies. Only classic personal tokens and OAuth tokens have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

READ = "read:packages"
_IMPLY_READ = frozenset({READ, "write:packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A token as GitHub describes it. `scopes` is None where it does not say, as for GitHub Apps and Actions.

    `login` is the account, "" for a token that speaks for none.
    """

    login: str = ""
    scopes: frozenset[str] | None = None
    expires_at: datetime | None = None

    @property
    def reads(self) -> bool | None:
        """Whether it may read packages; None where GitHub does not say."""
        return None if self.scopes is None else bool(self.scopes & _IMPLY_READ)

    @property
    def beyond(self) -> tuple[str, ...]:
        """The scopes that a reader has no use for: any but `read:packages`, as the least is exactly that."""
        return tuple(sorted((self.scopes or frozenset()) - {READ}))


def standing_of(headers: Mapping[str, str], login: str) -> Standing:
    """Return what the headers of any answer of the API say of the token that asked."""
    listed = headers.get("x-oauth-scopes")
    scopes = None if listed is None else frozenset(one.strip() for one in listed.split(",") if one.strip())
    ends = _moment(headers.get("github-authentication-token-expiration", ""))
    return Standing(login=login, scopes=scopes, expires_at=ends)


def _moment(text: str) -> datetime | None:
    """Return a time as that header has it: `2021-10-07 19:07:53 UTC`, or with an offset (github/gh-aw#20097)."""
    try:
        found = datetime.fromisoformat(text.strip().removesuffix(" UTC").replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
