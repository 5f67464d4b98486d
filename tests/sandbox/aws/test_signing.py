"""Who is let in: access keys, sessions and signatures, and how everybody else is refused in each protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.aws.talk import OPERATOR, Talk, refused

QUERY = ("sts", "sts.us-east-1.amazonaws.com", b"Action=GetCallerIdentity&Version=2011-06-15")
JSON = ("ecr", "api.ecr.us-east-1.amazonaws.com", b"{}")
KINDS = {
    "absent": ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    "unreadable": ("IncompleteSignature", "IncompleteSignatureException"),
    "unknown": ("InvalidClientTokenId", "UnrecognizedClientException"),
    "wrong": ("SignatureDoesNotMatch", "InvalidSignatureException"),
}


def signed(talk: Talk, call: tuple[str, str, bytes], *, region: str = "us-east-1", service: str = "") -> dict[str, str]:
    """Return the headers of a call as botocore signs it for the operator."""
    name, host, body = call
    key_id, secret = talk.aws.operator_key()
    headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
    if name == "ecr":
        target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
        headers |= {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
    request: Any = AWSRequest(method="POST", url=f"https://{host}/", data=body, headers=headers)
    auth: Any = SigV4Auth(Credentials(key_id, secret), service or name, region)
    auth.add_auth(request)
    return dict(request.headers.items())


def send(talk: Talk, call: tuple[str, str, bytes], headers: dict[str, str], body: bytes | None = None) -> httpx.Response:
    """Send a call with headers that were signed, or changed since."""
    _, host, own = call
    return talk.http.post(f"https://{host}/", headers=headers, content=own if body is None else body)


def changed(name: str, change: Callable[[str], str]) -> Callable[[dict[str, str]], dict[str, str]]:
    """Return what changes one header."""
    return lambda headers: headers | {name: change(headers[name])}


def _without(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Authorization"}


def _earlier(stamp: str) -> str:
    then = datetime.strptime(stamp + "+0000", "%Y%m%dT%H%M%SZ%z") - timedelta(minutes=6)
    return f"{then:%Y%m%dT%H%M%SZ}"


def _last_digit(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


CHANGES = [
    ("absent", _without),
    ("unreadable", changed("Authorization", lambda text: "Basic dXNlcjpwYXNz")),
    ("unreadable", changed("Authorization", lambda text: text.replace(", Signature", ", Sig"))),
    ("unreadable", changed("Authorization", lambda text: text.replace(";x-amz-date", ""))),
    ("unreadable", changed("X-Amz-Date", lambda text: "yesterday")),
    ("unknown", changed("Authorization", lambda text: text.replace("AKIA", "AKIB"))),
    ("unknown", lambda headers: headers | {"x-amz-security-token": "foreign"}),
    ("wrong", changed("Authorization", _last_digit)),
    ("wrong", changed("X-Amz-Date", _earlier)),
    ("wrong", changed("Authorization", lambda text: re.sub(r"/\d{8}/", "/20200101/", text))),
    ("wrong", lambda headers: headers | {"x-amz-content-sha256": "0" * 64}),
]


@pytest.mark.parametrize("call", [QUERY, JSON], ids=["query", "json"])
def test_true_signature(talk: Talk, call: tuple[str, str, bytes]) -> None:
    """The test's own signature would be refused, and every refusal below would prove nothing."""
    assert send(talk, call, signed(talk, call)).status_code == 200


@pytest.mark.parametrize("call", [QUERY, JSON], ids=["query", "json"])
@pytest.mark.parametrize(("kind", "change"), CHANGES)
def test_false_signature(talk: Talk, call: tuple[str, str, bytes], kind: str, change: Any) -> None:
    """A call that the operator did not sign would be answered, or refused in other words than AWS's."""
    response = send(talk, call, change(signed(talk, call)))
    code = KINDS[kind][0 if call is QUERY else 1]
    assert (code in response.text, response.status_code >= 400) == (True, True), response.text


@pytest.mark.parametrize(("region", "service"), [("eu-west-1", "sts"), ("us-east-1", "iam")])
def test_foreign_scope(talk: Talk, region: str, service: str) -> None:
    """A signature for another region or service would be taken."""
    response = send(talk, QUERY, signed(talk, QUERY, region=region, service=service))
    assert (response.status_code, "SignatureDoesNotMatch" in response.text) == (403, True)


