"""The sink gcp-secretmanager against the sandbox's Google Cloud, judged by Google's discovery document."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import UTC, datetime

import pytest

from pullgrant.errors import NotOurs, NotSignedIn, SinkFailed, Unavailable, UsageError
from pullgrant.sandbox.google.state import StoredSecret
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from pullgrant.sinks.gcp_secretmanager import GcpSecretManager
from pullgrant.sinks.gcp_secretmanager_place import GcpPlace
from pullgrant.testing.sink_contract import SinkContract, make_credential
from sandbox.google.discovery import Discovery, RecordingGoogle
from sinks.store_house import HOST, entry, standing_in, with_foreign

NAME = "pull"
CHANGES = ("create", "addVersion", "delete", "versions.disable")


@pytest.fixture(scope="module")
def house():
    with Sandbox(factories={"google": RecordingGoogle}) as sandbox:
        yield sandbox


@pytest.fixture
def google(house):
    with standing_in(house, "google") as found:
        yield found


@pytest.fixture
def secrets(google):
    """The secrets that the project demo holds."""
    return google.state.projects["demo"].secrets


@pytest.fixture
def sink(google):
    return GcpSecretManager()


@pytest.fixture
def slot(google):
    return GcpSecretManager.slot(f"demo/{NAME}", server=HOST)


@pytest.fixture
def stored(secrets):
    """The value of the newest version, None when there is none or it is not enabled."""

    def look():
        versions = secrets[NAME].versions if NAME in secrets else []
        return versions[-1][0].decode() if versions and versions[-1][1] == "ENABLED" else None

    return look


@pytest.fixture
def put(secrets):
    """Adds a version behind the sink's back."""

    def add(text):
        secret = secrets.setdefault(NAME, StoredSecret(labels={}, created=datetime(2026, 1, 1, tzinfo=UTC)))
        secret.versions.append((text.encode(), "ENABLED"))

    return add


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, google):
        return GcpSecretManager()

    @pytest.fixture
    def slot(self, google):
        return GcpSecretManager.slot(f"demo/{NAME}", server=HOST)

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
    def vanish(self, secrets):
        return lambda slot: secrets.clear()

    @pytest.fixture
    def refuse_writes(self, house, stored):
        @contextlib.contextmanager
        def refuse(slot):
            _, secret = entry(stored(), slot.server)
            error = {"code": 403, "message": f"denied: {secret}", "status": "PERMISSION_DENIED"}
            for kind in CHANGES:
                fault = Fault(kind=f"secretmanager.{kind}", how="403", times=99, body=json.dumps({"error": error}))
                house.world.fail_next(fault)
            try:
                yield
            finally:
                house.world.reset()

        return refuse


def test_the_two_newest_versions_stay_enabled(sink, slot, secrets):
    """A consumer of the version before would fail at once, or old credentials would stay readable for ever."""
    for turn in ("first-secret", "second-secret", "third-secret"):
        sink.deliver(slot, make_credential(HOST, turn))
    assert [state for _, state in secrets[NAME].versions] == ["DISABLED", "ENABLED", "ENABLED"]


def test_foreign_versions_are_not_disabled(sink, slot, secrets, put):
    """Versions of an adopted secret, which others may read by number, would be taken away."""
    for number in range(3):
        put(with_foreign(None, f"{number}.example"))
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert {state for _, state in secrets[NAME].versions} == {"ENABLED"}


def test_a_change_in_between_is_not_overwritten(sink, slot, stored, put, monkeypatch):
    """An entry that somebody wrote between our read and our write would be lost."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    read, intruders = GcpPlace.read, ["b.example", "a.example"]

    def read_then_intrude(place):
        found = read(place)
        while intruders:
            put(with_foreign(stored(), intruders.pop()))
        return found

    monkeypatch.setattr(GcpPlace, "read", read_then_intrude)
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert sorted(json.loads(stored())["auths"]) == ["a.example", "b.example", HOST]
    assert entry(stored(), HOST) == ("reader", "second-secret")


def test_what_we_make_is_labelled_and_goes(sink, slot, secrets):
    """A secret would be left behind for ever, or the next registry could not be added to ours."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert secrets[NAME].labels == {"managed-by": "pullgrant"}
    sink.preflight(dataclasses.replace(slot, server="other.example"), ours=False, adopt=False)
    sink.withdraw(slot)
    assert secrets == {}


