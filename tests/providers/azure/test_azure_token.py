"""The method token, step by step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.azure.fake import FakeAzure, registry
from pullgrant import errors
from pullgrant.model.reader import Grant, Identity, Key, Ownership
from pullgrant.providers.azure import condition
from pullgrant.providers.azure.found import Permission, ScopeMap, SlotPassword, Token
from pullgrant.providers.azure.provider import Provider

Build = Callable[..., Provider]
MAP = f"{registry().id}/scopeMaps/docker-reader-pull"


def bootstrap(provider: Provider, *, adopt: bool = False) -> Any:
    """Do what the flow does before the proof."""
    provider.observe()
    identity = provider.ensure(adopt=adopt)
    provider.grant(identity)
    return provider.issue(identity, note="op")


@pytest.fixture
def token(provider: Build) -> Build:
    def build(**options: Any) -> Provider:
        return provider(**{"method": "token", "repository": ["team/app"], **options})

    return build


def slots(azure: FakeAzure) -> list[str]:
    return sorted(one.slot for one in azure.tokens_there["docker-reader"].passwords)


def test_first_run_asks_no_directory(azure: FakeAzure, token: Build) -> None:
    """If it failed, an operator without directory rights could not make a reader, or it would read too much."""
    for call in ("application", "applications", "principals", "create_application"):
        azure.refused[call] = errors.PermissionDenied("no directory rights")
    issued = bootstrap(token())
    assert azure.maps["docker-reader-pull"].actions == condition.actions(["team/app"])
    assert slots(azure) == ["password1"]
    assert (issued.credential.username, issued.credential.server) == ("docker-reader", "demo.azurecr.io")
    assert issued.key.id == "password1@20260101T000002.000000Z"
    assert issued.key.expires_at == token().observe().keys[0].expires_at
    seen = token().observe()
    assert (seen.ownership, seen.granted, seen.excess) == (Ownership.OURS, True, ())
    assert seen.grant == Grant(role="content/read and metadata/read", resource="demo.azurecr.io/team/app")
    token().remove(Identity(id="docker-reader"))
    assert (azure.tokens_there, azure.maps) == ({}, {})


def test_rotation_uses_the_other_slot(azure: FakeAzure, token: Build) -> None:
    """If it failed, a rotation would end the password that is delivered."""
    first = bootstrap(token())
    second = bootstrap(token())
    assert slots(azure) == ["password1", "password2"]
    token().withdraw(first.key)
    assert slots(azure) == ["password2"]
    third = bootstrap(token())
    assert slots(azure) == ["password1", "password2"]
    assert len({first.key.id, second.key.id, third.key.id}) == 3


def test_a_third_password_goes_into_a_spare_token(azure: FakeAzure, token: Build) -> None:
    """If it failed, a rotation that was interrupted half-way, or a check within the grace, would have no way on."""
    first, second = bootstrap(token()), bootstrap(token())
    third = bootstrap(token())
    assert (third.credential.username, third.key.id[:15]) == ("docker-reader-spare", "spare-password1")
    assert azure.tokens_there["docker-reader-spare"].scope_map == MAP
    assert [key.id for key in token().observe().keys] == [first.key.id, second.key.id, third.key.id]
    token().withdraw(third.key)
    assert list(azure.tokens_there) == ["docker-reader"]
    assert slots(azure) == ["password1", "password2"]
    third = bootstrap(token())
    token().withdraw(first.key)
    assert bootstrap(token()).credential.username == "docker-reader"
    token().remove(Identity(id="docker-reader"))
    assert (azure.tokens_there, azure.maps) == ({}, {})


def test_a_foreign_spare_is_not_used(azure: FakeAzure, token: Build) -> None:
    """If it failed, somebody's token of that name would get our password, or be deleted."""
    foreign = Token(name="docker-reader-spare", scope_map=f"{registry().id}/scopeMaps/theirs")
    azure.tokens_there["docker-reader-spare"] = foreign
    bootstrap(token())
    bootstrap(token())
    assert isinstance(token().observe().cannot_issue, errors.QuotaReached)
    token().remove(Identity(id="docker-reader"))
    assert list(azure.tokens_there.values()) == [foreign]


