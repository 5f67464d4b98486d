"""Makes a key for a question and takes it back, where no platform lets its credential be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pullgrant.errors import PullgrantError, Unavailable
from pullgrant.flows.journal import Journal
from pullgrant.model.credential import Credential
from pullgrant.model.operation import Close, Failed, Intent, Issuing, KeyIssued, Withdrawn
from pullgrant.model.reader import Identity, Observed, Reader
from pullgrant.ports import Ports

T = TypeVar("T")


def with_own_key(
    reader: Reader, ports: Ports, observed: Observed, identity: Identity, ask: Callable[[Credential, Journal], T]
) -> T:
    """Return what `ask` finds with a new credential of the reader, whose key is withdrawn before this returns.

    The caller holds the reader's lock. Journalled, so that `recover` ends the key of a killed run. Errors are the
    provider's: the operation then stays open if a key may live.
    """
    keys = tuple(key.id for key in observed.keys)
    journal = Journal.open(ports.ledger, Intent(verb="verify", reader=reader, keys_before=keys))
    journal.note(Issuing())
    try:
        issued = ports.provider.issue(identity, note=journal.operation.id)
    except PullgrantError as error:
        journal.note(Failed(step="issue", words=error.message))
        if not isinstance(error, Unavailable):  # down, throttled or unanswered: a key may exist, `recover` looks
            journal.close(Close.UNDONE)
        raise
    journal.note(
        KeyIssued(
            key=issued.key,
            fingerprint=ports.ledger.fingerprint(issued.credential.secret),
            expires_at=issued.credential.expires_at,
        )
    )
    found = ask(issued.credential, journal)
    ports.provider.withdraw(issued.key)
    journal.note(Withdrawn(key_id=issued.key.id))
    journal.close(Close.VERIFIED)
    return found