def test_a_foreign_secret_is_not_deleted(sink, slot, stored, put):
    """An adopted secret would go with our entry."""
    put(with_foreign(None, HOST))
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.withdraw(slot)
    assert stored() == '{"auths":{}}'


def test_an_unlabelled_document_is_foreign(sink, slot, put):
    """An entry would be added to somebody's own document without a word from the user."""
    put(with_foreign(None, "other.example"))
    with pytest.raises(NotOurs, match="was not made by pullgrant"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_disabled_version_holds_nothing(sink, slot, secrets, stored):
    """A secret whose newest version somebody disabled could not be delivered to any more."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    secrets[NAME].versions[-1] = (b"", "DISABLED")
    assert sink.inspect(slot) is None
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert entry(stored(), HOST) == ("reader", "second-secret")


def test_a_value_of_another_kind_is_left_alone(sink, slot, stored, put):
    """A password under the same name would be replaced, or be shown."""
    put("hunter2")
    with pytest.raises(UsageError) as caught:
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert stored() == "hunter2"
    assert "hunter2" not in str(caught.value)


def test_a_project_without_the_service(google, sink, slot):
    """The user would look for a missing right where an API is not enabled."""
    google.state.projects["demo"].services.remove("secretmanager.googleapis.com")
    with pytest.raises(SinkFailed) as caught:
        sink.preflight(slot, ours=False, adopt=False)
    assert caught.value.hint == "Run: gcloud services enable secretmanager.googleapis.com"


def test_a_missing_right_is_named(google, sink):
    """The user would not know which right to ask for."""
    with pytest.raises(SinkFailed, match=r"secretmanager\.secrets\.get"):
        sink.preflight(GcpSecretManager.slot(f"denied/{NAME}", server=HOST), ours=False, adopt=False)


def test_a_pause_is_no_refusal(house, sink, slot):
    """A service that is down for a while would be called a refusal."""
    house.world.fail_next(Fault(kind="secretmanager.get", how="503"))
    with pytest.raises(Unavailable):
        sink.preflight(slot, ours=False, adopt=False)


def test_not_signed_in(sink, slot, monkeypatch, tmp_path):
    """A missing sign-in would end as a traceback of Google's library."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(NotSignedIn, match="not signed in to Google Cloud"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_slot_keeps_its_project(google, monkeypatch):
    """A later run in another project would write there."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo")
    assert GcpSecretManager.slot(NAME, server=HOST).target == f"demo/{NAME}"
    assert GcpSecretManager.slot(f"projects/other/secrets/{NAME}", server=HOST).target == f"other/{NAME}"


@pytest.mark.parametrize("target", ["", "a b", "demo/", "demo/a/b", "demo/a.b"])
def test_a_target_that_is_none(google, target):
    """A typing error would end as a secret in a strange place."""
    with pytest.raises(UsageError):
        GcpSecretManager.slot(target, server=HOST)


def test_all_that_was_said_fits_google_s_own_description(google, sink, slot):
    """The fake, and so all tests above, would show nothing about the real service."""
    google.recorded.clear()
    for turn in ("first-secret", "second-secret", "third-secret"):
        sink.deliver(slot, make_credential(HOST, turn))
    sink.withdraw(slot)
    judge = Discovery()
    said = [one for one in google.recorded if "secretmanager" in one[1].host]
    wrong = {fault for _, request, response in said for fault in judge.request(request) + judge.answer(request, response)}
    assert len(said) > 10
    assert {fault for fault in wrong if "query parameter $alt" not in fault} == set()  # every Google library sends it
