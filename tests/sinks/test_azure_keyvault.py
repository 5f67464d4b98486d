"""The sink azure-keyvault against the sandbox's Azure, challenge and sign-in included."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import pytest

from pullgrant.errors import NotOurs, NotSignedIn, SinkFailed, Unavailable, UsageError
from pullgrant.sandbox.azure import Azure
from pullgrant.sandbox.azure.state import VaultVersion
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from pullgrant.sinks.azure_keyvault import AzureKeyVault
from pullgrant.sinks.azure_keyvault_place import AzurePlace
from pullgrant.testing.sink_contract import SinkContract, make_credential
from sinks.store_house import HOST, entry, standing_in, with_foreign

PLACE = ("acme.vault.azure.net", "pull")


@pytest.fixture(scope="module")
def house():
    with Sandbox(factories={"azure": Azure}) as sandbox:
        yield sandbox


@pytest.fixture
def azure(house):
    with standing_in(house, "azure") as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")  # no az, no metadata server
        yield found


@pytest.fixture
def sink(azure):
    return AzureKeyVault()


@pytest.fixture
def slot(azure):
    return AzureKeyVault.slot("acme/pull", server=HOST)


@pytest.fixture
def stored(azure):
    def look():
        versions = azure.state.vaults.get(PLACE)
        return versions[-1].value if versions else None

    return look


@pytest.fixture
def put(azure):
    """Adds a version behind the sink's back."""

    def add(value, **tags):
        versions = azure.state.vaults.setdefault(PLACE, [])
        versions.append(VaultVersion(id=f"{len(versions):032x}", value=value, created=1_700_000_000, tags=tags))

    return add


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, azure):
        return AzureKeyVault()

    @pytest.fixture
    def slot(self, azure):
        return AzureKeyVault.slot("acme/pull", server=HOST)

    @pytest.fixture
    def read_back(self, stored):
        return lambda slot: entry(stored(), slot.server)

    @pytest.fixture
    def put_foreign(self, stored, put):
        def foreign(slot):
            put(with_foreign(stored(), slot.server))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return foreign

    @pytest.fixture
    def vanish(self, azure):
        return lambda slot: azure.state.vaults.clear()

    @pytest.fixture
    def refuse_writes(self, house, stored):
        @contextlib.contextmanager
        def refuse(slot):
            _, secret = entry(stored(), slot.server)
            body = json.dumps({"error": {"code": "Forbidden", "message": f"may not write {secret}"}})
            house.world.fail_next(Fault(kind="keyvault.set", how="403", times=99, body=body))
            try:
                yield
            finally:
                house.world.reset()

        return refuse


def test_the_previous_version_is_kept(azure, sink, slot):
    """A consumer that still reads the version before would find nothing."""
    for turn in ("first-secret", "second-secret"):
        sink.deliver(slot, make_credential(HOST, turn))
    found = [entry(version.value, HOST) for version in azure.state.vaults[PLACE]]
    assert found == [("reader", "first-secret"), ("reader", "second-secret")]


def test_a_change_in_between_is_not_lost(sink, slot, stored, put, monkeypatch):
    """An entry that somebody wrote between our read and our write would be lost."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    read, intruders = AzurePlace.read, ["a.example"]

    def read_then_intrude(place):
        found = read(place)
        if intruders:
            put(with_foreign(stored(), intruders.pop()))
        return found

    monkeypatch.setattr(AzurePlace, "read", read_then_intrude)
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert sorted(json.loads(stored())["auths"]) == ["a.example", HOST]
    assert entry(stored(), HOST) == ("reader", "second-secret")


def test_what_we_make_is_tagged(azure, sink, slot, stored):
    """The next registry could not be added to our own secret without --adopt."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert [version.tags for version in azure.state.vaults[PLACE]] == [{"managed-by": "pullgrant"}] * 2
    sink.preflight(dataclasses.replace(slot, server="other.example"), ours=False, adopt=False)
    sink.withdraw(slot)
    assert stored() == '{"auths":{}}'


def test_foreign_tags_are_kept(azure, sink, slot, put):
    """An adopted secret would lose its owner's tags, or pass for ours."""
    put(with_foreign(None, HOST), team="theirs")
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert azure.state.vaults[PLACE][-1].tags == {"team": "theirs"}


def test_an_untagged_document_is_foreign(sink, slot, put):
    """An entry would be added to somebody's own document without a word from the user."""
    put(with_foreign(None, "other.example"))
    with pytest.raises(NotOurs, match="was not made by pullgrant"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_missing_right_is_named(azure, sink, slot):
    """The user would not know which role to ask for."""
    azure.state.closed_vaults.add("acme")
    with pytest.raises(SinkFailed) as caught:
        sink.preflight(slot, ours=False, adopt=False)
    assert "Key Vault Secrets Officer" in caught.value.hint


def test_a_wrong_client_secret(sink, slot, monkeypatch):
    """The user would look for a missing role where the sign-in is wrong."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with pytest.raises(NotSignedIn, match="does not accept your sign-in"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_pause_is_no_refusal(house, sink, slot):
    """A vault that is throttled would be called a refusal."""
    house.world.fail_next(Fault(kind="keyvault.versions", how="429", times=9))
    with pytest.raises(Unavailable):
        sink.preflight(slot, ours=False, adopt=False)


def test_another_cloud_keeps_its_host():
    """A vault of the government's cloud would be looked for in the public one."""
    assert AzureKeyVault.slot("gov.vault.usgovcloudapi.net/pull", server=HOST).target == "gov.vault.usgovcloudapi.net/pull"
    assert AzureKeyVault.slot("Acme.vault.azure.net/pull", server=HOST).target == "acme/pull"


@pytest.mark.parametrize(
    "target", ["", "acme", "acme/", "a/pull", "acme/p_q", "acme.vault.azure.net.evil.example/pull", "acme/pull/1"]
)
def test_a_target_that_is_none(target):
    """A typing error or a look-alike would take the credential to a strange place."""
    with pytest.raises(UsageError):
        AzureKeyVault.slot(target, server=HOST)
