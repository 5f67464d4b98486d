"""Takes one more short-lived credential of a reader that exists, for whoever asks on this machine.

It makes nothing that stays: a token that nothing can revoke is not journalled, one that is taken by means of a key is, so that
`recover` ends the key of a killed run. Readers with long-lived keys are refused: a key for each caller would have to be taken
back by somebody.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from pullgrant.errors import NotFound, UsageError
from pullgrant.flows.borrow import with_own_key
from pullgrant.model import history as past
from pullgrant.model.credential import Credential
from pullgrant.model.operation import Ensured
from pullgrant.model.reader import Identity, Reader
from pullgrant.ports import Ledger, Ports, Provider

_WAIT = timedelta(seconds=20)  # for another run that works on the reader


def serves(provider: Provider) -> bool:
    """Return whether this provider's credentials live a day at most, so that one can be taken for a moment's use."""
    longest = provider.can.max_ttl
    return longest is not None and longest <= timedelta(days=1)


def fetch(reader: Reader, ports: Ports) -> Credential:
    """Return a new token of the reader. Raises UsageError for a reader with keys, NotFound for one that is not made yet."""
    if not serves(ports.provider):
        raise UsageError(
            f"{reader.id} has a long-lived key, which its platforms hold",
            hint="This helper serves readers whose tokens live a day at most; use --sink docker-config for others.",
        )
    identity = _identity(reader, ports.ledger)
    if ports.provider.can.max_keys is None:
        return ports.provider.issue(identity, note=secrets.token_hex(8)).credential
    with ports.ledger.exclusive(reader.id, wait=_WAIT):
        return with_own_key(reader, ports, ports.provider.observe(), identity, lambda credential, _: credential)


def _identity(reader: Reader, ledger: Ledger) -> Identity:
    history = ledger.history(reader.id)
    made = [event.identity for operation in past.lifetime(history) for event in operation.of(Ensured)]
    if past.current(history) is None or not made:
        raise NotFound(f"{reader.id} has no current credential", hint="Make one with its bootstrap command.")
    return made[-1]