def test_live_passwords_are_never_overwritten(azure: FakeAzure, token: Build) -> None:
    """If it failed, one password too many would end one that a platform holds."""
    for _ in range(4):
        bootstrap(token())
    before = dict(azure.tokens_there)
    assert isinstance(token().observe().cannot_issue, errors.QuotaReached)
    with pytest.raises(errors.QuotaReached, match="all passwords"):
        token().issue(Identity(id="docker-reader"), note="op")
    assert azure.tokens_there == before
    azure.clock.time += timedelta(days=91)
    assert token().observe().cannot_issue is None
    assert token().issue(Identity(id="docker-reader"), note="op").key.id.startswith("password1@")


def test_withdraw_of_a_former_password_of_a_slot_is_nothing(azure: FakeAzure, token: Build) -> None:
    """If it failed, withdrawing a password that is gone would end its successor in the same slot."""
    first = bootstrap(token())
    token().withdraw(first.key)
    bootstrap(token())
    assert slots(azure) == ["password1"]
    token().withdraw(first.key)
    assert slots(azure) == ["password1"]


def test_foreign_token_is_refused_and_adopted(azure: FakeAzure, token: Build) -> None:
    """If it failed, somebody's token would be changed unasked, or its passwords would end by taking it over."""
    live = SlotPassword(slot="password1", created_at=azure.clock.now())
    azure.tokens_there["docker-reader"] = Token(
        name="docker-reader", scope_map=f"{registry().id}/scopeMaps/theirs", passwords=(live,)
    )
    azure.maps["theirs"] = ScopeMap(id="x", name="theirs")
    seen = token().observe()
    assert (seen.ownership, len(seen.excess)) == (Ownership.UNMARKED, 1)
    with pytest.raises(errors.NotOurs):
        token().ensure(adopt=False)
    with pytest.raises(errors.NotOurs):
        token().remove(Identity(id="docker-reader"))
    bootstrap(token(), adopt=True)
    after = azure.tokens_there["docker-reader"]
    assert (after.scope_map, after.passwords[0]) == (MAP, live)
    assert token().observe().ownership is Ownership.OURS
    assert "theirs" in azure.maps


def test_other_ledger(azure: FakeAzure, token: Build) -> None:
    """If it failed, two ledgers would use up each other's slots."""
    bootstrap(token(owner="ba9876543210"))
    assert token().observe().ownership is Ownership.OTHER_LEDGER
    with pytest.raises(errors.NotOurs):
        token().ensure(adopt=False)


def test_foreign_scope_map_alone(azure: FakeAzure, token: Build) -> None:
    """If it failed, a scope map that other tokens use would be rewritten."""
    azure.maps["docker-reader-pull"] = ScopeMap(id=MAP, name="docker-reader-pull", actions=("repositories/x/content/write",))
    seen = token().observe()
    assert (seen.ownership, seen.identity) == (Ownership.UNMARKED, Identity(id="docker-reader", label="docker-reader-pull"))
    with pytest.raises(errors.NotOurs):
        token().ensure(adopt=False)


def test_half_made_reader_is_finished(azure: FakeAzure, token: Build) -> None:
    """If it failed, a run that died between scope map and token would stand in the way of the next."""
    first = token()
    azure.refused["put_token"] = errors.Unavailable("killed here")
    with pytest.raises(errors.Unavailable):
        first.ensure(adopt=False)
    azure.refused.clear()
    seen = token().observe()
    assert (seen.ownership, seen.granted, seen.keys) == (Ownership.OURS, False, ())
    bootstrap(token())
    assert token().observe().ownership is Ownership.OURS


