"""The one flow: intent, identity, key, proof, delivery, and the end of the previous key.

Its two doors are bootstrap and rotate.

Before the first `Delivering` note a failure takes the new key back, and a refusal of the cloud the reader that this run
made. After it there is only forward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pullgrant import planner
from pullgrant.errors import ProofFailed, PullgrantError, Refused, Unavailable
from pullgrant.flows.deliver import deliver
from pullgrant.flows.finish import finish
from pullgrant.flows.journal import Journal
from pullgrant.flows.look import Sight, look
from pullgrant.flows.prove import images_of, prove
from pullgrant.flows.remove import remove
from pullgrant.flows.settle import settle_reader
from pullgrant.flows.sweep import sweep
from pullgrant.kit.together import together
from pullgrant.model import history as past
from pullgrant.model.credential import Issued, Receipt
from pullgrant.model.operation import Close, Ensured, Failed, Intent, Issuing, KeyIssued, Operation, Proved, Withdrawn
from pullgrant.model.plan import Plan
from pullgrant.model.proof import Answer, Proof, Verdict
from pullgrant.model.reader import Identity, Images, Observed, Ownership, Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a run did: its plan, and, when it changed something, the closed operation with all that happened."""

    plan: Plan
    operation: Operation | None = None
    identity: Identity | None = None
    proof: Proof | None = None
    receipts: tuple[Receipt, ...] = ()


def show(wish: Wish, ports: Ports) -> Applied:
    """Return the plan of `apply` without changing anything, the ledger included."""
    history = ports.ledger.history(wish.reader.id)
    return Applied(plan=_plan(wish, ports, history)[0])


def apply(wish: Wish, ports: Ports, *, wait: timedelta) -> Applied:
    """Make the reader, its credential and its slots as wished; do nothing when they are.

    Errors: Locked when another run holds the reader past `wait`; the provider's and sinks' own; ProofFailed after the new
    key was taken back; SinkFailed with the operation left open for `recover`.
    """
    with ports.ledger.exclusive(wish.reader.id, wait=wait):
        settle_reader(wish.reader.id, ports)
        sweep(wish.reader.id, ports)
        return apply_locked(wish, ports)


def apply_locked(wish: Wish, ports: Ports) -> Applied:
    """Do `apply` for a caller that holds the reader's lock and has settled what was interrupted."""
    history = ports.ledger.history(wish.reader.id)
    plan, sight = _plan(wish, ports, history)
    if plan.refusal:
        raise plan.refusal
    if not plan.steps:
        return _unchanged(wish, ports, plan, sight, history)
    ports.report.step(f"planned: {plan.why}")
    keys = tuple(key.id for key in sight.observed.keys)
    intent = Intent(verb=wish.verb, reader=wish.reader, slots=plan.slots, keys_before=keys, adopt=wish.adopt)
    journal = Journal.open(ports.ledger, intent)
    newborn = _is_newborn(sight.observed, history)
    (identity, issued), images = together(
        lambda: _make(journal, ports, sight, adopt=wish.adopt, newborn=newborn), lambda: images_of(ports)
    )
    proof = _proven(journal, ports, images, issued, unproven=wish.reader.unproven)
    receipts = deliver(journal, ports, plan.slots, issued.credential)
    finish(journal, ports)
    return Applied(plan=plan, operation=journal.operation, identity=identity, proof=proof, receipts=receipts)


def _plan(wish: Wish, ports: Ports, history: tuple[Operation, ...]) -> tuple[Plan, Sight]:
    slots = tuple(dict.fromkeys((*past.slots(history), *wish.slots)))
    sight = look(ports, wish.reader, slots, history, adopt=wish.adopt)
    plan = planner.plan(
        wish,
        sight.observed,
        history,
        sight.drift,
        ports.clock.now(),
        remarks=sight.remarks,
        beside=ports.provider.can.beside,
    )
    return plan, sight


def _unchanged(wish: Wish, ports: Ports, plan: Plan, sight: Sight, history: tuple[Operation, ...]) -> Applied:
    """Do nothing but note new terms that need no new credential: an operation without a key. `rotate` then goes by them."""
    operation = past.current(history)
    if operation is not None and past.asked(history) != wish.reader:
        Journal.open(ports.ledger, Intent(verb=wish.verb, reader=wish.reader, slots=plan.slots)).close(Close.CURRENT)
        ports.report.step("noted what it was asked for with; its credential stays")
    proof = past.proof(operation) if operation else None
    return Applied(plan=plan, operation=operation, identity=sight.observed.identity, proof=proof)


def _is_newborn(observed: Observed, history: tuple[Operation, ...]) -> bool:
    """Say whether nobody can depend on the reader: it is not there yet, or was made by attempts that came to nothing."""
    if past.slots(history):
        return False
    if observed.identity is None:
        return True
    attempts = past.lifetime(history)
    futile = all(one.closed is Close.UNDONE and not one.intent.adopt for one in attempts)
    return observed.ownership is Ownership.OURS and not observed.keys and bool(attempts) and futile


