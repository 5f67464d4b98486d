"""All that the kept answers do not cover: fetching a token, listing, erasing."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from pullgrant.dockerhelper import cache
from pullgrant.dockerhelper.cache import Kept
from pullgrant.dockerhelper.store import Store, chosen, one_at_a_time
from pullgrant.errors import NotSignedIn, PullgrantError, Unavailable, UsageError

if TYPE_CHECKING:
    from pullgrant.catalog import Catalog
    from pullgrant.model.credential import Credential
    from pullgrant.model.reader import Reader

ABSENT = "credentials not found in native keychain\n"
PAUSE = 300.0  # seconds in which what did not answer is not asked again: each try can take half a minute
NO_STORE = "pullgrant makes these credentials itself and stores no others: use another helper for this registry\n"


class Silence:
    """Tells nothing: standard error belongs to the user's docker command."""

    def step(self, words: str) -> None:
        """Nobody wants to know."""

    def waiting(self, words: str) -> None:
        """Nobody wants to know."""


def answer(action: str, payload: str) -> tuple[str, int]:
    """Return the answer to one call, and the exit status."""
    try:
        if action == "store":
            return _refuse_store(payload)
        store = chosen()
        if action == "erase":
            return _erase(store, payload.strip())
        return _list(store) if action == "list" else _get(store, payload)
    except PullgrantError as error:
        return f"{error.message.strip()}\n", 1
    except Exception as error:  # a traceback would stand in the middle of the user's docker command
        return f"a bug of pullgrant: {type(error).__name__}\n", 1


def _catalog() -> Catalog:
    from pullgrant.catalog import Catalog
    from pullgrant.kit.clock import SystemClock

    return Catalog(clock=SystemClock(), report=Silence(), ledger_url=os.environ.get("PULLGRANT_LEDGER") or None)


def _get(store: Store, server: str) -> tuple[str, int]:
    """Return a fresh token, fetched by one of all callers; a kept one that still lives when the cloud does not answer."""
    kept = store.load(server)
    if kept is None or not cache.is_fresh(kept):
        try:
            kept = _renewed(store, server)
        except (Unavailable, NotSignedIn) as error:  # the ledger's; those of the cloud were met under the lock
            kept = _living(store, server, error)
    return (kept.answer.decode(), 0) if kept else (ABSENT, 1)


def _renewed(store: Store, server: str) -> Kept | None:
    """Return what one of all callers at once fetched; None where no reader serves this host."""
    with _catalog() as opened:
        reader = _reader(opened, server)
        if reader is None:
            return None
        with one_at_a_time(server):
            kept = store.load(server)
            if kept is not None and cache.is_fresh(kept):
                return kept
            try:
                kept = _fetched(opened, reader, server)
            except (Unavailable, NotSignedIn) as error:
                return _living(store, server, error)
            store.save(server, kept)
            return kept


def _living(store: Store, server: str, error: PullgrantError) -> Kept:
    """Return the kept token where it still lives, and keep it for a moment longer; raise the error where it does not."""
    kept = store.load(server)
    if kept is None or not cache.is_alive(kept):
        raise error
    kept = Kept(cache.now() + PAUSE, kept.expires, kept.username, kept.answer)
    store.save(server, kept)
    sys.stderr.write(f"pullgrant: {error.message}; the token kept here still lives\n")
    return kept


def _reader(opened: Catalog, server: str) -> Reader | None:
    """Return the reader of a server's host; one with short-lived tokens first, where several read from it."""
    from pullgrant.flows.fetch import serves
    from pullgrant.model.image import canonical_host

    try:
        host = canonical_host(server)
    except UsageError:
        return None
    found = [one for one in opened.ledger.readers() if one.host == host]
    return next((one for one in found if serves(opened.provider(one))), found[0] if found else None)


def _fetched(opened: Catalog, reader: Reader, server: str) -> Kept:
    from pullgrant.flows.fetch import fetch

    credential = fetch(reader, opened.ports(reader, ()))
    started = opened.clock.now()
    ends = credential.expires_at or started
    return _kept(server, credential, fresh_until=started + (ends - started) / 2, ends=ends)


def _kept(server: str, credential: Credential, *, fresh_until: datetime, ends: datetime) -> Kept:
    """Return the answer for a credential: ServerURL as it was asked for."""
    document = {"ServerURL": server, "Username": credential.username, "Secret": credential.secret.reveal()}
    text = json.dumps(document) + "\n"
    return Kept(fresh_until.timestamp(), ends.timestamp(), credential.username, text.encode())


def _list(store: Store) -> tuple[str, int]:
    from pullgrant.flows.fetch import serves

    found = {}
    with _catalog() as opened:
        for one in opened.ledger.readers():
            provider = opened.provider(one)
            if serves(provider):
                kept = store.load(one.host)
                found[one.host] = kept.username if kept else str(getattr(provider, "username", one.name))
    return json.dumps(found) + "\n", 0


def _erase(store: Store, server: str) -> tuple[str, int]:
    if not server:
        return "no credentials server URL\n", 1
    store.forget(server)
    return "", 0


def _refuse_store(payload: str) -> tuple[str, int]:
    """Say what is wrong with a payload as other helpers do, and of a right one that nothing is stored."""
    try:
        wanted = json.loads(payload)
    except ValueError:
        return "the payload of store is not JSON\n", 1
    if not isinstance(wanted, dict) or not wanted.get("ServerURL"):
        return "no credentials server URL\n", 1
    if not wanted.get("Username"):
        return "no credentials username\n", 1
    return NO_STORE, 1


def forget(host: str) -> None:
    """Keep nothing of a host any more: its reader was revoked. A store that cannot be reached is left as it is."""
    try:
        chosen().forget(host)
    except (PullgrantError, OSError):
        return
