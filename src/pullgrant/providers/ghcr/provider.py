"""A token for ghcr.io. GitHub lets nobody make one by API: it comes by reference, is judged, proven, delivered, and reminded of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pullgrant.errors import PermissionDenied, ProofFailed, UsageError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock, RegistryProbe
from pullgrant.providers.ghcr import shelf
from pullgrant.providers.ghcr.probing import ScopeProbe
from pullgrant.providers.ghcr.scopes import READ, Standing
from pullgrant.providers.ghcr.seam import NEW_TOKEN, Seam
from pullgrant.providers.ghcr.settings import HOST, Settings

_REMIND = timedelta(days=30)


class Provider:
    """Implements ports.Provider for ghcr.io."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._clock = clock
        self._seam = seam or Seam(self._settings, http)
        self._seen: Standing | None = None

    @property
    def can(self) -> Capabilities:
        """The boundary of a token is its account, so that nothing outside can be named; push is asked by `probing`."""
        return Capabilities(
            creates_identity=False, key_notes=True, narrows=False, push_question="upload", settles_in=timedelta()
        )

    def probing(self, probe: RegistryProbe) -> RegistryProbe:
        """Return the probe that asks GitHub's API about push."""
        return ScopeProbe(probe, self._seam, accept_stronger=self._settings.accept_stronger)

    def observe(self) -> Observed:
        """See ports.Provider."""
        accepted = self._settings.accept_stronger
        try:
            self._seen = standing = self._seam.standing(self._seam.token())
            who = self._username(standing)
        except UsageError as error:  # no token, a dead one, or nobody's: nothing of which keeps a slot from being emptied
            return self._observed(self._settings.username or self._settings.owner, granted=False, cannot_issue=error)
        return self._observed(
            who,
            granted=standing.reads is not False,
            excess=() if accepted else tuple(Grant(role=one, resource="its token") for one in standing.beyond),
            cannot_issue=_lacking(standing) or (None if accepted else _too_much(standing)),
            remarks=self._remarks(standing),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider: the account is there, or the proof will fail."""
        return Identity(id=self._username(self._looked()))

    def grant(self, identity: Identity) -> None:
        """Do nothing: what a token may do is changed by hand, on GitHub's pages."""

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider; the key is the token that the reference leads to now."""
        ends = self._looked().expires_at
        key = Key(id=f"given-{note}", created_at=self._clock.now(), expires_at=ends, note=note, revocable=False)
        secret = self._seam.token()
        return Issued(key=key, credential=Credential(server=HOST, username=identity.id, secret=secret, expires_at=ends))

    def withdraw(self, key: Key) -> None:
        """Do nothing: a token of GitHub is ended by hand, on GitHub's pages."""

    def remove(self, identity: Identity) -> None:
        """Do nothing: the token was not made here."""

    # What the methods above are made of.

    @staticmethod
    def _observed(who: str, **seen: Any) -> Observed:
        return Observed(
            ownership=Ownership.OURS,
            identity=Identity(id=who),
            grant=Grant(role=READ, resource=f"all packages that {who} may read"),
            **seen,
        )

    def _looked(self) -> Standing:
        if self._seen is None:
            self._seen = self._seam.standing(self._seam.token())
        return self._seen

    def _username(self, standing: Standing) -> str:
        found = self._settings.username or standing.login
        if not found:
            raise UsageError(
                "GitHub does not say whose token this is, as for those of GitHub Apps and Actions",
                hint="Give --username: x-access-token for a GitHub App, the actor for Actions. Whether it pulls will be proven.",
            )
        return found

    def _remarks(self, standing: Standing) -> tuple[str, ...]:
        told = ["GitHub makes no tokens by API: this one was given, and is replaced and revoked by hand"]
        if standing.scopes is None:
            told.append("GitHub lists no scopes of this token: what it may do is known only as far as it was proven")
        if self._settings.accept_stronger and standing.beyond:
            told.append(f"accepted although it has {', '.join(standing.beyond)}")
        told.append(_about_the_end(standing.expires_at, self._clock.now()))
        return tuple(one for one in told if one)


def _lacking(standing: Standing) -> PermissionDenied | None:
    if standing.reads is not False:
        return None
    return PermissionDenied(f"the token of {standing.login} lacks the scope {READ}", hint=f"Make one with it: {NEW_TOKEN}")


def _too_much(standing: Standing) -> ProofFailed | None:
    if not standing.beyond:
        return None
    return ProofFailed(
        f"the token of {standing.login or 'nobody'} may do more than pull: {', '.join(standing.beyond)}",
        hint=f"Make one with {READ} alone: {NEW_TOKEN}. To deliver this one all the same, add --accept-stronger.",
    )


def _about_the_end(ends: datetime | None, now: datetime) -> str:
    if ends is None:
        return "the token never ends, or GitHub does not say when: give it an end when you replace it"
    left = ends - now
    if left > _REMIND:
        return ""
    return (
        f"the token dies at {ends:%Y-%m-%d %H:%M} UTC, in {max(left.days, 0)} day(s): put another in its place, then rotate"
    )