def test_changed_body(talk: Talk) -> None:
    """What was signed could be changed on its way."""
    response = send(talk, QUERY, signed(talk, QUERY), QUERY[2] + b"&More=1")
    assert (response.status_code, "SignatureDoesNotMatch" in response.text) == (403, True)


def test_wrong_secret(talk: Talk) -> None:
    """A key id without its secret would sign somebody in."""
    key_id, _ = talk.aws.operator_key()
    for service, code in (("iam", "SignatureDoesNotMatch"), ("ecr", "InvalidSignatureException")):
        client = talk.client(service, keys={"AccessKeyId": key_id, "SecretAccessKey": "x" * 40})
        with refused(code):
            client.list_users() if service == "iam" else client.get_authorization_token()


def test_inactive_and_deleted_keys(talk: Talk) -> None:
    """A key that was made inactive, or deleted, would still authenticate, as in moto."""
    key, iam = talk.user("someone"), talk.client("iam")
    sts, ecr = talk.client("sts", keys=key), talk.client("ecr", keys=key)
    assert sts.get_caller_identity()["Arn"].endswith(":user/someone")
    which = {"UserName": "someone", "AccessKeyId": key["AccessKeyId"]}
    iam.update_access_key(**which, Status="Inactive")
    _is_out(sts, ecr)
    iam.update_access_key(**which, Status="Active")
    assert sts.get_caller_identity()["Arn"].endswith(":user/someone")
    iam.delete_access_key(**which)
    _is_out(sts, ecr)


def _is_out(sts: Any, ecr: Any) -> None:
    with refused("InvalidClientTokenId", "The security token included in the request is invalid"):
        sts.get_caller_identity()
    with refused("UnrecognizedClientException", "The security token included in the request is invalid"):
        ecr.get_authorization_token()


def test_session_without_its_token(talk: Talk) -> None:
    """The keys of a session would work without its token, or with another's."""
    keys, other = talk.reader(), talk.assume(talk.role("another"))
    for token in (None, "", other["SessionToken"]):
        with refused("InvalidClientTokenId"):
            talk.client("sts", keys={**keys, "SessionToken": token}).get_caller_identity()


def test_session_of_another_partition(talk: Talk) -> None:
    """A session would reach over the border of its partition."""
    keys = talk.reader()
    with refused("InvalidClientTokenId"):
        talk.client("sts", "cn-north-1", keys=keys).get_caller_identity()


def test_last_use_of_a_key(talk: Talk) -> None:
    """Which key is unused could not be told, or by the wrong clock."""
    key, iam = talk.user("someone"), talk.client("iam")
    assert "LastUsedDate" not in iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    talk.world.advance(timedelta(days=3))
    with refused("AccessDeniedException"):
        talk.client("ecr", "eu-west-1", keys=key).get_authorization_token()
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("ecr", "eu-west-1")
    assert abs(used["LastUsedDate"] - talk.world.now()) < timedelta(seconds=5)


def test_advanced_clock_does_not_lock_out(talk: Talk) -> None:
    """After the world's clock was advanced no client could sign: clients know the machine's clock only."""
    talk.world.advance(timedelta(days=40))
    assert talk.client("sts").get_caller_identity()["Arn"] == OPERATOR


def test_names_in_the_log(talk: Talk) -> None:
    """The call log would not say who called, or under one name for all of AWS."""
    talk.client("sts").get_caller_identity()
    with refused("UnrecognizedClientException"):
        talk.client("ecr", keys={"AccessKeyId": "AKIAX", "SecretAccessKey": "y"}).get_authorization_token()
    seen = [(call.kind, call.principal, call.status) for call in talk.world.calls]
    assert seen == [("sts.GetCallerIdentity", OPERATOR, 200), ("ecr.GetAuthorizationToken", "", 400)]


def test_signed_nonsense(talk: Talk) -> None:
    """A signed call of nothing would look like a success, or crash the sandbox."""
    nothing = ("sts", QUERY[1], b"Action=GetCallerIdentity&Version=2010-05-08")
    response = send(talk, nothing, signed(talk, nothing))
    assert (response.status_code, "InvalidAction" in response.text) == (400, True)
    for body in (b"[]", b"{"):
        broken = ("ecr", JSON[1], body)
        response = send(talk, broken, signed(talk, broken))
        assert (response.status_code, "SerializationException" in response.text) == (400, True)
    blurred = ("sts", QUERY[1], b"Action=\xff")
    response = send(talk, blurred, signed(talk, blurred))
    assert (response.status_code, "MalformedInput" in response.text) == (400, True)
