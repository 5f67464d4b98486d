"""Taking back: all of ours goes, in an order that leaves no power behind, whatever is gone already."""

from __future__ import annotations

import pytest

from providers.gcp.fake import BUCKET, EMAIL, MEMBER, OURS, PROJECT, REPOSITORY
from pullgrant.errors import NotOurs, PermissionDenied, Unavailable
from pullgrant.model.reader import Identity, Key

READER, VIEWER = "roles/artifactregistry.reader", "roles/storage.objectViewer"
IDENTITY = Identity(id=EMAIL)
STEPS = ("disable_account", "set_repository_policy", "set_project_policy", "delete_key", "delete_account")


def make(provider):
    identity = provider.ensure(adopt=False)
    provider.grant(identity)
    return provider.issue(identity, note="op-1")


def roles(google, resource):
    found = google.policies[resource].get("bindings", ())
    return {binding["role"] for binding in found if MEMBER in binding["members"]}


def steps(google):
    return [call for call in google.calls if call in STEPS]


def test_remove(google, provider):
    """Something of ours would be left, or something of others taken."""
    google.bind(REPOSITORY, READER, "user:a@example.com", f"deleted:{MEMBER}?uid=7")
    make(provider())
    google.bind(PROJECT, VIEWER, MEMBER)
    google.calls.clear()
    provider().remove(IDENTITY)
    assert (google.accounts, google.keys) == ({}, {})
    assert google.policies[REPOSITORY]["bindings"] == [{"role": READER, "members": ["user:a@example.com"]}]
    assert google.policies[PROJECT]["bindings"] == []
    done = steps(google)
    assert (done[0], sorted(done[1:3]), done[3:]) == (STEPS[0], sorted(STEPS[1:3]), list(STEPS[3:]))
    provider().remove(IDENTITY)


def test_keys_go_before_their_account(google, provider):
    """An account that is brought back within 30 days would bring its keys with it."""
    issued = make(provider())
    google.key()
    provider().remove(IDENTITY)
    assert sorted(google.deleted_keys) == [issued.key.id, "k2"]


@pytest.mark.parametrize("at", ["disable_account", "set_repository_policy", "list_keys", "delete_key", "delete_account"])
def test_an_interrupted_removal_is_finished(google, provider, at):
    """A removal that was cut off would leave what no later run takes back."""
    make(provider())
    google.once[at] = [Unavailable("down")]
    with pytest.raises(Unavailable):
        provider().remove(IDENTITY)
    provider().remove(IDENTITY)
    assert (google.accounts, google.keys, roles(google, REPOSITORY)) == ({}, {}, set())


@pytest.mark.parametrize("also_account", [False, True])
def test_the_repository_is_gone(google, provider, also_account):
    """A reader whose repository was deleted could never be revoked."""
    make(provider())
    del google.policies[REPOSITORY]
    if also_account:
        google.accounts.clear()
    seen = provider().observe()
    assert (seen.identity is None, seen.granted) == (also_account, False)
    provider().remove(IDENTITY)
    assert google.accounts == {}


def on_bucket(google):
    google.redirection = "REDIRECTION_FROM_GCR_IO_DISABLED"
    del google.policies[REPOSITORY]
    google.policies[BUCKET] = {}


def test_the_grant_on_a_bucket(google, provider):
    """A reader of the old registry would keep its grant by name, or not be revocable once the bucket is gone."""
    on_bucket(google)
    make(provider())
    provider().remove(IDENTITY)
    assert (google.accounts, roles(google, BUCKET)) == ({}, set())
    make(provider())
    del google.policies[BUCKET]
    assert provider().observe().granted is False
    provider().remove(IDENTITY)
    assert google.accounts == {}


def test_the_grant_from_before_the_registry_moved(google, provider):
    """A grant on the old bucket would outlive its reader."""
    on_bucket(google)
    make(provider())
    google.policies[REPOSITORY] = {}
    google.redirection = "REDIRECTION_FROM_GCR_IO_ENABLED"
    provider().remove(IDENTITY)
    assert roles(google, BUCKET) == set()


@pytest.mark.parametrize(
    ("method", "options", "passed"),
    [
        ("get_repository_policy", {}, False),
        ("get_project_policy", {}, True),
        ("get_bucket_policy", {}, True),
        ("get_project_policy", {"scope": "project"}, False),
        ("get_repository_policy", {"scope": "project"}, True),
    ],
)
def test_a_policy_that_may_not_be_seen(google, provider, method, options, passed):
    """A lost right would look like a grant taken back, or a right that is not needed would hold up a revocation."""
    make(provider(**options))
    google.refuse[method] = PermissionDenied("no")
    if passed:
        provider(**options).remove(IDENTITY)
    else:
        with pytest.raises(PermissionDenied):
            provider(**options).remove(IDENTITY)
    assert (google.accounts == {}, "disable_account" in google.calls) == (passed, True)


def test_a_bucket_that_may_not_be_seen(google, provider):
    """A lost right on the one bucket of an old registry would look like a grant taken back."""
    on_bucket(google)
    make(provider())
    google.refuse["get_bucket_policy"] = PermissionDenied("no")
    with pytest.raises(PermissionDenied):
        provider().remove(IDENTITY)


@pytest.mark.parametrize("method", ["list_keys", "delete_key"])
def test_an_operator_who_may_not_delete_keys(google, provider, method):
    """Somebody who may delete the account, which ends its keys too, could not revoke a reader."""
    make(provider())
    google.refuse[method] = PermissionDenied("no")
    provider().remove(IDENTITY)
    assert google.accounts == {}


def test_remove_refuses_what_is_not_ours(google, provider):
    """An account of somebody else would be deleted."""
    google.account(EMAIL, "pullgrant ledger=other")
    google.bind(REPOSITORY, READER, MEMBER)
    with pytest.raises(NotOurs):
        provider().remove(IDENTITY)
    assert (roles(google, REPOSITORY), google.accounts[EMAIL].disabled) == ({READER}, False)


def test_withdraw(google, provider):
    """A key would stay, or a second withdrawal would fail."""
    issued = make(provider())
    google.key()
    provider().withdraw(issued.key)
    provider().withdraw(issued.key)
    assert list(google.keys) == ["k2"]


def test_a_refused_withdrawal_is_done_only_when_the_key_is_gone(google, provider):
    """A lost right would look like a revoked key."""
    issued = make(provider())
    google.refuse["delete_key"] = PermissionDenied("no")
    with pytest.raises(PermissionDenied):
        provider().withdraw(issued.key)
    provider().withdraw(Key(id="vanished"))
    google.refuse["list_keys"] = PermissionDenied("no")
    with pytest.raises(PermissionDenied):
        provider().withdraw(Key(id="vanished"))


def test_the_owner_is_in_the_mark(google, provider):
    """An account of this very ledger would not be known again."""
    make(provider())
    assert google.accounts[EMAIL].description == OURS
