"""Answers the question of push for GitHub: by the token's scopes, which alone tell it.

An upload that begins proves nothing there: the refusal may come only with the manifest
(int128/docker-manifest-create-action#158), or at once (tuna-os/tunaOS#642).
"""

from __future__ import annotations

from pullgrant.errors import PullgrantError
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer, Outcome
from pullgrant.ports import RegistryProbe
from pullgrant.providers.ghcr.seam import Seam


class ScopeProbe:
    """Implements ports.RegistryProbe around another probe, which still answers for pulls."""

    def __init__(self, probe: RegistryProbe, seam: Seam, *, accept_stronger: bool) -> None:
        self._probe, self._seam, self._accept = probe, seam, accept_stronger

    def pull(self, image: Image, credential: Credential | None) -> Outcome:
        """See ports.RegistryProbe."""
        return self._probe.pull(image, credential)

    def push(self, image: Image, credential: Credential) -> Outcome:
        """See ports.RegistryProbe; a token without scopes is asked by upload, where only a refusal is an answer."""
        if self._accept:
            return Outcome(answer=Answer.NOT_ASKED, words="a stronger token was accepted")
        try:
            standing = self._seam.standing(credential.secret)
        except PullgrantError as error:
            return Outcome(answer=Answer.UNKNOWN, words=error.message)
        if standing.scopes is not None:
            listed = ", ".join(sorted(standing.scopes)) or "none"
            answer = Answer.ALLOWED if standing.beyond else Answer.DENIED
            return Outcome(answer=answer, words=f"GitHub lists the token's scopes: {listed}")
        asked = self._probe.push(image, credential)
        if asked.answer is Answer.ALLOWED:
            return Outcome(
                answer=Answer.UNKNOWN, words="GitHub lists no scopes of this token, and an upload that begins is no proof"
            )
        return asked