def test_scope_is_made_exact(azure: FakeAzure, token: Build) -> None:
    """If it failed, a scope map that somebody widened would stay wide."""
    bootstrap(token())
    azure.maps["docker-reader-pull"] = replace(
        azure.maps["docker-reader-pull"], actions=(*condition.actions(["team/app"]), "repositories/team/app/content/write")
    )
    seen = token().observe()
    assert [one.resource for one in seen.excess] == ["repositories/team/app/content/write"]
    token().grant(Identity(id="docker-reader"))
    assert azure.maps["docker-reader-pull"].actions == condition.actions(["team/app"])


def test_lost_password_is_deleted_and_made_anew(azure: FakeAzure, token: Build) -> None:
    """If it failed, a password that nobody knows would fill a slot."""
    azure.lost["generate"] = "after"
    issued = bootstrap(token())
    assert [key.id for key in token().observe().keys] == [issued.key.id]


def test_password_of_unknown_fate_is_not_repeated(azure: FakeAzure, token: Build) -> None:
    """If it failed, a password that shows up late would be ended by a blind second try."""
    azure.lost["generate"] = "before"
    with pytest.raises(errors.OutcomeUnknown):
        bootstrap(token())
    assert azure.calls.count("generate") == 1


@pytest.mark.parametrize("call", ["put_scope_map", "put_token"])
def test_lost_answers_of_puts_are_repeated(azure: FakeAzure, token: Build, call: str) -> None:
    """If it failed, a lost answer of a call that may be repeated would end the run."""
    azure.lost[call] = "after"
    bootstrap(token())
    assert slots(azure) == ["password1"]


def test_disabled_token(azure: FakeAzure, token: Build) -> None:
    """If it failed, a token that an administrator switched off would be used again, or the reason would be missing."""
    bootstrap(token())
    azure.tokens_there["docker-reader"] = replace(azure.tokens_there["docker-reader"], enabled=False)
    seen = token().observe()
    assert seen.cannot_issue is not None
    assert "az acr token update" in seen.cannot_issue.hint
    assert [key.enabled for key in seen.keys] == [False]


def test_lacking_rights_are_seen_before_anything_is_made(azure: FakeAzure, token: Build) -> None:
    """If it failed, an operator without rights on tokens would be left with half a reader."""
    azure.may = (Permission(actions=("*/read", "Microsoft.ContainerRegistry/registries/*/write")),)
    refusal = token().observe().cannot_issue
    assert isinstance(refusal, errors.PermissionDenied)
    assert "generateCredentials/action" in refusal.message


def test_removal_in_order(azure: FakeAzure, token: Build) -> None:
    """If it failed, an interrupted revoke would leave a token that signs in."""
    issued = bootstrap(token())
    azure.calls.clear()
    token().remove(Identity(id="docker-reader"))
    changes = [one for one in azure.calls if one in ("change_token", "delete_token", "delete_scope_map")]
    assert changes == ["change_token", "delete_token", "delete_scope_map"]
    token().remove(Identity(id="docker-reader"))
    token().withdraw(issued.key)
    azure.registries_there = []
    token().remove(Identity(id="docker-reader"))
    token().withdraw(issued.key)


def test_capabilities(token: Build, provider: Build) -> None:
    """If it failed, recovery would look for notes where none can be, or the proof would give up too early."""
    assert (token().can.key_notes, token().can.max_keys) == (False, 4)
    assert (provider().can.key_notes, provider().can.max_keys) == (True, None)
    assert provider().can.settles_in >= timedelta(minutes=10)
    assert provider().can.confirmations >= 5


def test_whole_registry(azure: FakeAzure, token: Build) -> None:
    """If it failed, a tenant that forbids passwords would leave no way to read a whole registry."""
    bootstrap(token(repository=[]))
    assert azure.maps["docker-reader-pull"].actions == condition.actions([])


def test_keys_of_other_methods_do_nothing(azure: FakeAzure, token: Build) -> None:
    """If it failed, a key id of a service principal could end a token's password."""
    bootstrap(token())
    token().withdraw(Key(id="0f9a2a1e-0000-0000-0000-000000000000"))
    assert slots(azure) == ["password1"]
