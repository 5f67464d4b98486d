"""The country as a whole: what it costs to have it, how it forgets, and how clients find it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from sandbox.aws.models import Models
from sandbox.aws.talk import ACCOUNT, OPERATOR, Talk, refused

_START = """
import sys
from pullgrant.sandbox.aws import Aws
from pullgrant.sandbox.run import Sandbox
with Sandbox(factories={"aws": Aws}) as sandbox:
    sandbox.environment()
    print([name for name in ("moto", "boto3", "botocore", "werkzeug", "flask") if name in sys.modules])
"""
_SOURCE = next(path for path in sys.path if path.endswith("src"))


def test_start_is_cheap() -> None:
    """Every sandbox would pay for moto, also one that never asks AWS."""
    done = subprocess.run(
        [sys.executable, "-c", _START], capture_output=True, text=True, timeout=60, env={"PYTHONPATH": _SOURCE}, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_reset(talk: Talk) -> None:
    """Something of the day before would be left, or the operator locked out."""
    keys = talk.reader()
    login = talk.login(keys)
    talk.client("ecr").create_repository(repositoryName="new")
    talk.client("secretsmanager").create_secret(Name="pull", SecretString="one")
    talk.aws.reset()
    assert talk.pulls(login) == 401
    with refused("UnrecognizedClientException"):
        talk.login(keys)
    assert talk.client("iam").list_roles()["Roles"] == []
    assert len(talk.client("ecr").describe_repositories()["repositories"]) == 3
    assert talk.client("secretsmanager").list_secrets()["SecretList"] == []


def test_two_sandboxes(talk: Talk) -> None:
    """A second sandbox in the process would see the first one's readers, or break it."""
    talk.reader()
    with Sandbox(factories={"aws": type(talk.aws)}) as second:
        other = second.countries["aws"]
        assert isinstance(other, type(talk.aws))
        key_id, secret = other.operator_key()
        keys = {"aws_access_key_id": key_id, "aws_secret_access_key": secret, "region_name": "us-east-1"}
        iam: Any = boto3.client("iam", endpoint_url=second.url, **keys)
        assert iam.list_roles()["Roles"] == []
        iam.close()
    assert talk.client("sts").get_caller_identity()["Arn"] == OPERATOR


def test_endpoint_override(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that is led here by AWS_ENDPOINT_URL would not be understood."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", talk.sandbox.url)
    region = "eu-west-1"
    assert talk.client("sts", region).get_caller_identity()["Arn"] == OPERATOR
    users = talk.client("iam", region).list_users()["Users"]
    assert [user["UserName"] for user in users] == ["operator", "nobody"]
    entry = talk.client("ecr", region).get_authorization_token()["authorizationData"][0]
    assert entry["proxyEndpoint"] == f"https://{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    assert talk.client("ecr-public").get_authorization_token()["authorizationData"]
    assert talk.client("secretsmanager", region).list_secrets()["SecretList"] == []
    china = talk.client("sts", "cn-north-1").get_caller_identity()
    assert china["Arn"] == OPERATOR.replace("arn:aws:", "arn:aws-cn:")
    with refused("UnrecognizedClientException"):
        talk.client("ecr", region, keys={"AccessKeyId": "AKIAX", "SecretAccessKey": "y"}).get_authorization_token()


