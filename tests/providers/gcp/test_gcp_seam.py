"""The seam on the sandbox's servers: what is sent, what refusals become, and what never reaches a log."""

from __future__ import annotations

import json
import logging
import os
from types import SimpleNamespace

import pytest

from pullgrant.errors import (
    MissingExtra,
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    PermissionDenied,
    PolicyForbids,
    QuotaReached,
    RateLimited,
    Unavailable,
)
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.providers.gcp import seam as seams
from pullgrant.providers.gcp.answers import AlreadyThere, Conflict
from pullgrant.providers.gcp.seam import Pool, Seam
from pullgrant.providers.gcp.seam_accounts import AccountCalls
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from sandbox.google.discovery import RecordingGoogle

EMAIL = "docker-reader@demo.iam.gserviceaccount.com"
REPOSITORY = "projects/demo/locations/us/repositories/gcr.io"
LOUD = "google.cloud.iam_admin_v1.services.iam.transports.grpc"


@pytest.fixture(scope="module")
def box():
    with Sandbox(factories={"google": RecordingGoogle}) as box:
        yield box


@pytest.fixture
def google(box, monkeypatch):
    """The fake on its first day, and this machine signed in to it."""
    for name, value in box.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOOGLE_CLOUD_QUOTA_PROJECT", raising=False)
    google = box.countries["google"]
    box.world.reset()
    google.reset()
    google.recorded.clear()
    return google


@pytest.fixture
def seam(google):
    """A seam as a new process would build it."""
    http = Http()
    yield lambda project="demo", pool=None: Seam(project, http, pool=pool)
    http.close()


