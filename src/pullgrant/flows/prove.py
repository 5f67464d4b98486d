"""Asks the live registry what a credential may do, until the answer is settled or the budget is spent."""

from __future__ import annotations

from dataclasses import replace

from pullgrant.errors import PullgrantError
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import NOT_ASKED, Answer, Outcome, Proof, Verdict
from pullgrant.model.reader import Images
from pullgrant.ports import Ports

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_MOST_ABSENT = 2  # propagation refuses; an image that is not there is not waited for


def images_of(ports: Ports) -> Images:
    """Return images to prove with. A refusal to list does not raise: the proof then says why there was nothing to ask about."""
    try:
        return ports.provider.images()
    except PullgrantError as error:
        return Images(why=error.message)


def prove(ports: Ports, images: Images, credential: Credential, *, fresh: bool) -> Proof:
    """Return the proof of one credential: pull allowed, then push, anonymous and out-of-scope pull refused.

    `fresh`: something was just made, so that a refused pull is asked again while the provider's propagation budget lasts.
    """
    now = ports.clock.now
    if images.inside is None:
        return Proof(verdict=Verdict.UNPROVEN, at=now(), why=images.why or "there is no image to pull yet")
    image = images.inside
    pull = _settled_pull(ports, image, credential, fresh=fresh)
    if pull.answer is not Answer.ALLOWED:
        verdict = Verdict.FAILED if pull.answer is Answer.DENIED else Verdict.UNPROVEN
        return Proof(
            verdict=verdict, at=now(), image=str(image), pull=pull, why=f"pull of {image}: {pull.words or pull.answer}"
        )
    push, anonymous, outside = together(
        lambda: ports.probe.push(image, credential),
        lambda: ports.probe.pull(image, None),
        lambda: _outside(ports, images, credential),
    )
    verdict, why = _judge(push, anonymous, outside)
    return Proof(
        verdict=verdict, at=now(), image=str(image), pull=pull, push=push, anonymous=anonymous, outside=outside, why=why
    )


def _settled_pull(ports: Ports, image: Image, credential: Credential, *, fresh: bool) -> Outcome:
    """Ask for the pull until it is allowed as often in a row as the provider wants, or its budget is spent."""
    can, clock = ports.provider.can, ports.clock
    started = clock.monotonic()
    deadline = started + (can.settles_in.total_seconds() if fresh else 0.0)
    pause, wanted, successes, absent = _FIRST_PAUSE, 1, 0, 0
    while True:
        outcome = ports.probe.pull(image, credential)
        absent = absent + 1 if outcome.absent else 0
        if outcome.answer is Answer.ALLOWED:
            successes += 1
            if successes >= wanted:
                return outcome
        else:
            successes, wanted = 0, can.confirmations
        if absent >= _MOST_ABSENT or clock.monotonic() + pause > deadline:
            return outcome if outcome.answer is not Answer.ALLOWED else _unsteady(successes, wanted)
        if outcome.answer is not Answer.ALLOWED:
            waited = clock.monotonic() - started
            ports.report.waiting(
                f"{image.host} does not let the new credential pull yet ({outcome.words or outcome.answer}); "
                f"waited {waited:.0f} s of {can.settles_in.total_seconds():.0f} s"
            )
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        clock.sleep(pause if outcome.answer is not Answer.ALLOWED else min(pause, 1.0))


def _unsteady(successes: int, wanted: int) -> Outcome:
    return Outcome(answer=Answer.UNKNOWN, words=f"the registry allowed {successes} pull(s) in a row, {wanted} are wanted")


def _outside(ports: Ports, images: Images, credential: Credential) -> Outcome:
    if images.outside is None or not ports.provider.can.narrows:
        return NOT_ASKED
    # The provider vouches for the host of its own image: its cloud may serve other repositories under other names.
    return ports.probe.pull(images.outside, replace(credential, server=images.outside.host))


def _judge(push: Outcome, anonymous: Outcome, outside: Outcome) -> tuple[Verdict, str]:
    """Return what the answers come to once the pull was allowed. Excess outweighs everything else."""
    if push.answer is Answer.ALLOWED:
        return Verdict.FAILED, f"the credential may push: {push.words or 'push allowed'}"
    if anonymous.answer is Answer.ALLOWED:
        return Verdict.PUBLIC, "public: anybody may pull this image, so a pull proves nothing about the credential"
    if outside.answer is Answer.ALLOWED:
        return Verdict.FAILED, f"the credential reaches a repository outside its scope: {outside.words or 'pull allowed'}"
    if anonymous.answer is not Answer.DENIED:
        return Verdict.UNPROVEN, f"whether anybody may pull could not be told: {anonymous.words or anonymous.answer}"
    if push.answer is not Answer.DENIED:
        return Verdict.UNPROVEN, f"that push is refused could not be told: {push.words or push.answer}"
    if outside.answer is Answer.UNKNOWN:
        return Verdict.UNPROVEN, f"that other repositories are refused could not be told: {outside.words}"
    return Verdict.PROVEN, ""
