"""What a diagnosis says, and what a walk through a pull alone comes to."""

from __future__ import annotations

from dataclasses import dataclass

from pullgrant.flows.causes import Cause, Step, Walker
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image

_MOST_TAGS = 5
_NO_IMAGE = "no such image or tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found. `cause` is None when nothing is wrong that can be seen; `words` is one sentence.

    `mend` is the command line that mends it, empty where none does; `advice` is then what a person does. `steps` is the
    walk that it was told from, `through` what was asked with.
    """

    image: Image
    cause: Cause | None
    words: str
    through: str
    mend: str = ""
    advice: str = ""
    steps: tuple[Step, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question: the image, the probe, and the command that makes a reader for the image where none is.

    `covered`: the image lies in the scope of the reader that is asked about.
    """

    image: Image
    walker: Walker
    bootstrap: str
    covered: bool = True


def told(case: Case, cause: Cause | None, steps: tuple[Step, ...], credential: Credential | None, through: str) -> Diagnosis:
    """Return the diagnosis that a walk alone comes to."""
    image, said = case.image, steps[-1].outcome.words
    mend, advice = case.bootstrap, ""
    match cause:
        case None:
            words = "nothing is wrong: it can be pulled" if credential else "public: it can be pulled without a credential"
            mend = ""
        case Cause.WRONG_HOST:
            words, mend = f"{image.host} is not a registry that answers: {said}", ""
            advice = "Check the host in the image's name."
        case Cause.REGISTRY:
            words = f"{image.host} is down or limits its callers: {said}"
            # Pulls without a credential are counted per address: a reader has an allowance of its own.
            mend = case.bootstrap if steps[-1].status == 429 and credential is None else ""
            advice = "Run the same command again in a while."
        case Cause.NO_IMAGE:
            words, mend, advice = (
                f"there is {_NO_IMAGE}: {said.removeprefix(f'{_NO_IMAGE}: ')}",
                "",
                _there(case, credential),
            )
        case Cause.DEAD_CREDENTIAL:
            words = f"the credential is wrong or expired: {said}"
        case Cause.NO_PERMISSION:
            words = f"the credential has no right to pull {image.repository}: {said}"
        case _:
            words = f"a credential is needed, and there is none: {said}"
    return Diagnosis(image=image, cause=cause, words=words, through=through, mend=mend, advice=advice, steps=steps)


def _there(case: Case, credential: Credential | None) -> str:
    image = case.image
    tags = case.walker.tags(image.host, image.repository, credential, most=_MOST_TAGS)
    if not tags:
        return f"Push it first: {image.host}/{image.repository} shows no tags."
    return f"Push it first, or deploy a tag that is there: {', '.join(tags)}."