def as_a_person(box, monkeypatch, **more):
    file = box.folder / "google" / "somebody.json"
    file.write_text(json.dumps({**json.loads((box.folder / "google" / "person.json").read_text()), **more}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


def test_an_account_and_its_keys(seam):
    """A call would not do what its name says."""
    calls = seam()
    made = calls.create_account("docker-reader", "title", "ours")
    calls.describe_account(EMAIL, "still ours")
    key, secret = calls.create_key(EMAIL)
    found = calls.get_account(EMAIL)
    assert (made.email, found.description, found.display_name) == (EMAIL, "still ours", "title")
    assert (json.loads(secret.reveal())["client_email"], key.private_key_data) == (EMAIL, b"")
    assert [one.name for one in calls.list_keys(EMAIL)] == [key.name]
    calls.delete_key(EMAIL, key.name.rpartition("/")[2])
    calls.disable_account(EMAIL)
    assert (list(calls.list_keys(EMAIL)), calls.get_account(EMAIL).disabled) == ([], True)
    calls.delete_account(EMAIL)
    with pytest.raises(NotFound):
        calls.get_account(EMAIL)


@pytest.mark.parametrize(
    ("read", "write", "resource"),
    [
        ("get_repository_policy", "set_repository_policy", REPOSITORY),
        ("get_project_policy", "set_project_policy", "demo"),
        ("get_bucket_policy", "set_bucket_policy", "artifacts.legacy.appspot.com"),
    ],
)
def test_a_policy_is_written_under_its_etag(seam, read, write, resource):
    """Somebody else's change would be written over."""
    calls = seam()
    old = getattr(calls, read)(resource)
    getattr(calls, write)(resource, {**old, "bindings": list(old.get("bindings", ()))})
    assert getattr(calls, read)(resource)["etag"] != old["etag"]
    with pytest.raises(Conflict):
        getattr(calls, write)(resource, old)


def test_what_a_project_has(seam):
    """A question would be asked in a form that Google does not answer."""
    calls = seam()
    assert calls.get_project_settings("demo")["legacyRedirectionState"].startswith("REDIRECTION_FROM_GCR_IO_")
    assert REPOSITORY in [one["name"] for one in calls.list_repositories("demo", "us")]
    assert calls.list_images(REPOSITORY)[0]["name"].startswith(f"{REPOSITORY}/dockerImages/")
    assert calls.get_services("demo", ["iam.googleapis.com"]) == {"iam.googleapis.com": "ENABLED"}
    assert seam("locked").get_effective_policy("locked", "iam.disableServiceAccountKeyCreation")["spec"]["rules"]


def test_the_projects_own_words_are_kept(seam):
    """A refusal would be called something that it is not."""
    calls = seam()
    calls.create_account("docker-reader", "title", "ours")
    with pytest.raises(AlreadyThere):
        calls.create_account("docker-reader", "title", "ours")
    with pytest.raises(NotFound):
        calls.delete_key(EMAIL, "0" * 40)
    for _ in range(10):
        calls.create_key(EMAIL)
    with pytest.raises(QuotaReached):
        calls.create_key(EMAIL)
    with pytest.raises(PermissionDenied):
        seam("denied").create_account("docker-reader", "title", "ours")


def test_a_policy_against_keys(seam):
    """The user of a locked project would not learn the way on."""
    calls = seam("locked")
    calls.create_account("docker-reader", "title", "ours")
    with pytest.raises(PolicyForbids) as caught:
        calls.create_key("docker-reader@locked.iam.gserviceaccount.com")
    assert "--credential access-token" in caught.value.hint


def test_a_token_of_the_reader(seam, google):
    """A token would be wider than a reader's."""
    calls = seam()
    calls.create_account("docker-reader", "title", "ours")
    secret, ends = calls.generate_token(EMAIL, 3600)
    token = google.state.tokens[secret.reveal()]
    assert token.scopes == {"https://www.googleapis.com/auth/devstorage.read_only"}
    assert token.expires_at.replace(microsecond=0) == ends


READS = {"get_account": EMAIL, "get_repository_policy": REPOSITORY, "get_project_policy": "demo"}


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize(
    ("how", "error"), [("503", Unavailable), ("429", RateLimited), ("drop", Unavailable), ("half", Unavailable)]
)
def test_a_read_that_fails(box, seam, call, how, error):
    """A read that may be repeated would be called a lost change."""
    calls = seam()
    calls.create_account("docker-reader", "title", "ours")
    box.world.fail_next(Fault(kind="*", how=how))
    with pytest.raises(Unavailable) as caught:
        getattr(calls, call)(READS[call])
    assert type(caught.value) is error


@pytest.mark.parametrize("how", ["503", "drop", "half"])
def test_a_change_that_is_lost(box, seam, how):
    """A change that may have been made would be repeated blindly."""
    calls = seam()
    policy = calls.get_repository_policy(REPOSITORY)
    box.world.fail_next(Fault(kind="*", how=how, times=2))
    for change in (lambda: calls.set_repository_policy(REPOSITORY, policy), lambda: calls.create_account("reader", "", "")):
        with pytest.raises(OutcomeUnknown):
            change()


def test_nothing_is_asked_in_the_background(box, seam):
    """The library would look up regions of the operator's account, which no run needs."""
    calls = seam()
    calls.get_project_settings("demo")
    calls.list_repositories("demo", "us")
    with pytest.raises(NotFound):
        calls.get_account(EMAIL)
    kinds = [call.kind for call in box.world.calls]
    assert kinds == ["artifactregistry.getProjectSettings", "artifactregistry.listRepositories", "iam.GetServiceAccount"]


def test_one_sign_in_for_all_readers_of_a_run(box, seam, monkeypatch):
    """A rotation of ten readers would sign in ten times."""
    as_a_person(box, monkeypatch)
    pool = Pool()
    together(*(lambda name=name: seam(name, pool).get_project_policy(name) for name in ("demo", "locked", "legacy")))
    seam("demo", pool).create_account("docker-reader", "title", "ours")
    seam("locked", pool).create_account("docker-reader", "title", "ours")
    assert [call.kind for call in box.world.calls].count("oauth.token") == 1


@pytest.mark.parametrize("call", ["get_account", "get_repository_policy"])
def test_an_expired_sign_in(box, google, seam, monkeypatch, call):
    """A sign-in that is over would look like a cloud that is down, over the one protocol or the other."""
    as_a_person(box, monkeypatch)
    google.state.refresh_tokens.clear()
    with pytest.raises(NotSignedIn, match="expired or revoked") as caught:
        getattr(seam(), call)(EMAIL if call == "get_account" else REPOSITORY)
    assert "gcloud auth application-default login" in caught.value.hint


def test_who_pays_is_said_over_both_protocols(box, google, seam, monkeypatch):
    """Calls of a person would be refused, because nobody pays for them."""
    as_a_person(box, monkeypatch, quota_project_id="payer")
    seam().get_project_policy("demo")
    (request,) = [one for kind, one, _ in google.recorded if kind == "resourcemanager.getIamPolicy"]
    assert request.headers["x-goog-user-project"] == "payer"
    seen = []
    monkeypatch.setattr(seams, "_client", lambda: SimpleNamespace(get_service_account=lambda **more: seen.append(more)))
    seam().get_account(EMAIL)
    signed = dict(seen[0]["metadata"])
    assert (signed["x-goog-user-project"], signed["authorization"][:12]) == ("payer", "Bearer ya29.")


def test_every_call_has_a_time_out_and_no_retries_of_its_own():
    """A call would hang for ever, or be repeated behind our back."""
    seen = []

    class Iam:
        def __getattr__(self, name):
            return lambda **more: (
                seen.append((name, more["timeout"], more["retry"])) or SimpleNamespace(keys=[], private_key_data=b"")
            )

    calls = AccountCalls("demo", lambda: (Iam(), ()))
    calls.get_account("a")
    calls.create_account("a", "b", "c")
    calls.describe_account("a", "b")
    calls.disable_account("a")
    calls.delete_account("a")
    calls.list_keys("a")
    calls.create_key("a")
    calls.delete_key("a", "b")
    assert (len(seen), {(timeout, retry) for _, timeout, retry in seen}) == (8, {(20.0, None)})


class Everything(logging.Handler):
    """Keeps all of every record: Google's library puts what it sends into fields, not into the message."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.said = ""

    def emit(self, record):
        self.said += repr(record.__dict__) + record.getMessage()


@pytest.fixture
def everything():
    """All loggers opened wide, those that are made later too."""
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    opened = []

    def open_all():
        for logger in list(logging.root.manager.loggerDict.values()):
            if isinstance(logger, logging.Logger):
                opened.append((logger, logger.level, logger.propagate, logger.disabled))
                logger.setLevel(logging.DEBUG)
                logger.propagate, logger.disabled = True, False
        return handler

    open_all()
    yield open_all
    for logger, old, propagate, disabled in reversed(opened):
        logger.setLevel(old)
        logger.propagate, logger.disabled = propagate, disabled
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_secret_reaches_a_log(seam, everything, monkeypatch):
    """A key would lie in the log of whoever turns on debugging, or names a logger of Google's library."""
    monkeypatch.setenv("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "google")
    calls = seam()
    calls.create_account("docker-reader", "title", "ours")
    handler = everything()
    _, secret = calls.create_key(EMAIL)
    token, _ = calls.generate_token(EMAIL, 3600)
    bearer = seam()._sign_in.headers("https://iam.googleapis.com/")["authorization"].removeprefix("Bearer ")
    line = json.loads(secret.reveal())["private_key"].splitlines()[5]
    assert [one in handler.said for one in (line, token.reveal(), bearer)] == [False, False, False]
    assert ("GOOGLE_SDK_PYTHON_LOGGING_SCOPE" in os.environ, "pullgrant.http" in handler.said) == (False, True)
    logger = logging.getLogger(LOUD)
    monkeypatch.setattr(logger, "filters", [])
    calls.create_key(EMAIL)
    assert "Received response for /google.iam.admin.v1.IAM/CreateServiceAccountKey" in handler.said


@pytest.mark.parametrize("name", ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "SSL_CERT_FILE"])
def test_whom_a_network_trusts(box, seam, monkeypatch, name):
    """Behind a company's proxy REST would work and gRPC not, or a variable be read once for all."""
    monkeypatch.delenv({"SSL_CERT_FILE": "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"}.get(name, "SSL_CERT_FILE"))
    if name == "SSL_CERT_FILE":
        assert seam().create_account("docker-reader", "title", "ours").email == EMAIL
    monkeypatch.setenv(name, str(box.folder / "token-service.pem"))
    if name == "SSL_CERT_FILE":
        with pytest.raises(Unavailable):
            seam().get_project_policy("demo")
    with pytest.raises(Unavailable):
        seam().get_account(EMAIL)


def test_without_the_package(seam, monkeypatch):
    """Somebody without the extra would see a traceback."""
    import sys

    monkeypatch.setitem(sys.modules, "google.cloud.iam_admin_v1", None)
    with pytest.raises(MissingExtra) as caught:
        seam().get_account(EMAIL)
    assert caught.value.hint == "pip install 'pullgrant[gcp]'"


def test_the_old_registrys_shelves(seam):
    """The images of a registry on buckets would not be found."""
    calls = seam("legacy")
    assert calls.list_children("gcr.io", "legacy/app")["tags"] == ["v1"]
