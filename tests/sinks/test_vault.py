"""The sink vault against a KV version 2 server that insists on check-and-set."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import pytest

from pullgrant.errors import NotOurs, NotSignedIn, SinkFailed, Unavailable, UsageError
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.vault import Vault as Country
from pullgrant.sandbox.vault.engine import Secret, Version
from pullgrant.sandbox.world import Fault
from pullgrant.sinks.stored import ConflictError
from pullgrant.sinks.vault import KEY, Vault
from pullgrant.sinks.vault_place import VaultPlace
from pullgrant.testing.sink_contract import SinkContract, make_credential
from sinks.store_house import HOST, entry, standing_in, with_foreign


@pytest.fixture(scope="module")
def house():
    with Sandbox(factories={"vault": Country}) as sandbox:
        yield sandbox


@pytest.fixture
def country(house):
    with standing_in(house, "vault") as found:
        yield found


@pytest.fixture
def sink(country):
    return Vault()


@pytest.fixture
def slot(country):
    return Vault.slot("secret/team/app", server=HOST)


@pytest.fixture
def stored(country):
    """What the server itself holds at secret/team/app."""

    def look():
        found = country.engines["secret"].secrets.get("team/app")
        return (found.versions[-1].values or {}) if found else {}

    return look


@pytest.fixture
def put(country):
    """Adds a version behind the sink's back."""

    def add(values):
        secret = country.engines["secret"].secrets.setdefault("team/app", Secret())
        secret.versions.append(Version(values=values, created="2026-01-01T00:00:00Z"))

    return add


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, country):
        return Vault()

    @pytest.fixture
    def slot(self, country):
        return Vault.slot("secret/team/app", server=HOST)

    @pytest.fixture
    def read_back(self, stored):
        return lambda slot: entry(stored().get(KEY), slot.server)

    @pytest.fixture
    def put_foreign(self, stored, put):
        def foreign(slot):
            put({**stored(), KEY: with_foreign(stored().get(KEY), slot.server)})
            return make_credential(slot.server, "foreign-secret", "somebody")

        return foreign

    @pytest.fixture
    def vanish(self, country):
        return lambda slot: country.engines["secret"].secrets.clear()

    @pytest.fixture
    def refuse_writes(self, country):
        @contextlib.contextmanager
        def refuse(slot):
            country.echo = True
            try:
                yield
            finally:
                country.echo = False

        return refuse


def test_other_keys_are_kept(sink, slot, stored, put):
    """What an application keeps in the same secret would be lost by a delivery or a withdrawal."""
    put({"password": "theirs"})
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert stored()["password"] == "theirs"
    assert entry(stored()[KEY], HOST) == ("reader", "first-secret")
    sink.withdraw(slot)
    assert stored() == {"password": "theirs"}


def test_an_unchanged_credential_makes_no_version(country, sink, slot):
    """A repeated delivery would push older versions out of the ten that Vault keeps."""
    for _ in range(2):
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert len(country.engines["secret"].secrets["team/app"].versions) == 1


def test_a_change_in_between_is_not_overwritten(sink, slot, stored, put, monkeypatch):
    """A key that somebody wrote between our read and our write would be lost."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    read, intruders = VaultPlace.read, [{"theirs": "1"}, {"theirs": "2"}]

    def read_then_intrude(place):
        found = read(place)
        if intruders:
            put({**stored(), **intruders.pop(0)})
        return found

    monkeypatch.setattr(VaultPlace, "read", read_then_intrude)
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert stored()["theirs"] == "2"
    assert entry(stored()[KEY], HOST) == ("reader", "second-secret")


def test_an_endless_quarrel_ends(sink, slot, monkeypatch):
    """Against a writer that always wins a run would never end."""

    def lose(*_):
        raise ConflictError

    monkeypatch.setattr(VaultPlace, "write", lose)
    with pytest.raises(SinkFailed, match="changed by somebody else 8 times"):
        sink.deliver(slot, make_credential(HOST, "first-secret"))


def test_over_a_deleted_version(country, sink, slot, stored):
    """A secret whose newest version was deleted could not be delivered to any more."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    country.engines["secret"].delete("team/app", country._world.now())
    assert sink.inspect(slot) is None
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert entry(stored()[KEY], HOST) == ("reader", "second-secret")


