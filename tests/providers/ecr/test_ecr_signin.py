"""The operator's sign-in, over a real socket where there is one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pullgrant.errors import NotSignedIn, OutcomeUnknown, RateLimited, Unavailable, UsageError
from pullgrant.providers.ecr import settings
from pullgrant.providers.ecr.answers import Step
from pullgrant.providers.ecr.found import read_token
from pullgrant.providers.ecr.hosts import Registry
from pullgrant.providers.ecr.seam import Seam
from pullgrant.providers.ecr.signin import Caller, SignIn, sent
from pullgrant.testing.scene import StageClock

REGISTRY = Registry(account="123456789012", region="us-east-1", host="123456789012.dkr.ecr.us-east-1.amazonaws.com")
STEP = Step(doing="try", action="x:Y", region="us-east-1")
KEY = """<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateAccessKeyResult><AccessKey>
<UserName>u</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><SecretAccessKey>canary-secret</SecretAccessKey>
</AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"""


class Aws:
    """Answers every request with the next of its answers, the last one for ever: (status, body), or None to hang up."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str] | None] = []
        self.requests: list[str] = []
        self.cut = 0


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    told = Aws()

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            told.requests.append(self.rfile.read(int(self.headers["content-length"])).decode())
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            if answer is None:
                self.close_connection = True
                return
            status, body = answer
            self.send_response(status)
            self.send_header("content-type", "text/xml" if body.startswith("<") else "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body.encode()) + told.cut))
            self.end_headers()
            self.wfile.write(body.encode())
            self.close_connection = bool(told.cut)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "operator-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def seam() -> Seam:
    return Seam(registry=REGISTRY, sign_in=SignIn(), timer=StageClock())


def test_signed_in_nowhere_is_said_soon(monkeypatch):
    """A user without credentials would wait for a metadata server that is not there, and not learn the ways on."""
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(NotSignedIn) as told:
        settings.resolve({"region": "us-east-1"})
    assert (time.monotonic() - started < 2, "aws sso login" in told.value.hint, "invoke sandbox" in told.value.hint) == (
        True, True, True,
    )  # fmt: skip


def test_a_wrong_option_is_said_before_anybody_is_asked(monkeypatch):
    """A typo would be told only to those who are signed in."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match="not a repository"):
        settings.resolve({"region": "us-east-1", "repository": ["UPPER"]})
    with pytest.raises(UsageError, match="--region is required"):
        settings.resolve({})
    with pytest.raises(UsageError, match="nope"):
        settings.resolve({"region": "us-east-1", "profile": "nope"})


def test_region_and_account_come_from_the_configuration_and_from_sts(aws, monkeypatch):
    """A user who has a region in the AWS configuration would have to type it."""
    aws.answers = [(200, _caller("arn:aws:iam::123456789012:user/me"))]
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert settings.resolve({}) == {"region": "eu-west-1", "account": "123456789012"}
    assert len(aws.requests) == 1
    known = {"region": "us-east-1", "role_arn": "arn:aws:iam::210987654321:role/x", "registry_id": "210987654321"}
    assert settings.resolve(known)["account"] == "210987654321"
    assert len(aws.requests) == 1, "a role's ARN says whose account it is"


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Admin/me@example.com", "Admin"),
        ("arn:aws-us-gov:sts::123456789012:assumed-role/ci/run-1", "ci"),
        ("arn:aws:iam::123456789012:user/assumed-role/x", ""),
        ("arn:aws:iam::123456789012:root", ""),
    ],
)
def test_the_role_behind_a_session(arn, role):
    """A session would be trusted under a name that AWS does not know."""
    assert Caller(account="123456789012", arn=arn).role == role


@pytest.mark.parametrize("answer", [(500, "<x/>"), (503, "<x/>"), None])
def test_a_create_is_sent_once(aws, seam, answer):
    """A repeated create would leave a second access key behind, and two is all there may be."""
    aws.answers = [answer]
    with pytest.raises(OutcomeUnknown):
        seam.create_key("u")
    assert len(aws.requests) == 1


def test_half_a_create_is_an_unknown_outcome(aws, seam):
    """Half an answer would be taken for a key, or the key that was made be forgotten."""
    aws.answers, aws.cut = [(200, KEY[:200])], 300
    with pytest.raises(OutcomeUnknown):
        seam.create_key("u")
    aws.answers, aws.cut = [(200, "<CreateAccessKeyResponse/>")], 0
    with pytest.raises(OutcomeUnknown):
        seam.create_key("u")
    assert len(aws.requests) == 2


def test_what_may_be_sent_twice_is_repeated(aws, seam):
    """One hiccup of AWS would fail a whole run."""
    aws.answers = [(503, "<x/>"), None, (400, _refusal("Throttling")), (200, _caller("arn:aws:iam::1:user/me"))]
    with pytest.raises(Unavailable):
        seam.sign_in.caller("us-east-1")
    aws.answers = [
        (503, "{}"),
        (400, '{"__type": "ThrottlingException"}'),
        (200, '{"repositories": [{"repositoryName": "a"}]}'),
    ]
    assert [one["repositoryName"] for one in seam.list_repositories()] == ["a"]


def test_a_throttle_that_lasts_is_told(aws, seam):
    """A throttled account would be asked for ever."""
    aws.answers = [(400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}')]
    with pytest.raises(RateLimited):
        seam.list_repositories()
    assert 3 < len(aws.requests) < 40


def test_half_a_reading_is_no_answer(aws, seam):
    """A list that broke off would be taken for the whole."""
    aws.answers = [(200, '{"other": 1}')]
    with pytest.raises(Unavailable, match="half an answer, without repositories"):
        seam.list_repositories()


def test_no_debug_log_is_open(aws, seam, caplog):
    """At DEBUG botocore prints every answer, with the secret access key in it."""
    aws.answers = [(200, KEY)]
    for name in ("", "botocore", "botocore.parsers", "botocore.endpoint", "botocore.hooks", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        seam.create_key("u")
        for name in ("botocore.parsers", "botocore.endpoint", "botocore.auth"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        made = seam.create_key("u")
    finally:
        for name in ("", "botocore", "botocore.parsers", "botocore.endpoint", "botocore.hooks", "botocore.auth"):
            logging.getLogger(name).setLevel(logging.WARNING)
    assert (made.secret.reveal(), "canary" in caplog.text, "canary" in repr(made)) == ("canary-secret", False, False)


def test_a_wrong_parameter_is_the_users(seam, aws):
    """What botocore refuses by itself would look like a bug."""
    aws.answers = [(200, "{}")]
    client = seam.sign_in.client("ecr", "us-east-1")
    with pytest.raises(UsageError, match="could not try"):
        sent(client.describe_images, STEP, repositoryName=5)


def test_an_unreachable_region_is_named(monkeypatch):
    """A region that does not exist would look like AWS being down."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with pytest.raises(Unavailable, match="us-est-1: is that a region of AWS"):
        SignIn().caller("us-est-1")


@pytest.mark.parametrize("answer", [{}, {"authorizationData": []}, {"authorizationData": [{"authorizationToken": "!!"}]}])
def test_half_a_token_is_no_token(answer):
    """An empty password would replace a good credential."""
    with pytest.raises(Unavailable):
        read_token(answer, "take a token")


def test_a_token_is_split_at_the_first_colon():
    """A password with a colon in it would be cut."""
    from base64 import b64encode
    from datetime import UTC, datetime

    data = {"authorizationToken": b64encode(b"AWS:a:b:c").decode(), "expiresAt": datetime(2026, 1, 1, tzinfo=UTC)}
    for answer in ({"authorizationData": [data]}, {"authorizationData": data}):
        found = read_token(answer, "x")
        assert (found.username, found.password.reveal()) == ("AWS", "a:b:c")
    with pytest.raises(Unavailable):
        read_token({"authorizationData": [data | {"authorizationToken": b64encode(b"AWS:").decode()}]}, "x")


def _caller(arn: str) -> str:
    return (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def _refusal(code: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
