"""ministack, another emulator that evaluates policies per repository, asked the same questions as our own judge.

It runs where it is on PATH. It pins a botocore of its own, so it wants an environment of its own:
`python3 -m venv DIR && DIR/bin/pip install ministack==1.5.33`, and DIR/bin/ministack linked into a folder on PATH.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.talk import ACCOUNT, APP, ONCE, PULL, Talk, allow, deny, policy, pulling
from servers import free_port, serving

pytestmark = [pytest.mark.real("ministack"), pytest.mark.slow]

OTHER = APP.replace("team/app", "team/other")
POLICIES: dict[str, tuple[dict[str, Any], ...]] = {
    "a reader of one repository": pulling(APP),
    "a reader of both": pulling(APP, OTHER),
    "a reader of a team": pulling(APP.replace("app", "*")),
    "a reader of all": pulling("*"),
    "a login only": (allow("ecr:GetAuthorizationToken", "*"),),
    "no login": (allow(list(PULL), APP),),
    "a pusher": (*pulling(APP), allow(["ecr:PutImage", "ecr:InitiateLayerUpload"], APP)),
    "everything": (allow("ecr:*", "*"),),
    "everything but one repository": (allow("ecr:*", "*"), deny("ecr:*", OTHER)),
    "wildcards in an action": (allow(["ecr:Batch*", "ecr:GetAuthorizationToken"], APP), allow("ecr:GetAuth*", "*")),
    "another service": (allow("ecr-public:*", "*"),),
    "all but one action": ({"Effect": "Allow", "NotAction": "ecr:ListImages", "Resource": "*"},),
    "all but one resource": ({"Effect": "Allow", "Action": "ecr:*", "NotResource": OTHER},),
    "a condition that is not met": (allow("ecr:*", "*", Condition={"StringEquals": {"aws:username": "ghost"}}),),
    "a condition that is met": (allow("ecr:*", "*", Condition={"StringLike": {"aws:username": "user-*"}}),),
    "an end in the past": (allow("ecr:*", "*", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),),
    "a deny under a condition": (allow("ecr:*", "*"), deny("*", "*", Condition={"StringEquals": {"aws:username": "x"}})),
    "another region": pulling(APP.replace("us-east-1", "eu-west-1")),
}


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    folder = tmp_path_factory.mktemp("ministack")
    own = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "HOME": str(folder),
    }
    with serving(["ministack"], port, folder, env={**os.environ, **own}, cwd=folder):
        yield f"http://127.0.0.1:{port}"


def decisions(iam: Any, ecr_of: Any, name: str, statements: tuple[dict[str, Any], ...]) -> dict[str, bool]:
    """Make a user with a policy, and return what its key may do, as its calls are answered."""
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="pull", PolicyDocument=policy(*statements))
    ecr = ecr_of(iam.create_access_key(UserName=name)["AccessKey"])
    image = [{"imageTag": "v1"}]
    calls = {
        "login": lambda: ecr.get_authorization_token(),
        "pull app": lambda: ecr.batch_get_image(repositoryName="team/app", imageIds=image),
        "pull other": lambda: ecr.batch_get_image(repositoryName="team/other", imageIds=image),
        "list app": lambda: ecr.list_images(repositoryName="team/app"),
        "set policy of app": lambda: ecr.delete_repository_policy(repositoryName="team/app"),
    }
    return {each: _allowed(call) for each, call in calls.items()}


def _allowed(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        return "AccessDenied" not in error.response["Error"]["Code"]
    except BotoCoreError as error:
        raise AssertionError("no answer") from error
    return True


def test_both_judges_agree(talk: Talk, ministack: str) -> None:
    """Our judge of policies would let pass, or refuse, what another one does not."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "aws_session_token": None}
    how = {"endpoint_url": ministack, "region_name": "us-east-1", "config": ONCE}

    def theirs(service: str, key: Any = None) -> Any:
        own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]} if key else {}
        return talk.keep(boto3.client(service, **{**how, **keys, **own}))

    admin = theirs("ecr")
    for name in ("team/app", "team/other"):
        admin.create_repository(repositoryName=name)
    found = {}
    for number, (words, statements) in enumerate(POLICIES.items()):
        user = f"user-{number}"
        ours = decisions(talk.client("iam"), lambda key: talk.client("ecr", keys=key), user, statements)
        found[words] = (ours, decisions(theirs("iam"), lambda key: theirs("ecr", key), user, statements))
    assert {words: pair for words, pair in found.items() if pair[0] != pair[1]} == {}
    assert {allowed for ours, _ in found.values() for allowed in ours.values()} == {True, False}
