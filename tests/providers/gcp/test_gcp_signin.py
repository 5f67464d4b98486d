"""The operator's sign-in: found where Google's tools look, renewed once, and sent to nobody who may not have it."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from providers.gcp.wire import Wire
from pullgrant.errors import MissingExtra, NotSignedIn, PullgrantError, Unavailable, UsageError
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.providers.gcp.default_credentials import SCOPE
from pullgrant.providers.gcp.signin import SignIn

TOKEN, STS = "https://oauth2.googleapis.com/token", "https://sts.googleapis.com/v1/token"
MINT = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com:generateAccessToken"
API = "https://artifactregistry.googleapis.com/v1/x"
PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "canary-refresh"}
GRANTED = (200, {"access_token": "ya29.fresh", "expires_in": 3600, "token_type": "Bearer"})
EXCHANGED = (
    200,
    {**GRANTED[1], "access_token": "federated", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"},
)
POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """A machine on which nobody has signed in, and where nothing but 127.0.0.1 is asked."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "GOOGLE_CLOUD_QUOTA_PROJECT", "NO_GCE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")


@pytest.fixture(scope="session")
def pair():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(pair):
    """A service account's key file."""
    form = serialization.PrivateFormat.PKCS8
    pem = pair.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return {
        "type": "service_account", "client_email": "sa@p.iam.gserviceaccount.com", "private_key": pem, "private_key_id": "k",
        "token_uri": TOKEN, "project_id": "p",
    }  # fmt: skip


@pytest.fixture
def sign_in(tmp_path, monkeypatch):
    """Sign in with a document in the file of GOOGLE_APPLICATION_CREDENTIALS."""

    def build(document, says=None):
        file = tmp_path / "credentials.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        wire = Wire(says)
        return SignIn(wire), wire

    return build


def bearer(signed):
    return signed.headers(API)["authorization"].removeprefix("Bearer ")


def test_signed_in_nowhere():
    """A newcomer would wait, or not learn the two ways on."""
    started = time.monotonic()
    with pytest.raises(NotSignedIn) as caught:
        SignIn(Http()).headers(API)
    assert time.monotonic() - started < 2
    assert ("gcloud auth application-default login" in caught.value.hint, "invoke sandbox" in caught.value.hint) == (
        True,
        True,
    )


def test_a_metadata_server_that_hangs(monkeypatch):
    """Some address that swallows requests would hold up every run."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(NotSignedIn):
            SignIn(Http()).headers(API)
    assert time.monotonic() - started < 2


def test_a_server_that_is_not_googles(monkeypatch):
    """Whoever answers on that address would be taken for Google."""
    wire = Wire({"http://127.0.0.1:1/": (200, {})})
    plain = wire.ask
    monkeypatch.setattr(wire, "ask", lambda *given, **more: _without_flavor(plain(*given, **more)))
    with pytest.raises(NotSignedIn):
        SignIn(wire).headers(API)


def _without_flavor(reply):
    return SimpleNamespace(status=reply.status, headers={}, body=reply.body)


def test_the_machines_own_account():
    """A run on a virtual machine would have no sign-in."""
    wire = Wire()
    for host in ("127.0.0.1:1", "metadata.google.internal"):  # the library reads the variable when it is imported
        root = f"http://{host}/computeMetadata/v1/instance/"
        wire.says[f"{root}service-accounts/default/token"] = GRANTED
        wire.says[f"{root}service-accounts/default/"] = (200, {"email": "sa@p.iam.gserviceaccount.com", "scopes": [SCOPE]})
        wire.says[root] = (200, {})
    assert bearer(SignIn(wire)) == "ya29.fresh"


def test_the_check_for_a_machine_can_be_forbidden(monkeypatch):
    """A network that must not be asked would be asked."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    wire = Wire()
    with pytest.raises(NotSignedIn):
        SignIn(wire).headers(API)
    assert wire.asked == []


