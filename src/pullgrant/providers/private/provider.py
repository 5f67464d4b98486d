"""A user of any registry: its password comes by reference, is proven and delivered, and nothing is made or ended."""

from __future__ import annotations

from datetime import timedelta

from pullgrant.errors import NotFound, PullgrantError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.private import shelf
from pullgrant.providers.private.seam import Seam
from pullgrant.providers.private.settings import Settings


class Provider:
    """Implements ports.Provider for a user that exists already."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._clock = clock
        self._seam = seam or Seam(self._settings, http)

    @property
    def can(self) -> Capabilities:
        """Whether push is refused is asked like everywhere; a user whose strength was accepted is not asked about it."""
        return Capabilities(
            creates_identity=False,
            key_notes=True,
            narrows=False,
            push_question="none" if self._settings.accept_stronger else "token",
            settles_in=timedelta(),  # nothing was just made that could still be on its way
        )

    @property
    def insecure_hosts(self) -> frozenset[str]:
        """Hosts of this machine that are asked in plain http."""
        own = (self._settings.server.host,) if self._settings.server.plain else ()
        return frozenset((*own, *self._settings.insecure))

    def observe(self) -> Observed:
        """See ports.Provider: that the registry answers and the reference leads somewhere is all there is to see.

        Neither stands in the way of a revocation, which needs the platforms alone.
        """
        settings = self._settings
        challenge, refusal = "", None
        try:
            self._seam.password()
            challenge = self._greeted()
        except PullgrantError as error:
            refusal = error
        return Observed(
            ownership=Ownership.OURS,
            identity=Identity(id=settings.username),
            grant=Grant(role="pull", resource=f"{settings.server.host} as {settings.username}"),
            granted=True,
            cannot_issue=refusal,
            remarks=(*self._remarks(challenge), *((refusal.message,) if refusal else ())),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider: the user is there, or the proof will fail."""
        return Identity(id=self._settings.username)

    def grant(self, identity: Identity) -> None:
        """Do nothing: what the user may do is its registry's affair."""

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider; the key is the password that the reference leads to now."""
        key = Key(id=f"given-{note}", created_at=self._clock.now(), note=note, revocable=False)
        secret = self._seam.password()
        return Issued(
            key=key,
            credential=Credential(server=self._settings.server.host, username=self._settings.username, secret=secret),
        )

    def withdraw(self, key: Key) -> None:
        """Do nothing: a password that was given cannot be ended from here."""

    def remove(self, identity: Identity) -> None:
        """Do nothing: the user was not made here."""

    def _greeted(self) -> str:
        """Return how the registry asks to be signed in to, empty when it asks for nothing."""
        reply = self._seam.greet()
        if reply.status not in (200, 401):
            raise NotFound(
                f"{self._settings.server.url}/v2/ answered {reply.status}, as no registry does",
                hint="Check --server: it is the host that docker would pull from.",
            )
        return reply.headers.get("www-authenticate", "")

    def _remarks(self, challenge: str) -> tuple[str, ...]:
        settings = self._settings
        told = [
            f"{settings.username} was given, not made: its password is ended and replaced at {settings.server.host} only"
        ]
        if settings.accept_stronger:
            told.append("whether it may push is not asked: --accept-stronger")
        elif challenge.lower().startswith("basic"):
            told.append(
                f"{settings.server.host} signs in by password alone: with htpasswd every user may push, "
                "so that no user of it can be proven to be a mere reader"
            )
        if settings.password == "prompt":  # noqa: S105 - the reference, not the secret
            told.append("the password is asked for at each rotation, which therefore needs somebody at a terminal")
        return tuple(told)