def test_the_users_own_settings(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user's shell holds besides would sign a foreign account in, or lead elsewhere."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "foreign")
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name, value in talk.sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert talk.client("sts").get_caller_identity()["Arn"] == OPERATOR
    assert "AWS_REGION" not in talk.sandbox.environment()
    nobody = talk.client("sts", profile="nobody").get_caller_identity()["Arn"]
    assert nobody == f"arn:aws:iam::{ACCOUNT}:user/nobody"


def test_files_are_private(talk: Talk) -> None:
    """Others on the machine could read the operator's key."""
    folder = talk.sandbox.folder / "aws"
    assert [oct((folder / name).stat().st_mode)[-3:] for name in ("credentials", "config")] == ["600", "600"]


def test_a_create_whose_answer_is_lost(talk: Talk) -> None:
    """A lost answer would look as if nothing had happened, or a lost call as if something had."""
    talk.user("someone")
    impatient = Config(retries={"total_max_attempts": 1}, read_timeout=0.3, connect_timeout=1)
    iam = talk.client("iam", config=impatient)
    talk.world.fail_next(Fault(kind="iam.CreateAccessKey", how="timeout"))
    with pytest.raises(ReadTimeoutError):
        iam.create_access_key(UserName="someone")
    assert len(iam.list_access_keys(UserName="someone")["AccessKeyMetadata"]) == 2
    talk.world.fail_next(Fault(kind="ecr.CreateRepository", how="503"))
    with refused("503"):
        talk.client("ecr").create_repository(repositoryName="new")
    assert len(talk.client("ecr").describe_repositories()["repositories"]) == 3


def test_unknown_hosts(talk: Talk) -> None:
    """A service that the sandbox lacks would be asked in the world outside."""
    from botocore.exceptions import ProxyConnectionError

    with pytest.raises((ProxyConnectionError, EndpointConnectionError)):
        talk.client("s3").list_buckets()


@pytest.mark.parametrize(
    ("host", "headers", "body", "code"),
    [
        ("iam.amazonaws.com", {}, "Action=GetCallerIdentity&Version=2011-06-15", "MissingAuthenticationToken"),
        ("api.ecr.us-east-1.amazonaws.com", {"x-amz-target": "Other.Thing"}, "{}", "MissingAuthenticationTokenException"),
        ("api.ecr.us-east-1.amazonaws.com", {}, "[", "MissingAuthenticationTokenException"),
        ("sts.us-east-1.amazonaws.com", {}, "\\xff\\xfe", "MissingAuthenticationToken"),
    ],
)
def test_nonsense(talk: Talk, host: str, headers: dict[str, str], body: str, code: str) -> None:
    """A request that cannot be read would crash the sandbox."""
    response = talk.http.post(f"https://{host}/", headers=headers, content=body)
    assert (response.status_code < 500, f"{code}" in response.text) == (True, True)


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("ecr.GetAuthorizationToken", 200, '{"authorizationData": [{"token": "x"}]}'),
        ("ecr.GetAuthorizationToken", 200, '{"authorizationData": [{"expiresAt": "tomorrow"}]}'),
        ("ecr.GetAuthorizationToken", 400, '{"__type": "Nothing", "message": "x"}'),
        ("ecr.GetAuthorizationToken", 400, '{"__type": "ThrottlingException"}'),
        ("ecr.Nothing", 200, "{}"),
        ("sts.GetCallerIdentity", 200, "<GetCallerIdentityResponse/>"),
        ("iam.GetUser", 403, "<Error/>"),
    ],
)
def test_the_judge_sees(models: Models, kind: str, status: int, body: str) -> None:
    """The checker of the fake's answers would let a wrong one pass."""
    assert models.faults(kind, Response(status=status, body=body.encode())) != []


def test_the_judge_sees_xml(models: Models) -> None:
    """The checker would let a wrong XML answer pass, or refuse a right one."""
    space = "https://iam.amazonaws.com/doc/2010-05-08/"
    key = {
        "UserName": "x",
        "AccessKeyId": "A" * 16,
        "Status": "Active",
        "SecretAccessKey": "s",
        "CreateDate": "2026-01-01T00:00:00Z",
    }
    for change in ({}, {"Status": "Lost"}, {"CreateDate": "now"}, {"Extra": "1"}, {"AccessKeyId": "A"}):
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in {**key, **change}.items())
        result = f"<CreateAccessKeyResult><AccessKey>{inner}</AccessKey></CreateAccessKeyResult>"
        body = f'<CreateAccessKeyResponse xmlns="{space}">{result}</CreateAccessKeyResponse>'
        assert bool(models.faults("iam.CreateAccessKey", Response(body=body.encode()))) is bool(change)


def test_kinds(talk: Talk) -> None:
    """Faults could not be planned for one operation."""
    (route,) = talk.aws.routes()
    assert route.names is not None
    headers = {"x-amz-target": "AmazonEC2ContainerRegistry_V20150921.PutImage"}
    requests = (
        Request(
            method="POST", host="api.ecr.us-east-1.amazonaws.com", path="/", headers=headers, body=json.dumps({}).encode()
        ),
        Request(method="POST", host="iam.amazonaws.com", path="/", body=b"Action=CreateUser&Version=2010-05-08"),
        Request(method="POST", host="iam.amazonaws.com", path="/", body=b"Action=../x&Version=2010-05-08"),
        Request(method="POST", host="127.0.0.1:1", path="/", body=b"Action=CreateUser"),
    )
    assert [route.names(each) for each in requests] == ["ecr.PutImage", "iam.CreateUser", "iam.unknown", "aws.unknown"]