def test_what_we_make_is_marked(country, sink, slot, stored):
    """A second registry could not be added to our own secret without --adopt."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert country.engines["secret"].secrets["team/app"].custom == {"managed-by": "pullgrant"}
    sink.preflight(dataclasses.replace(slot, server="other.example"), ours=False, adopt=False)


def test_a_mark_that_may_not_be_put_is_said(country, sink, slot):
    """The user would wonder later why our own secret counts as foreign."""
    country.marks = False
    receipt = sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert receipt.remarks == (
        f"secret/team/app#{KEY} carries no mark of pullgrant: the token may not write secret/metadata",
    )


def test_an_unmarked_value_is_foreign(sink, slot, stored, put):
    """An entry would be added to somebody's own document without a word from the user."""
    put({KEY: with_foreign(None, "other.example")})
    with pytest.raises(NotOurs, match="was not made by pullgrant"):
        sink.preflight(slot, ours=False, adopt=False)
    sink.preflight(slot, ours=False, adopt=True)


@pytest.mark.parametrize("value", ["hunter2", "[]", 7])
def test_a_value_of_another_kind_is_left_alone(sink, slot, stored, put, value):
    """A password in the same key would be replaced by a document, or be shown."""
    put({KEY: value})
    with pytest.raises(UsageError) as caught:
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert stored() == {KEY: value}
    assert "hunter2" not in str(caught.value)


def test_a_wrong_token(country, sink, slot, monkeypatch):
    """A wrong token would be called a missing policy, which nobody could mend."""
    monkeypatch.setenv("VAULT_TOKEN", "hvs.wrong")
    with pytest.raises(NotSignedIn, match="does not accept the token"):
        sink.preflight(slot, ours=False, adopt=False)


def test_no_token(sink, slot, monkeypatch, tmp_path):
    """The user would be told of a refusal and not that there is no token."""
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NotSignedIn, match="no token for Vault"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_policy_that_only_reads(country, sink, slot, monkeypatch):
    """A key would be made at the cloud although no delivery can succeed."""
    country.policies["hvs.reads"] = frozenset({"read"})
    monkeypatch.setenv("VAULT_TOKEN", "hvs.reads")
    with pytest.raises(SinkFailed, match="may not write secret/data/team/app: it has read"):
        sink.preflight(slot, ours=False, adopt=False)


def test_sealed(country, sink, slot):
    """A server that is down for a while would be called a refusal."""
    country.sealed = True
    with pytest.raises(Unavailable, match="Vault is sealed"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_lost_answer_is_no_refusal(house, sink, slot, stored):
    """A write that was done would be called failed."""
    house.world.fail_next(Fault(kind="vault.kv.write", how="half"))
    with pytest.raises(Unavailable):
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert entry(stored()[KEY], HOST) == ("reader", "first-secret")


def test_version_one_is_refused(sink):
    """Version 1 has no check-and-set, and would store our request as if it were the secret."""
    with pytest.raises(UsageError, match="no KV engine of version 2"):
        sink.preflight(Vault.slot("old/app", server=HOST), ours=False, adopt=False)


def test_a_mount_with_a_slash(country, sink):
    """A mount such as team/kv would be taken for the mount team."""
    slot = Vault.slot("team/kv/app#config.json", server=HOST)
    assert sink.deliver(slot, make_credential(HOST, "first-secret")).reference == "team/kv/app#config.json"
    values = country.engines["team/kv"].secrets["app"].versions[-1].values
    assert list(json.loads(values["config.json"])["auths"]) == [HOST]


def test_a_slot_keeps_its_server(country, monkeypatch):
    """A later run with another VAULT_ADDR would write into another Vault."""
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    slot = Vault.slot("secret/app", server=HOST)
    assert slot.target == f"secret/app#{KEY},addr=https://vault.example,namespace=team"
    assert Vault.slot(slot.target, server=HOST) == slot


@pytest.mark.parametrize("target", ["", "secret", "secret/", "secret/app#", "secret/a b", "secret/app,cas=1"])
def test_a_target_that_is_none(country, target):
    """A typing error would end as a secret in a strange place."""
    with pytest.raises(UsageError):
        Vault.slot(target, server=HOST)


def test_no_address(country, monkeypatch):
    """hvac would fall back to plain http on this machine."""
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(UsageError, match="which Vault"):
        Vault.slot("secret/app", server=HOST)
