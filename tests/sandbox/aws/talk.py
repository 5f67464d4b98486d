"""Talks to the fake AWS with boto3, and to its registries with httpx, both through the sandbox's proxy."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import boto3
import botocore.session
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from pullgrant.sandbox.run import Sandbox
from sandbox.aws.models import RecordingAws

ACCOUNT, OTHER = "123456789012", "210987654321"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/operator"
APP = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/app"
HOST = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")
PUSH = ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage", *PULL)
ONCE = Config(retries={"total_max_attempts": 1})
Login = tuple[str, str]


class Talk:
    """One operator in front of one fake. `asked` are the kinds of calls so far."""

    def __init__(self, sandbox: Sandbox, held: ExitStack, loader: Loader) -> None:
        self.sandbox, self._held, self._loader, self.world = sandbox, held, loader, sandbox.world
        aws = sandbox.countries["aws"]
        assert isinstance(aws, RecordingAws)
        self.aws = aws
        trust = ssl.create_default_context(cafile=str(sandbox.ca_file))
        self.http = held.enter_context(httpx.Client(proxy=sandbox.url, verify=trust, trust_env=False, timeout=10))

    def client(self, service: str, region: str = "us-east-1", *, profile: str = "", keys: Any = None, **how: Any) -> Any:
        """Return a client of boto3: the operator's, a profile's, or one with `keys`: an AccessKey or Credentials answer."""
        session = boto3.Session(botocore_session=self._botocore(profile))
        if keys:
            how |= {
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys.get("SessionToken"),
            }
        made: Any = session.client(service, region_name=region, config=how.pop("config", ONCE), **how)
        return self.keep(made)

    def keep(self, client: Any) -> Any:
        """Return a client that is closed when the test ends."""
        self._held.callback(client.close)
        return client

    def _botocore(self, profile: str) -> Any:
        """Return botocore's session as it makes them itself, with the models already read."""
        made = botocore.session.Session(profile=profile or None)
        made.register_component("data_loader", self._loader)
        return made

    def role(self, name: str = "reader", *statements: dict[str, Any], trusted: str = OPERATOR, **how: Any) -> str:
        """Make a role that `trusted` may assume, with an inline policy of the statements; return its ARN."""
        iam = how.pop("iam", None) or self.client("iam")
        document = policy(allow("sts:AssumeRole", Principal={"AWS": trusted}))
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **how)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=policy(*statements))
        return str(arn)

    def reader(self, name: str = "reader") -> Any:
        """Make a role that may pull team/app, and return credentials of a session."""
        return self.assume(self.role(name, *pulling(APP)))

    def assume(self, arn: str, *, keys: Any = None, region: str = "us-east-1", **how: Any) -> Any:
        """Return credentials of a session of a role."""
        sts = self.client("sts", region, keys=keys)
        return sts.assume_role(RoleArn=arn, RoleSessionName="test", **how)["Credentials"]

    def user(self, name: str, *statements: dict[str, Any]) -> Any:
        """Make a user with an inline policy of the statements, and return an access key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="pull", PolicyDocument=policy(*statements))
        return iam.create_access_key(UserName=name)["AccessKey"]

    def login(self, keys: Any = None, region: str = "us-east-1", **how: Any) -> Login:
        """Return user and password of a fresh token of ECR."""
        answer = self.client("ecr", region, keys=keys, **how).get_authorization_token()
        return decoded(answer["authorizationData"][0])

    def registry(self, method: str, path: str, login: Login | None, host: str = HOST) -> httpx.Response:
        """Ask a registry."""
        return self.http.request(method, f"https://{host}{path}", auth=login)

    def pulls(self, login: Login | None, repository: str = "team/app", host: str = HOST) -> int:
        """Return the status of a pull."""
        return self.registry("GET", f"/v2/{repository}/manifests/v1", login, host).status_code

    def pushes(self, login: Login | None, repository: str = "team/app", host: str = HOST) -> int:
        """Return the status of the beginning of a push."""
        return self.registry("POST", f"/v2/{repository}/blobs/uploads/", login, host).status_code


def allow(action: Any, resource: Any = None, **more: Any) -> dict[str, Any]:
    """Return a statement that allows; without a resource, one for the policy of a resource."""
    return {"Effect": "Allow", "Action": action, **({"Resource": resource} if resource else {}), **more}


def deny(action: Any, resource: Any = None, **more: Any) -> dict[str, Any]:
    """Return a statement that denies."""
    return {**allow(action, resource, **more), "Effect": "Deny"}


def pulling(*arns: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the statements of a reader."""
    return allow("ecr:GetAuthorizationToken", "*"), allow(list(PULL), list(arns))


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def decoded(entry: Any) -> Login:
    """Return user and password of an authorizationToken."""
    user, _, password = base64.b64decode(entry["authorizationToken"]).decode().partition(":")
    return user, password


@contextmanager
def refused(code: str, words: str = "") -> Iterator[None]:
    """Demand that a call is refused with a code, and words in its message."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert (error["Code"], words in error["Message"], error["Message"]) == (code, True, error["Message"])