def _make(journal: Journal, ports: Ports, sight: Sight, *, adopt: bool, newborn: bool) -> tuple[Identity, Issued]:
    """Make identity, grant and key; after a refusal take a newborn reader back."""
    try:
        return _made(journal, ports, sight, adopt=adopt)
    except Refused:
        if newborn and ports.provider.can.creates_identity:
            _take_back(journal.operation.intent.reader, ports)
        raise


def _made(journal: Journal, ports: Ports, sight: Sight, *, adopt: bool) -> tuple[Identity, Issued]:
    """Ensure the identity, then grant and issue at the same time; if one half fails for good, the other is undone."""
    provider = ports.provider
    try:
        identity = provider.ensure(adopt=adopt)
    except PullgrantError as error:
        journal.note(Failed(step="ensure", words=error.message))
        _undo(journal, ports, None)
        raise
    journal.note(Ensured(identity=identity, grant=sight.observed.grant))
    ports.report.step(f"reader {identity.id}")
    journal.note(Issuing())
    issued, not_issued = None, None
    granted, made = together(
        _caught(lambda: provider.grant(identity)), _caught(lambda: provider.issue(identity, note=journal.operation.id))
    )
    if isinstance(made, PullgrantError):
        not_issued = made
    else:
        issued = made
        journal.note(_key_issued(ports, issued))
    failure = granted if isinstance(granted, PullgrantError) else not_issued
    if failure is not None or issued is None:
        problem = failure or PullgrantError("the provider issued nothing and raised nothing")
        journal.note(Failed(step="grant" if issued else "issue", words=problem.message))
        if not isinstance(not_issued, Unavailable):  # down, throttled or unanswered: a key may exist, `recover` looks
            _undo(journal, ports, issued)
        raise problem
    ports.report.step(f"{sight.observed.grant.role} on {sight.observed.grant.resource}")
    ports.report.step(f"key {issued.key.id}")
    return identity, issued


def _key_issued(ports: Ports, issued: Issued) -> KeyIssued:
    return KeyIssued(
        key=issued.key,
        fingerprint=ports.ledger.fingerprint(issued.credential.secret),
        expires_at=issued.credential.expires_at,
    )


def _proven(journal: Journal, ports: Ports, images: Images, issued: Issued, *, unproven: bool) -> Proof:
    proof = prove(ports, images, issued.credential, fresh=True)
    journal.note(Proved(proof=proof))
    ports.report.step(f"proof: {proof.verdict}{f' ({proof.why})' if proof.why else ''}")
    accepted = proof.verdict is Verdict.PROVEN or (unproven and proof.verdict is not Verdict.FAILED)
    if accepted:
        return proof
    made = ports.provider.can.creates_identity
    error = ProofFailed(_sentence(proof, made=made), hint=_way_on(proof, made=made))
    journal.note(Failed(step="prove", words=error.message))
    _undo(journal, ports, issued)
    raise error


def _sentence(proof: Proof, *, made: bool) -> str:
    done = "was not delivered and was taken back" if made else "was not delivered"
    return f"the credential {done}, the proof is {proof.verdict}: {proof.why}"


def _way_on(proof: Proof, *, made: bool) -> str:
    if proof.push.answer is Answer.ALLOWED and not made:
        return "Give a credential that may only pull; where the registry knows none (htpasswd), add --accept-stronger."
    if proof.verdict is Verdict.FAILED:
        return "Compare the reader's permissions with what --plan shows; nothing in the platforms was changed."
    if proof.verdict is Verdict.PUBLIC:
        return "A public image needs no credential; to register one all the same, add --unproven."
    return "Push an image or name one with --image REPOSITORY:TAG; to deliver without proof, add --unproven."


def _undo(journal: Journal, ports: Ports, issued: Issued | None) -> None:
    """Take back the key of an operation that delivered nothing. What cannot be undone now stays open for `recover`."""
    if issued is not None:
        try:
            ports.provider.withdraw(issued.key)
        except PullgrantError as undoing:
            journal.note(Failed(step="undo", words=undoing.message))
            return
        journal.note(Withdrawn(key_id=issued.key.id))
        if issued.key.revocable:
            ports.report.step(f"key {issued.key.id} taken back")
    journal.close(Close.UNDONE)


def _take_back(reader: Reader, ports: Ports) -> None:
    """Revoke a reader that was refused its first key. The refusal itself is what the user is told.

    `recover` goes on with a revocation that was interrupted; one that is refused is ended, for it would stand in the way of
    another attempt.
    """
    journal = Journal.open(ports.ledger, Intent(verb="revoke", reader=reader))
    try:
        remove(journal, ports, ports.provider.observe())
    except Refused as error:
        journal.note(Failed(step="take back", words=error.message))
        journal.close(Close.UNDONE)
        ports.report.step(f"{reader.id} could not be taken back and stays, without a key: {error.message}")
    except PullgrantError as error:
        journal.note(Failed(step="take back", words=error.message))
        ports.report.step(f"{reader.id} is not yet taken back, pullgrant recover goes on with it: {error.message}")


def _caught(call: Callable[[], object]) -> Callable[[], object]:
    """Return the call with its error as a result, so that the other half's result is not lost."""

    def caught() -> object:
        try:
            return call()
        except PullgrantError as error:
            return error

    return caught
