"""What each image comes to: whether it needs a credential, and which reader has one for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pullgrant.model.image import DOCKER_HUB, Image, is_built_in
from pullgrant.model.proof import Answer, Outcome
from pullgrant.resolve.found import Found
from pullgrant.resolve.keys import Keys, keys_of


class State(StrEnum):
    """How an image is pulled."""

    COVERED = "covered"
    PUBLIC = "public"
    BUILT_IN = "built-in"
    UNCOVERED = "uncovered"
    UNKNOWN = "unknown"


# docker/docs docker-hub/usage/pulls.md; the platforms: Akka documentation, external-container-registries.
HUB_ALLOWANCE = (
    "Docker Hub counts pulls without a credential per IP address (10 an hour by Docker's documentation, 100 in 6 hours by "
    "that of the platforms), and all users of a platform share its few addresses: a reader has an allowance of its own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One image: where it was found, its keys, the ids of the readers that cover it, and what it comes to.

    `anonymous` is the registry's answer to a pull without credential, None when it was not asked.
    """

    image: Image
    found: tuple[Found, ...]
    keys: Keys
    readers: tuple[str, ...]
    anonymous: Outcome | None

    @property
    def state(self) -> State:
        """How it is pulled. A public image that a reader covers is public: it would be pulled without the reader too."""
        if is_built_in(self.image.host):
            return State.BUILT_IN
        if self.anonymous is not None and self.anonymous.answer is Answer.ALLOWED:
            return State.PUBLIC
        if self.readers:
            return State.COVERED
        refused = self.anonymous is not None and self.anonymous.answer is Answer.DENIED
        return State.UNCOVERED if refused else State.UNKNOWN

    @property
    def why(self) -> str:
        """The state in one sentence."""
        match self.state:
            case State.BUILT_IN:
                return "the platform's own registry, which signs its services in by itself: no credential is needed"
            case State.PUBLIC:
                return "public: everybody may pull it, no credential is needed"
            case State.COVERED:
                return f"covered by {', '.join(self.readers)}"
            case State.UNCOVERED:
                return "no reader covers it, and without a credential its registry refuses it"
        words = self.anonymous.words if self.anonymous else "its registry was not asked"
        return f"no reader covers it; whether it needs one is not known: {words}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Further sentences for the user."""
        told = [HUB_ALLOWANCE] if self.image.host == DOCKER_HUB and self.state is State.PUBLIC else []
        return tuple(told)


def resolved(image: Image, found: Sequence[Found], readers: Sequence[str], anonymous: Outcome | None) -> Resolved:
    """Return what one image comes to."""
    return Resolved(image=image, found=tuple(found), keys=keys_of(image), readers=tuple(readers), anonymous=anonymous)
