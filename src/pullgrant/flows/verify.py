"""Proves again what was proven once, and compares what the cloud and the platforms hold with what was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pullgrant.errors import NotFound
from pullgrant.flows.borrow import with_own_key
from pullgrant.flows.journal import Journal
from pullgrant.flows.look import mismatch
from pullgrant.flows.prove import images_of, prove
from pullgrant.flows.settle import settle_reader
from pullgrant.kit.together import all_of, together
from pullgrant.model import history as past
from pullgrant.model.credential import Credential, Held, Slot
from pullgrant.model.operation import Operation, Proved
from pullgrant.model.proof import Proof, Verdict
from pullgrant.model.reader import Identity, Images, Observed, Reader
from pullgrant.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found. `findings` are plain sentences, none when all is well; `through` names what was proven with."""

    reader: Reader
    proof: Proof
    through: str
    findings: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong: an unproven registry that the user accepted counts as well."""
        accepted = self.proof.verdict is Verdict.PROVEN or (
            self.reader.unproven and self.proof.verdict is not Verdict.FAILED
        )
        return accepted and not self.findings


def verify(reader: Reader, ports: Ports, *, wait: timedelta) -> Verified:
    """Look at the reader's key, grant and slots, and prove on the live registry; change nothing that lasts.

    The proof is made with a delivered credential where a platform lets one be read, else with a key of the same reader
    that is made for it and withdrawn at once. Raises NotFound when the ledger knows no current credential.
    """
    with ports.ledger.exclusive(reader.id, wait=wait):
        settle_reader(reader.id, ports)
        history = ports.ledger.history(reader.id)
        operation = past.current(history)
        if operation is None or operation.issued is None:
            raise NotFound(f"{reader.id} has no current credential", hint="Make one with its bootstrap command.")
        return _verify(reader, ports, history, operation)


def _verify(reader: Reader, ports: Ports, history: tuple[Operation, ...], operation: Operation) -> Verified:
    slots = past.slots(history)
    observed, images, held = together(
        ports.provider.observe,
        lambda: images_of(ports),
        lambda: all_of(lambda slot: ports.sinks[slot.sink].inspect(slot), slots),
    )
    findings = [
        f"{slot} {wrong}" for slot, one in zip(slots, held, strict=True) if (wrong := mismatch(ports.ledger, one, operation))
    ]
    findings += _cloud_findings(observed, operation)
    delivered = _delivered(ports, slots, held, operation)
    if delivered is not None:
        slot, credential = delivered
        return Verified(
            reader=reader,
            proof=prove(ports, images, credential, fresh=False),
            through=f"the credential in {slot}",
            findings=tuple(findings),
        )
    if observed.identity is None:
        proof = Proof(verdict=Verdict.FAILED, at=ports.clock.now(), why="the reader is gone from the cloud")
        return Verified(reader=reader, proof=proof, through="nothing", findings=tuple(findings))
    proof = _with_a_key_of_its_own(reader, ports, observed, observed.identity, images)
    return Verified(reader=reader, proof=proof, through="a key made for it and withdrawn", findings=tuple(findings))


def _cloud_findings(observed: Observed, operation: Operation) -> list[str]:
    findings = []
    issued = operation.issued
    if observed.identity is not None and not observed.granted:
        findings.append(f"{observed.grant.role} on {observed.grant.resource} is no longer granted")
    findings += [f"it has {one.role} on {one.resource} beyond what was asked for" for one in observed.excess]
    if issued is not None and issued.key.revocable:
        key = next((key for key in observed.keys if key.id == issued.key.id), None)
        if key is None:
            findings.append(f"its key {issued.key.id} is gone from the cloud")
        elif not key.enabled:
            findings.append(f"its key {issued.key.id} is disabled")
    return findings


def _delivered(
    ports: Ports, slots: tuple[Slot, ...], held: tuple[Held | None, ...], operation: Operation
) -> tuple[Slot, Credential] | None:
    for slot, one in zip(slots, held, strict=True):
        if one is not None and one.credential is not None and not mismatch(ports.ledger, one, operation):
            return slot, one.credential
    return None


def _with_a_key_of_its_own(reader: Reader, ports: Ports, observed: Observed, identity: Identity, images: Images) -> Proof:
    def ask(credential: Credential, journal: Journal) -> Proof:
        proof = prove(ports, images, credential, fresh=True)
        journal.note(Proved(proof=proof))
        return proof

    return with_own_key(reader, ports, observed, identity, ask)