BROKEN = {
    "no json": "{canary",
    "no object": "[]",
    "empty": "",
    "no type": {"canary": 1},
    "an unknown type": {"type": "canary"},
    "half a person": {"type": "authorized_user", "refresh_token": "canary"},
    "half an account": {"type": "service_account", "private_key": "canary"},
    "a bad key": {"type": "service_account", "client_email": "a", "token_uri": "b", "private_key": "canary"},
    "impersonated by nobody": {"type": "impersonated_service_account"},
    "impersonated by an unknown": {"type": "impersonated_service_account", "source_credentials": {"type": "canary"}},
    "no source": {"type": "external_account", "credential_source": None},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_broken(sign_in, document):
    """A broken file would end in a traceback, or its secret in a message."""
    signed, wire = sign_in(document)
    with pytest.raises(NotSignedIn, match="cannot be used") as caught:
        signed.headers(API)
    assert ("canary" in str(caught.value), caught.value.__suppress_context__, wire.asked) == (False, True, [])


@pytest.mark.parametrize("name", ["nothing.json", "."])
def test_a_file_that_is_not_there(tmp_path, monkeypatch, name):
    """A typing error in the variable would sign in somebody else."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / name))
    with pytest.raises(NotSignedIn, match="cannot be used"):
        SignIn(Wire()).headers(API)


@pytest.mark.parametrize("folder", [".config/gcloud", "elsewhere"])
def test_gclouds_own_file(tmp_path, monkeypatch, folder):
    """`gcloud auth application-default login` would not be enough, or gcloud be started for nothing."""
    place = tmp_path / folder
    place.mkdir(parents=True)
    (place / "application_default_credentials.json").write_text(json.dumps({**PERSON, "quota_project_id": "payer"}))
    if folder == "elsewhere":
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(place))
    program = tmp_path / "bin" / "gcloud"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    signed = SignIn(Wire({TOKEN: GRANTED}))
    assert signed.headers(API) == {"authorization": "Bearer ya29.fresh", "x-goog-user-project": "payer"}
    assert not (tmp_path / "started").exists()


def test_who_pays(sign_in, monkeypatch):
    """Calls would be billed to nobody, and refused, or to another project than the one that was named."""
    assert "x-goog-user-project" not in sign_in(PERSON, {TOKEN: GRANTED})[0].headers(API)
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "named")
    signed, _ = sign_in({**PERSON, "quota_project_id": "payer"}, {TOKEN: GRANTED})
    assert signed.headers(API)["x-goog-user-project"] == "named"


def test_a_key_signs_its_own_header(sign_in, account, pair):
    """Every run would make one round trip more, or Google would not take the header."""
    signed, wire = sign_in(account)
    claims = jwt.decode(bearer(signed), pair.public_key(), ["RS256"], options={"verify_aud": False})
    assert (claims["iss"], claims["sub"], claims["scope"], wire.asked) == (
        account["client_email"], account["client_email"], SCOPE, [],
    )  # fmt: skip
    assert bearer(signed) == bearer(signed)


def test_a_key_gives_a_real_token_once(sign_in, account):
    """A self-signed header would be sent to a registry as a password, or a token be fetched for each image."""
    signed, wire = sign_in(account, {TOKEN: GRANTED})
    bearer(signed)
    assert [signed.access_token().reveal() for _ in range(2)] == ["ya29.fresh", "ya29.fresh"]
    assert len(wire.asked) == 1


def test_parallel_calls_renew_once(sign_in):
    """Eight calls at once would ask for eight tokens, and some sign-ins allow few."""
    signed, wire = sign_in(PERSON, {TOKEN: GRANTED})
    ready = threading.Barrier(8)

    def call():
        ready.wait()
        return signed.headers(API)["authorization"]

    assert set(together(*[call] * 8)) == {"Bearer ya29.fresh"}
    assert len(wire.asked) == 1


def test_a_token_near_its_end_is_renewed(sign_in):
    """A long run would go on with a token that is dying."""
    signed, wire = sign_in(PERSON, {TOKEN: (200, {**GRANTED[1], "expires_in": 60})})
    bearer(signed)
    wire.says[TOKEN] = GRANTED
    assert (bearer(signed), bearer(signed), len(wire.asked)) == ("ya29.fresh", "ya29.fresh", 2)


def test_an_expired_sign_in(sign_in):
    """A sign-in that is over would look like a cloud that is down."""
    refused = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    signed, _ = sign_in(PERSON, {TOKEN: (400, refused)})
    with pytest.raises(NotSignedIn, match=r"invalid_grant: Token has been expired or revoked\.") as caught:
        signed.headers(API)
    assert "gcloud auth application-default login" in caught.value.hint


def test_a_token_service_out_of_reach(sign_in):
    """A network that is down would be called a bad sign-in."""
    signed, _ = sign_in(PERSON)
    with pytest.raises(Unavailable):
        signed.headers(API)


@pytest.mark.parametrize("body", ["{", "[]", "null", {"expires_in": 3600}, {**GRANTED[1], "expires_in": "soon"}])
def test_half_an_answer_of_the_token_service(sign_in, body):
    """Half an answer would end in a traceback with what was in it."""
    signed, _ = sign_in(PERSON, {TOKEN: (200, body)})
    with pytest.raises((Unavailable, NotSignedIn)) as caught:
        signed.headers(API)
    assert "ya29" not in str(caught.value)


IMPERSONATED = {
    "type": "impersonated_service_account",
    "service_account_impersonation_url": MINT,
    "source_credentials": PERSON,
}


def test_impersonation(sign_in):
    """Somebody who works as a service account would be signed in as themselves, or not at all."""
    minted = {"accessToken": "ya29.theirs", "expireTime": "2099-01-01T00:00:00Z"}
    signed, wire = sign_in({**IMPERSONATED, "quota_project_id": "payer"}, {TOKEN: GRANTED, MINT: (200, minted)})
    assert signed.headers(API) == {"authorization": "Bearer ya29.theirs", "x-goog-user-project": "payer"}
    assert json.loads(wire.to(MINT)[0][3])["scope"] == [SCOPE]


@pytest.mark.parametrize(("status", "error"), [(403, NotSignedIn), (503, Unavailable), (429, Unavailable)])
def test_impersonation_that_fails(sign_in, status, error):
    """A service that is down would be called a bad sign-in, and the other way round."""
    signed, _ = sign_in(IMPERSONATED, {TOKEN: GRANTED, MINT: (status, {"error": {"message": "no"}})})
    with pytest.raises(PullgrantError) as caught:
        signed.headers(API)
    assert type(caught.value) is error


def test_a_workload_identity(sign_in, tmp_path):
    """A pipeline without a key would not be signed in, or Resource Manager be asked for a project nobody wants."""
    (tmp_path / "subject").write_text("canary-subject")
    document = {
        "type": "external_account", "audience": POOL, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": STS, "credential_source": {"file": str(tmp_path / "subject")},
    }  # fmt: skip
    signed, wire = sign_in(document, {STS: EXCHANGED})
    assert (bearer(signed), [one[1] for one in wire.asked]) == ("federated", [STS])


def test_a_workforce_identity(sign_in):
    """Somebody of a workforce pool would not be signed in."""
    document = {
        "type": "external_account_authorized_user", "audience": POOL, "client_id": "c", "client_secret": "s",
        "refresh_token": "r", "token_url": "https://sts.googleapis.com/v1/oauthtoken",
    }  # fmt: skip
    signed, _ = sign_in(document, {"https://sts.googleapis.com/": EXCHANGED})
    assert bearer(signed) == "federated"


@pytest.mark.parametrize(
    ("more", "module"),
    [
        (
            {"subject_token_type": "urn:ietf:params:aws:token-type:aws4_request", "credential_source": {
                "environment_id": "aws1", "regional_cred_verification_url": "https://sts.{region}.amazonaws.com"}},
            "google.auth.aws",
        ),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": {
                "executable": {"command": "/bin/true"}}},
            "google.auth.pluggable",
        ),
    ],
)  # fmt: skip
def test_other_workload_identities(sign_in, tmp_path, more, module):
    """A workload of another cloud would be read as what it is not."""
    from pullgrant.providers.gcp.default_credentials import find

    sign_in({"type": "external_account", "audience": POOL, "token_url": STS, **more})
    assert type(find(Wire())).__module__ == module


def test_another_universe(sign_in, account):
    """The sign-in of a sovereign cloud would be sent to Google's."""
    signed, _ = sign_in({**account, "universe_domain": "example.test"})
    with pytest.raises(UsageError, match=r"example\.test"):
        signed.headers(API)


@pytest.mark.parametrize("url", ["http://artifactregistry.googleapis.com/v1/x", "httpsx://a", "ftp://a", ""])
def test_a_sign_in_is_not_sent_in_the_clear(sign_in, url):
    """Everybody on the way could read the operator's token."""
    signed, wire = sign_in(PERSON, {TOKEN: GRANTED})
    with pytest.raises(PullgrantError, match="without encryption"):
        signed.headers(url)
    assert wire.asked == []


def test_a_token_service_in_the_clear(sign_in, account):
    """A key file from somewhere would send what signs the operator in over plain http."""
    signed, wire = sign_in({**account, "token_uri": "http://127.0.0.1:1/token"})
    with pytest.raises(NotSignedIn, match="not https"):
        signed.access_token()
    assert wire.asked == []


def test_without_the_package(monkeypatch):
    """Somebody without the extra would see a traceback."""
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    with pytest.raises(MissingExtra) as caught:
        SignIn(Wire()).headers(API)
    assert caught.value.hint == "pip install 'pullgrant[gcp]'"
