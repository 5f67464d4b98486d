"""Reads a walk through a pull: why did it not end with the manifest. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer, Outcome


class Cause(StrEnum):
    """Why a pull fails: the causes that the platforms' documentation lists, and what a platform adds by itself."""

    NO_CREDENTIAL = "no-credential"
    WRONG_HOST = "wrong-host"
    DEAD_CREDENTIAL = "dead-credential"
    NO_PERMISSION = "no-permission"
    NO_IMAGE = "no-image"
    REGISTRY = "registry"
    OTHER_CREDENTIAL = "other-credential"


class Step(Protocol):
    """One stage of a pull (reach, challenge, token, scope, manifest), as the probe notes it."""

    @property
    def stage(self) -> str: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def status(self) -> int: ...


class Walker(Protocol):
    """A registry probe that shows its stages."""

    def walk(self, image: Image, credential: Credential | None) -> Sequence[Step]:
        """Pull, and return each stage; the last one decides. Never raises for an answer of the registry."""

    def tags(self, host: str, repository: str, credential: Credential | None, *, most: int = 100) -> tuple[str, ...]:
        """Return tags of a repository, none when it shows none."""


# What resolvers say of a name that is not there; httpx has no error of its own for it (glibc, macOS, Windows, musl).
_NO_SUCH_NAME = re.compile(
    r"Name or service not known|nodename nor servname|getaddrinfo failed|Name does not resolve|No address associated"
)
# ECR says of a dead token 403 DENIED, as of a missing right, and only the text tells them apart (Amazon ECR user guide,
# "Troubleshooting").
_EXPIRED = re.compile(r"token has expired", re.IGNORECASE)


def cause_of(steps: Sequence[Step], *, signed: bool) -> Cause | None:
    """Return the cause, None when the pull was allowed. `signed`: a credential was at hand."""
    last = steps[-1]
    if last.outcome.answer is Answer.ALLOWED:
        return None
    match last.stage:
        case "reach":
            return _unreached(last)
        case "token" | "manifest":
            return _refused(last, signed=signed, by_token=any(one.stage == "token" and _allowed(one) for one in steps))
    return Cause.REGISTRY  # a token service that may not be asked, a token without rights that led nowhere


def _unreached(last: Step) -> Cause:
    """Nothing answered, or no registry: then what stands in the image is another kind of host."""
    if last.status == 0:
        return Cause.WRONG_HOST if _NO_SUCH_NAME.search(last.outcome.words) else Cause.REGISTRY
    return Cause.REGISTRY if _is_trouble(last.status) else Cause.WRONG_HOST


def _refused(last: Step, *, signed: bool, by_token: bool) -> Cause:
    if last.status == 404 and last.stage == "manifest":
        return Cause.NO_IMAGE
    if last.status not in {400, 401, 403} or (last.status == 400 and last.stage == "manifest"):
        return Cause.REGISTRY
    if not signed:
        return Cause.NO_CREDENTIAL
    if _EXPIRED.search(last.outcome.words):
        return Cause.DEAD_CREDENTIAL
    if last.stage == "manifest" and by_token:
        # A token that was just given and is not known means trouble between the registry and its token service.
        return Cause.NO_PERMISSION if last.outcome.answer is Answer.DENIED else Cause.REGISTRY
    return Cause.NO_PERMISSION if last.status == 403 else Cause.DEAD_CREDENTIAL


def _is_trouble(status: int) -> bool:
    return status in {408, 429} or status >= 500


def _allowed(step: Step) -> bool:
    return step.outcome.answer is Answer.ALLOWED
