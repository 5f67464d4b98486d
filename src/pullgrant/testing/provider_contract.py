"""What every provider must answer in the same way: subclass it with two fixtures and run it with pytest.

A provider that creates no identity (a credential that the user brings) is asked what is left of the questions. Where a
registry has tokens or robots with one secret each, every key is an identity of its own: `alone` says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import pytest

from pullgrant.errors import NotOurs
from pullgrant.model.credential import Issued
from pullgrant.model.reader import Key, Ownership
from pullgrant.ports import Provider

Make: TypeAlias = Callable[[str], Provider]
OURS, THEIRS = "aaaaaaaaaaaa", "bbbbbbbbbbbb"


class ProviderContract:
    """The questions. `make` builds a new provider of the same reader for the ledger of a name, as a new process would."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the builder."""
        raise NotImplementedError

    @pytest.fixture
    def alone(self) -> bool:
        """Return whether every key is an identity of its own, so that nothing is there before the first."""
        return False

    @pytest.fixture
    def provider(self, make: Make) -> Provider:
        """Return a provider of our ledger."""
        return make(OURS)

    def test_absent_is_not_an_error(self, provider: Provider) -> None:
        """A first run would fail, or take a stranger's identity for its own."""
        if not provider.can.creates_identity:
            return
        seen = provider.observe()
        assert (seen.ownership, seen.identity, seen.keys, seen.granted) == (Ownership.ABSENT, None, (), False)
        assert bool(seen.grant.role and seen.grant.resource)

    def test_ensure_and_grant_may_be_repeated(self, make: Make, alone: bool) -> None:
        """A run that was stopped could not be repeated."""
        for _ in range(2):
            provider = make(OURS)
            provider.observe()
            identity = provider.ensure(adopt=False)
            provider.grant(identity)
        if alone:
            assert make(OURS).observe().ownership is Ownership.ABSENT
            provider.issue(identity, note="operation-1")
        seen = make(OURS).observe()
        assert (seen.ownership, seen.identity, seen.granted, seen.excess) == (Ownership.OURS, identity, True, ())

    def test_issue_always_makes_a_new_key(self, make: Make) -> None:
        """A rotation would hand out the old secret, or one key would overwrite another."""
        first, second = _issued(make(OURS), "operation-1"), _issued(make(OURS), "operation-2")
        if make(OURS).can.creates_identity:
            assert first.key.id != second.key.id
            assert first.credential.secret != second.credential.secret
        assert (first.credential.server, first.credential.username != "") == (second.credential.server, True)

    def test_keys_are_listed_while_they_live(self, make: Make) -> None:
        """`recover` could not find an orphan, or would miss that a key is gone."""
        issued = _issued(make(OURS), "operation-1")
        if not issued.key.revocable:
            return
        listed = {key.id: key for key in make(OURS).observe().keys}
        assert issued.key.id in listed
        assert listed[issued.key.id].enabled
        assert not make(OURS).can.key_notes or listed[issued.key.id].note == "operation-1"
        make(OURS).withdraw(issued.key)
        assert issued.key.id not in {key.id for key in make(OURS).observe().keys}

    def test_withdraw_of_what_is_gone_is_done(self, make: Make) -> None:
        """A second withdrawal would fail, or take another key."""
        kept, gone = _issued(make(OURS), "operation-1"), _issued(make(OURS), "operation-2")
        for _ in range(2):
            make(OURS).withdraw(gone.key)
        if kept.key.revocable:
            assert kept.key.id in {key.id for key in make(OURS).observe().keys}

    def test_a_foreign_identity_needs_a_word(self, make: Make, alone: bool) -> None:
        """Another ledger's identity would be changed unasked, or its key break when it is taken over."""
        theirs = _issued(make(THEIRS), "operation-1")
        provider = make(OURS)
        if not provider.can.creates_identity:
            return
        seen = provider.observe()
        assert seen.ownership in (Ownership.OTHER_LEDGER, Ownership.UNMARKED)
        with pytest.raises(NotOurs):
            make(OURS).ensure(adopt=False)
        assert seen.identity is not None
        with pytest.raises(NotOurs):
            make(OURS).remove(seen.identity)
        taken = make(OURS).ensure(adopt=True)
        if alone:
            make(OURS).issue(taken, note="operation-2")
        after = make(OURS).observe()
        assert after.ownership is Ownership.OURS
        assert not theirs.key.revocable or theirs.key.id in {key.id for key in after.keys}

    def test_remove_leaves_nothing_and_may_be_repeated(self, make: Make) -> None:
        """A revocation would leave power behind, or not be repeatable after a stop."""
        _issued(make(OURS), "operation-1")
        provider = make(OURS)
        seen = provider.observe()
        if not provider.can.creates_identity or seen.identity is None:
            return
        for _ in range(2):
            make(OURS).remove(seen.identity)
        after = make(OURS).observe()
        assert (after.ownership, after.keys, after.granted) == (Ownership.ABSENT, (), False)

    def test_a_secret_is_never_seen(self, make: Make, caplog: pytest.LogCaptureFixture) -> None:
        """A secret would stand in a repr or in a log at DEBUG."""
        with caplog.at_level(logging.DEBUG):
            issued = _issued(make(OURS), "operation-1")
            make(OURS).withdraw(issued.key)
        secret = issued.credential.secret.reveal()
        heard = f"{issued!r} {issued} {caplog.text}"
        assert [piece for piece in {secret, secret[8:40]} if len(piece) > 8 and piece in heard] == []

    def test_images_change_nothing(self, make: Make) -> None:
        """Looking for an image to prove with would leave something behind."""
        provider = make(OURS)
        images = provider.images()
        assert images.inside is not None or images.why
        if provider.can.creates_identity:
            assert make(OURS).observe().ownership is Ownership.ABSENT


def _issued(provider: Provider, note: str) -> Issued:
    """Return a new key of the reader, made as the flow makes it."""
    provider.observe()
    identity = provider.ensure(adopt=False)
    provider.grant(identity)
    issued = provider.issue(identity, note=note)
    assert isinstance(issued.key, Key)
    return issued
