"""ECR's control plane: tokens of the caller, repositories and their policies, partitions, throttling."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from botocore.config import Config

from pullgrant.sandbox.aws.calls import planned
from pullgrant.sandbox.aws.refusal import throttled
from sandbox.aws.talk import ACCOUNT, APP, OPERATOR, OTHER, Talk, allow, decoded, deny, policy, pulling, refused

SHARED = f"arn:aws:ecr:us-east-1:{OTHER}:repository/shared/app"
OTHER_HOST = f"{OTHER}.dkr.ecr.us-east-1.amazonaws.com"


def test_token(talk: Talk) -> None:
    """Tokens would be one for all, or dead since 2015, as in moto."""
    ecr = talk.client("ecr")
    first, second = (ecr.get_authorization_token()["authorizationData"] for _ in range(2))
    assert [len(first), len(second)] == [1, 1]
    assert first[0]["authorizationToken"] != second[0]["authorizationToken"]
    assert base64.b64decode(first[0]["authorizationToken"]).startswith(b"AWS:")
    assert abs(first[0]["expiresAt"] - talk.world.now() - timedelta(hours=12)) < timedelta(seconds=5)
    assert first[0]["proxyEndpoint"] == f"https://{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"


def test_tokens_of_several_registries(talk: Talk) -> None:
    """registryIds would not be honoured, or would narrow."""
    found = talk.client("ecr").get_authorization_token(registryIds=[ACCOUNT, OTHER])["authorizationData"]
    assert [each["proxyEndpoint"].split(".")[0] for each in found] == [f"https://{ACCOUNT}", f"https://{OTHER}"]
    assert talk.pulls(decoded(found[1])) == 200
    with refused("InvalidParameterException", "registryIds"):
        talk.client("ecr").get_authorization_token(registryIds=["mine"])


def test_token_needs_a_right(talk: Talk) -> None:
    """A caller without GetAuthorizationToken, or with it on a repository only, would get a token."""
    words = "ecr:GetAuthorizationToken on resource: * because no identity-based policy allows"
    for name, statements in (("none", ()), ("narrow", (allow("ecr:*", APP),))):
        with refused("AccessDeniedException", words):
            talk.login(talk.assume(talk.role(name, *statements)))
    with refused("AccessDeniedException", "with an explicit deny in an identity-based policy"):
        talk.login(talk.user("denied", *pulling(APP), deny("ecr:GetAuthorizationToken", "*")))


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("us-east-1", f"https://{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"),
        ("eu-west-1", f"https://{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", f"https://{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", f"https://{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_partitions(talk: Talk, region: str, endpoint: str) -> None:
    """Hosts and ARNs of another partition would be those of the first."""
    ecr = talk.client("ecr", region)
    entry = ecr.get_authorization_token()["authorizationData"][0]
    assert entry["proxyEndpoint"] == endpoint
    host = endpoint.removeprefix("https://")
    found = ecr.describe_repositories(repositoryNames=["team/app"])["repositories"][0]
    partition = talk.client("sts", region).get_caller_identity()["Arn"].split(":")[1]
    expected = (f"{host}/team/app", f"arn:{partition}:ecr:{region}:{ACCOUNT}:repository/team/app")
    assert (found["repositoryUri"], found["repositoryArn"]) == expected
    assert talk.pulls(decoded(entry), host=host) == 200
    iam = talk.client("iam", region)
    trust = talk.client("sts", region).get_caller_identity()["Arn"]
    arn = talk.role("reader", *pulling(expected[1]), trusted=trust, iam=iam)
    assert arn == f"arn:{partition}:iam::{ACCOUNT}:role/reader"
    login = talk.login(talk.assume(arn, region=region), region)
    assert (talk.pulls(login, host=host), talk.pulls(login, "team/other", host), talk.pushes(login, host=host)) == (
        200,
        403,
        403,
    )


@pytest.mark.parametrize("how", [{"use_dualstack_endpoint": True}, {"use_fips_endpoint": True}])
def test_other_endpoints(talk: Talk, how: dict[str, bool]) -> None:
    """A FIPS or dual-stack endpoint would not answer."""
    both = Config(retries={"total_max_attempts": 1}, **how)  # type: ignore[arg-type]
    ecr = talk.client("ecr", config=both)
    assert ecr.get_authorization_token()["authorizationData"]
    assert talk.client("sts", config=both).get_caller_identity()["Arn"] == OPERATOR


def test_repositories(talk: Talk) -> None:
    """Repositories would not be there, or a missing one would be no error."""
    ecr = talk.client("ecr")
    assert [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]] == [
        "team/app",
        "team/other",
        "app",
    ]
    assert ecr.list_images(repositoryName="team/app")["imageIds"][0]["imageTag"] == "v1"
    with refused("RepositoryNotFoundException", f"'ghost' does not exist in the registry with id '{ACCOUNT}'"):
        ecr.describe_repositories(repositoryNames=["ghost"])
    assert talk.client("ecr", "ap-south-1").describe_repositories()["repositories"] == []
    with refused("AccessDeniedException", "arn:aws:ecr:us-east-1:999999999999:repository/team/app"):
        ecr.describe_images(repositoryName="team/app", registryId="999999999999")


def test_made_and_deleted_repositories(talk: Talk) -> None:
    """The registry would know other repositories than the control plane."""
    ecr, login = talk.client("ecr", "ap-south-1"), talk.login(region="ap-south-1")
    host = f"{ACCOUNT}.dkr.ecr.ap-south-1.amazonaws.com"
    assert talk.registry("GET", "/v2/new/tags/list", login, host).status_code == 404
    ecr.create_repository(repositoryName="new")
    assert talk.registry("GET", "/v2/new/tags/list", login, host).json() == {"name": "new", "tags": []}
    ecr.delete_repository(repositoryName="new")
    assert talk.registry("GET", "/v2/new/tags/list", login, host).status_code == 404
    with refused("InvalidParameterException", "repositoryName"):
        ecr.create_repository(repositoryName="Upper")


def test_a_reader_does_not_administer(talk: Talk) -> None:
    """A reader could read or write what only an operator may."""
    ecr = talk.client("ecr", keys=talk.reader())
    with refused("AccessDeniedException", f"ecr:DescribeRepositories on resource: {APP}"):
        ecr.describe_repositories(repositoryNames=["team/app"])
    with refused("AccessDeniedException", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"):
        ecr.describe_repositories()
    with refused("AccessDeniedException", "ecr:SetRepositoryPolicy"):
        ecr.set_repository_policy(repositoryName="team/app", policyText=policy())
    with refused("AccessDeniedException", "ecr:ListImages"):
        ecr.list_images(repositoryName="team/app")
    image = [{"imageTag": "v1"}]
    assert ecr.batch_get_image(repositoryName="team/app", imageIds=image)["images"][0]["registryId"] == ACCOUNT
    with refused("AccessDeniedException", "ecr:BatchGetImage"):
        ecr.batch_get_image(repositoryName="team/other", imageIds=image)


def test_repository_policies(talk: Talk) -> None:
    """A policy would not be kept, or a repository without one would not say so."""
    ecr = talk.client("ecr")
    words = f"Repository policy does not exist for the repository with name 'team/app' in the registry with id '{ACCOUNT}'"
    with refused("RepositoryPolicyNotFoundException", words):
        ecr.get_repository_policy(repositoryName="team/app")
    document = policy(allow("ecr:BatchGetImage", Principal={"AWS": OPERATOR}))
    ecr.set_repository_policy(repositoryName="team/app", policyText=document)
    assert OPERATOR in ecr.get_repository_policy(repositoryName="team/app")["policyText"]
    ecr.delete_repository_policy(repositoryName="team/app")
    with refused("RepositoryPolicyNotFoundException"):
        ecr.delete_repository_policy(repositoryName="team/app")


@pytest.mark.parametrize(
    "principal",
    [f"arn:aws:iam::{ACCOUNT}:role/ghost", f"arn:aws:iam::{OTHER}:user/ghost", "arn:aws:iam::999999999999:root", "nobody"],
)
def test_policy_for_nobody(talk: Talk, principal: str) -> None:
    """A policy could name a principal that does not exist, as in moto."""
    for element in (principal, [OPERATOR, principal]):
        document = policy(allow("ecr:BatchGetImage", Principal={"AWS": element}))
        with refused("InvalidParameterException", "Invalid repository policy provided"):
            talk.client("ecr").set_repository_policy(repositoryName="team/app", policyText=document)
    with refused("InvalidParameterException", "Invalid repository policy provided"):
        talk.client("ecr").set_repository_policy(repositoryName="team/app", policyText="{")


def test_across_accounts(talk: Talk) -> None:
    """One side's word would be enough across accounts."""
    arn = talk.role("reader", *pulling(SHARED))
    login = talk.login(talk.assume(arn))
    assert talk.pulls(login, "shared/app", OTHER_HOST) == 403
    text = talk.registry("GET", "/v2/shared/app/manifests/v1", login, OTHER_HOST).text
    assert "because no resource-based policy allows the ecr:BatchGetImage action" in text
    other = talk.client("ecr", profile="other")
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    other.set_repository_policy(repositoryName="shared/app", policyText=policy(allow(pull, Principal={"AWS": arn})))
    assert (talk.pulls(login, "shared/app", OTHER_HOST), talk.pushes(login, "shared/app", OTHER_HOST)) == (200, 403)
    assert talk.pulls(login, "shared/other", OTHER_HOST) == 403
    idle_arn = talk.role("idle", allow("ecr:GetAuthorizationToken", "*"))
    idle = talk.login(talk.assume(idle_arn))
    for principal in (idle_arn, f"arn:aws:sts::{ACCOUNT}:assumed-role/idle/test", "*"):
        document = policy(allow(pull, Principal={"AWS": principal}))
        other.set_repository_policy(repositoryName="shared/app", policyText=document)
        assert talk.pulls(idle, "shared/app", OTHER_HOST) == 403
    account = policy(allow(pull, Principal={"AWS": ACCOUNT}))
    other.set_repository_policy(repositoryName="shared/app", policyText=account)
    assert [talk.pulls(each, "shared/app", OTHER_HOST) for each in (login, idle)] == [200, 403]
    closed = policy(allow(pull, Principal="*"), deny("ecr:*", Principal={"AWS": arn}))
    other.set_repository_policy(repositoryName="shared/app", policyText=closed)
    assert (
        "explicit deny in a resource-based policy"
        in talk.registry("GET", "/v2/shared/app/manifests/v1", login, OTHER_HOST).text
    )


