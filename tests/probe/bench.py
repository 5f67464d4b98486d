"""A running registry with the probe, the image and the credentials to ask it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from probe.registries import REPOSITORY
from probe.served import Site
from pullgrant.kit.http import Http
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer
from pullgrant.probe import Probe, Stage, Step
from pullgrant.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One registry under test."""

    http: Http
    site: Site
    registry: Any
    insecure: frozenset[str]

    def probe(self, push_question: Any = "token") -> Probe:
        return Probe(self.http, push_question=push_question, insecure_hosts=self.insecure)

    def image(self, repository: str = REPOSITORY, reference: str = "latest") -> Image:
        return Image(host=self.site.host, repository=repository, reference=reference)

    def credential(self, username: str = "reader", secret: str = "") -> Credential:
        return Credential(server=self.site.host, username=username, secret=Secret(secret or f"{username}-secret"))

    def pull(self, credential: Credential | None, **image: str) -> tuple[Answer, str]:
        outcome = self.probe().pull(self.image(**image), credential)
        return outcome.answer, outcome.words

    def push(self, credential: Credential, question: Any = "token") -> tuple[Answer, str]:
        outcome = self.probe(question).push(self.image(), credential)
        return outcome.answer, outcome.words


def stages(steps: tuple[Step, ...]) -> list[tuple[Stage, Answer]]:
    """Return stage and answer of each step."""
    return [(step.stage, step.outcome.answer) for step in steps]
