"""ECR Public with its registry, and Secrets Manager."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.aws.talk import ACCOUNT, APP, Talk, allow, decoded, pulling, refused

HOST = "public.ecr.aws"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:pull-??????"


def public_login(talk: Talk, keys: Any = None) -> tuple[str, str]:
    """Return user and password of a token of ECR Public."""
    return decoded(talk.client("ecr-public", keys=keys).get_authorization_token()["authorizationData"])


def ask(talk: Talk, method: str, path: str, login: tuple[str, str] | None, scope: str) -> httpx.Response:
    """Ask the public registry with a token of its own token service."""
    query = {"service": HOST, "scope": scope}
    given = talk.http.get(f"https://{HOST}/token/", params=query, auth=login)
    assert given.status_code == 200
    return talk.http.request(method, f"https://{HOST}{path}", headers={"authorization": f"Bearer {given.json()['token']}"})


def test_public_token(talk: Talk) -> None:
    """ECR Public's token would be a list, or one of the private registries, or never end."""
    entry = talk.client("ecr-public").get_authorization_token()["authorizationData"]
    assert sorted(entry) == ["authorizationToken", "expiresAt"]
    assert abs(entry["expiresAt"] - talk.world.now() - timedelta(hours=12)) < timedelta(seconds=5)
    login = decoded(entry)
    assert (talk.pulls(login), talk.pulls(talk.login())) == (401, 200)
    token = f"https://{HOST}/token/?service={HOST}"
    assert [talk.http.get(token, auth=each).status_code for each in (login, talk.login())] == [200, 401]
    talk.world.advance(timedelta(hours=13))
    assert talk.http.get(token, auth=login).status_code == 401


@pytest.mark.parametrize("held", [[], ["ecr-public:GetAuthorizationToken"], ["sts:GetServiceBearerToken"]])
def test_public_token_needs_two_rights(talk: Talk, held: list[str]) -> None:
    """One of the two rights would be enough."""
    key = talk.user("someone", allow(["ecr:GetAuthorizationToken", *held], "*"))
    with refused("AccessDeniedException"):
        public_login(talk, key)


def test_public_api_lives_in_two_regions(talk: Talk) -> None:
    """An endpoint that botocore builds for any region would answer."""
    assert talk.client("ecr-public", "us-west-2").describe_registries()["registries"]
    with refused("UnsupportedCommandException"):
        talk.client("ecr-public", "eu-west-1").get_authorization_token()
    talk.aws.recorded.clear()  # the models know this refusal for other operations only


def test_public_registry(talk: Talk) -> None:
    """Somebody could not pull, or anybody could push."""
    app = "repository:pullgrant/app:pull,push"
    narrow = public_login(talk, talk.user("someone", allow(["ecr-public:GetAuthorizationToken", "sts:*"], "*")))
    upload = "/v2/pullgrant/app/blobs/uploads/"
    for login in (None, narrow, public_login(talk)):
        assert ask(talk, "GET", "/v2/pullgrant/app/manifests/v1", login, app).status_code == 200
    statuses = [ask(talk, "POST", upload, login, app).status_code for login in (None, narrow, public_login(talk))]
    assert statuses == [401, 403, 202]
    assert "ecr-public:InitiateLayerUpload" in ask(talk, "POST", upload, narrow, app).text
    challenge = talk.http.get(f"https://{HOST}/v2/").headers["www-authenticate"]
    assert challenge == f'Bearer realm="https://{HOST}/token/",service="{HOST}"'


def test_public_descriptions(talk: Talk) -> None:
    """Registry and repositories would not be there, or a missing one would be no error."""
    public = talk.client("ecr-public")
    assert public.describe_registries()["registries"][0]["aliases"][0]["name"] == "pullgrant"
    uris = [each["repositoryUri"] for each in public.describe_repositories()["repositories"]]
    assert uris == ["public.ecr.aws/pullgrant/app", "public.ecr.aws/pullgrant/other"]
    with refused("RepositoryNotFoundException"):
        public.describe_repositories(repositoryNames=["ghost"])
    other = talk.client("ecr-public", profile="other")
    assert (other.describe_registries()["registries"][0]["aliases"], other.describe_repositories()["repositories"]) == (
        [],
        [],
    )
    with refused("AccessDeniedException"):
        talk.client("ecr-public", keys=talk.reader()).describe_registries()
    with refused("UnknownOperationException"):
        public.create_repository(repositoryName="new")


def test_secrets(talk: Talk) -> None:
    """A secret would not keep its versions, or be open to everybody."""
    secrets = talk.client("secretsmanager")
    arn = secrets.create_secret(Name="pull", SecretString="one")["ARN"]
    secrets.put_secret_value(SecretId="pull", SecretString="two")
    versions = [
        secrets.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"] for stage in ("AWSCURRENT", "AWSPREVIOUS")
    ]
    assert versions == ["two", "one"]
    writer = talk.user("writer", allow("secretsmanager:PutSecretValue", SECRET))
    own = talk.client("secretsmanager", keys=writer)
    own.put_secret_value(SecretId="pull", SecretString="three")
    own.put_secret_value(SecretId=arn, SecretString="four")
    exact = talk.client("secretsmanager", keys=talk.user("exact", allow("secretsmanager:GetSecretValue", arn)))
    for name in ("pull", arn):
        assert exact.get_secret_value(SecretId=name)["SecretString"] == "four"
    with refused("AccessDeniedException", "secretsmanager:GetSecretValue"):
        own.get_secret_value(SecretId="pull")
    with refused("AccessDeniedException"):
        own.put_secret_value(SecretId="other", SecretString="five")
    with refused("AccessDeniedException"):
        talk.client("secretsmanager", keys=talk.user("reader", *pulling(APP))).get_secret_value(SecretId="pull")