def test_control_plane_across_accounts(talk: Talk) -> None:
    """registryId would not lead to the other account, or without its leave."""
    ecr, other = talk.client("ecr"), talk.client("ecr", profile="other")
    with refused("AccessDeniedException", "no resource-based policy allows the ecr:DescribeImages action"):
        ecr.describe_images(registryId=OTHER, repositoryName="shared/app")
    document = policy(allow("ecr:DescribeImages", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    other.set_repository_policy(repositoryName="shared/app", policyText=document)
    assert ecr.describe_images(registryId=OTHER, repositoryName="shared/app")["imageDetails"][0]["registryId"] == OTHER


def test_calls_by_arn(talk: Talk) -> None:
    """A call that names a repository by its ARN would be judged as one about all."""
    tagger = talk.client("ecr", keys=talk.user("tagger", allow("ecr:*TagsForResource", APP)))
    assert tagger.list_tags_for_resource(resourceArn=APP)["tags"] == []
    with refused("AccessDeniedException", "repository/team/other"):
        tagger.list_tags_for_resource(resourceArn=APP.replace("team/app", "team/other"))


def test_throttling(talk: Talk) -> None:
    """Anybody could ask for tokens as often as he likes, or save up what he did not ask."""
    ecr = talk.client("ecr")
    for away in (timedelta(), timedelta(hours=1)):
        talk.world.advance(away)
        for _ in range(200):
            ecr.get_authorization_token()
        with refused("ThrottlingException", "Rate exceeded"):
            for _ in range(200):
                ecr.get_authorization_token()
    talk.world.advance(timedelta(seconds=1))
    assert ecr.get_authorization_token()["authorizationData"]


def test_planned_throttling(talk: Talk) -> None:
    """A planned fault would not be one to boto3, in either protocol."""
    talk.world.fail_next(planned("ecr.GetAuthorizationToken", throttled("json"), times=2))
    talk.world.fail_next(planned("iam.ListUsers", throttled("query")))
    with refused("Throttling"):
        talk.client("iam").list_users()
    ecr = talk.client("ecr")
    for _ in range(2):
        with refused("ThrottlingException", "Rate exceeded"):
            ecr.get_authorization_token()
    assert ecr.get_authorization_token()["authorizationData"]
    kinds = [(call.kind, call.status) for call in talk.world.calls][-3:]
    assert kinds == [("ecr.GetAuthorizationToken", status) for status in (400, 400, 200)]
