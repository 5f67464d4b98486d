"""Why does this pull fail: one cause, told from what a slot holds, what the cloud says of it, and the live registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from pullgrant.errors import NotFound, PullgrantError
from pullgrant.flows.borrow import with_own_key
from pullgrant.flows.causes import Cause, Step, cause_of
from pullgrant.flows.diagnosis import Case, Diagnosis, told
from pullgrant.flows.look import mismatch
from pullgrant.flows.settle import settle_reader
from pullgrant.kit.together import all_of, together
from pullgrant.model import history as past
from pullgrant.model.credential import Credential, Held, Slot
from pullgrant.model.reader import Observed, Reader
from pullgrant.ports import Ports

T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_REFUSED = (Cause.DEAD_CREDENTIAL, Cause.NO_PERMISSION)


def diagnose_alone(case: Case, *, slot: Slot | None, held: Held | None, beside: Sequence[Reader]) -> Diagnosis:
    """Diagnose an image that no reader covers, with what a slot holds, else as anybody.

    `beside` are readers of the same registry whose scope leaves the image out, and of siblings of its host.
    """
    credential = held.credential if held else None
    through = f"what {slot} holds" if credential else "no credential"
    steps = tuple(case.walker.walk(case.image, credential))
    found = told(case, cause_of(steps, signed=credential is not None), steps, credential, through)
    if found.cause is Cause.DEAD_CREDENTIAL:
        return replace(found, mend=f"{case.bootstrap} --sink {slot} --adopt")
    if found.cause is not Cause.NO_CREDENTIAL:
        return found
    if held is not None:
        words = f"{slot} does not show what it holds for {case.image.host} (user {held.username!r}), and no reader covers it"
        return replace(found, words=words)
    same = next((one for one in beside if one.host == case.image.host), None)
    if same is not None:
        words = f"{same.id} is a reader of {same.host}, but {case.image.repository} lies outside its scope"
        return replace(found, cause=Cause.NO_PERMISSION, words=words)
    if beside:
        words = f"{beside[0].id} is a reader of {beside[0].host}, and the image lies at {case.image.host}"
        return replace(
            found, cause=Cause.WRONG_HOST, words=words, advice=f"Name the image by {beside[0].host}, or make a reader."
        )
    return found


def diagnose(case: Case, reader: Reader, ports: Ports, *, slot: Slot | None, wait: timedelta) -> Diagnosis:
    """Diagnose an image that a reader covers, in one slot, else in all that the ledger knows.

    A slot that shows its credential is asked with it. For others the cloud says whether what was delivered is alive, and
    if it is, the registry is asked with a key that is made and withdrawn. Raises the provider's error when only the cloud
    could tell and does not answer, such as NotSignedIn, and Locked.
    """
    return _Patient(case, reader, ports).diagnosed(slot, wait)


class _Patient:
    """One reader, looked at for one image."""

    def __init__(self, case: Case, reader: Reader, ports: Ports) -> None:
        self._case, self._reader, self._ports = case, reader, ports
        self._history = ports.ledger.history(reader.id)
        self._operation = past.current(self._history)
        self._renewal = f"pullgrant rotate --now --reader {reader.id}" if case.covered else case.bootstrap

    def diagnosed(self, slot: Slot | None, wait: timedelta) -> Diagnosis:
        if self._operation is None:
            return self._never_made()
        slots = past.slots(self._history) if slot is None else (slot,)
        seen, held = together(
            lambda: _tried(self._ports.provider.observe),
            lambda: all_of(lambda one: _tried(lambda: self._ports.sinks[one.sink].inspect(one)), slots),
        )
        hidden: list[tuple[Slot, Held | PullgrantError]] = []
        fine: list[Diagnosis] = []
        for one, holding in zip(slots, held, strict=True):
            if holding is None:
                return self._empty(one)
            if isinstance(holding, PullgrantError) or holding.credential is None:
                hidden.append((one, holding))
                continue
            found = self._shown(one, holding, holding.credential, seen)
            if found.cause is not None:
                return found
            fine.append(found)
        last = self._hidden(hidden, seen, wait) if hidden or not fine else fine[-1]
        remarks = (*(remark for each in fine for remark in each.remarks), *last.remarks)
        return replace(last, remarks=tuple(dict.fromkeys(remarks)))

    def _never_made(self) -> Diagnosis:
        begun = any(one.closed is None for one in past.lifetime(self._history))
        why = ": a run was interrupted before it was delivered" if begun else ""
        return self._without_asking(
            Cause.NO_CREDENTIAL,
            f"{self._reader.id} has no current credential{why}",
            mend="pullgrant recover" if begun else self._case.bootstrap,
        )

    def _empty(self, slot: Slot) -> Diagnosis:
        ours = slot in past.slots(self._history)
        return self._without_asking(
            Cause.NO_CREDENTIAL,
            f"{slot} holds no credential for {slot.server}" + ("" if ours else ", and none was ever delivered there"),
            mend=self._renewal if ours else f"{self._case.bootstrap} --reader {self._reader.name} --sink {slot}",
        )

    def _shown(self, slot: Slot, held: Held, credential: Credential, seen: Observed | PullgrantError) -> Diagnosis:
        """Ask with what a slot holds: that, and not what was delivered, is what its platform pulls with."""
        wrong = mismatch(self._ports.ledger, held, self._operation)
        steps = tuple(self._case.walker.walk(self._case.image, credential))
        found = told(self._case, cause_of(steps, signed=True), steps, credential, f"what {slot} holds")
        if found.cause is None:
            return replace(found, remarks=(f"{slot} {wrong}, which may pull all the same",) if wrong else ())
        if found.cause not in _REFUSED:
            return found
        if wrong:
            words = f"{slot} {wrong}: {steps[-1].outcome.words}"
            return replace(found, cause=Cause.OTHER_CREDENTIAL, words=words, mend=self._renewal)
        known = self._known(seen, str(slot))
        return replace(known, steps=steps, through=found.through) if known else self._outside(found)

    def _hidden(
        self, slots: Sequence[tuple[Slot, Held | PullgrantError]], seen: Observed | PullgrantError, wait: timedelta
    ) -> Diagnosis:
        """Tell what a platform does not show from what the cloud knows of it, and from the reader itself."""
        where = ", ".join(str(slot) for slot, _ in slots) or "no slot"
        known = self._known(seen, where)
        if known:
            return known
        if isinstance(seen, PullgrantError):
            raise seen
        found = self._outside(self._asked_anew(seen, wait))
        if found.cause is not None:
            return found
        said = [(slot, held.message if isinstance(held, PullgrantError) else held.words) for slot, held in slots]
        remarks = (
            f"{where} does not show its credential: that it holds the current one is not proven",
            *(f"{slot} says: {words}" for slot, words in said if words),
            "a platform pulls when it starts a service: restart it to try",
        )
        return replace(found, words="the reader may pull it: nothing is wrong that can be seen", remarks=remarks)

    def _known(self, seen: Observed | PullgrantError, where: str) -> Diagnosis | None:
        """Return what is wrong with the delivered credential by what ledger and cloud know of it."""
        if isinstance(seen, NotFound):
            return replace(self._without_asking(Cause.NO_IMAGE, seen.message, mend=""), advice=seen.hint)
        cause, why = self._lost(seen)
        return self._without_asking(cause, f"the credential in {where} {why}", mend=self._renewal) if cause else None

    def _lost(self, seen: Observed | PullgrantError) -> tuple[Cause | None, str]:
        issued = self._operation.issued if self._operation else None
        if issued is not None and issued.expires_at is not None and issued.expires_at <= self._ports.clock.now():
            return Cause.DEAD_CREDENTIAL, f"is dead: it expired at {issued.expires_at:%Y-%m-%d %H:%M} UTC"
        if isinstance(seen, PullgrantError):
            return None, ""
        if seen.identity is None:
            return Cause.DEAD_CREDENTIAL, f"is dead: the reader {self._reader.name} is gone from the cloud"
        if issued is not None and issued.key.revocable:
            key = next((key for key in seen.keys if key.id == issued.key.id), None)
            if key is None:
                return Cause.DEAD_CREDENTIAL, f"is dead: its key {issued.key.id} is gone from the cloud"
            if not key.enabled:
                return Cause.DEAD_CREDENTIAL, f"is dead: its key {issued.key.id} is disabled"
        if not seen.granted:
            return Cause.NO_PERMISSION, f"may not pull: {seen.grant.role} on {seen.grant.resource} is not granted"
        return None, ""

    def _outside(self, found: Diagnosis) -> Diagnosis:
        """Return the refusal of a credential of which ledger and cloud know nothing bad."""
        if found.cause not in _REFUSED:
            return found
        if self._case.covered:
            return replace(found, mend=self._renewal)
        words = f"{self._case.image.repository} lies outside the scope of {self._reader.id}: {found.steps[-1].outcome.words}"
        return replace(found, cause=Cause.NO_PERMISSION, words=words)

    def _without_asking(self, cause: Cause, words: str, *, mend: str) -> Diagnosis:
        through = "what the cloud and the ledger know of it"
        return Diagnosis(image=self._case.image, cause=cause, words=words, through=through, mend=mend)

    def _asked_anew(self, seen: Observed, wait: timedelta) -> Diagnosis:
        identity = seen.identity
        if identity is None:
            raise PullgrantError(f"{self._reader.id} was seen and has no identity")
        through = "a key made for it and withdrawn"
        with self._ports.ledger.exclusive(self._reader.id, wait=wait):
            settle_reader(self._reader.id, self._ports)
            return with_own_key(
                self._reader,
                self._ports,
                seen,
                identity,
                lambda credential, _: told(self._case, *self._settled(credential), credential, through),
            )

    def _settled(self, credential: Credential) -> tuple[Cause | None, tuple[Step, ...]]:
        """Walk with a new credential, again while the provider's budget for propagation lasts and it is refused."""
        clock, host = self._ports.clock, self._case.image.host
        budget = self._ports.provider.can.settles_in.total_seconds() if self._case.covered else 0.0
        started, pause = clock.monotonic(), _FIRST_PAUSE
        while True:
            steps = tuple(self._case.walker.walk(self._case.image, credential))
            cause = cause_of(steps, signed=True)
            waited = clock.monotonic() - started
            if cause not in _REFUSED or waited + pause > budget:
                return cause, steps
            self._ports.report.waiting(f"{host} refuses the new key; waited {waited:.0f} s of {budget:.0f} s")
            clock.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _tried(call: Callable[[], T]) -> T | PullgrantError:
    """Return the call's result, its error as a result too: what one look lacks shall not lose what the others saw."""
    try:
        return call()
    except PullgrantError as error:
        return error
