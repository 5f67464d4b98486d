"""IAM is eventually consistent: what was just changed is seen later, by reads or by seconds."""

from __future__ import annotations

from datetime import timedelta

from sandbox.aws.talk import ACCOUNT, APP, OPERATOR, Talk, allow, policy, pulling, refused


def test_fresh_user(talk: Talk) -> None:
    """A user would be there at once, and a provider that does not wait would never be caught."""
    iam = talk.client("iam")
    talk.world.settle_after(reads=2)
    iam.create_user(UserName="fresh")
    for _ in range(2):
        with refused("NoSuchEntity", "The user with name fresh cannot be found."):
            iam.create_access_key(UserName="fresh")
    assert iam.create_access_key(UserName="fresh")["AccessKey"]["UserName"] == "fresh"
    with refused("EntityAlreadyExists"):
        iam.create_user(UserName="fresh")


def test_fresh_key(talk: Talk) -> None:
    """A key would work at once."""
    talk.user("someone", *pulling(APP))
    talk.world.settle_after(reads=1)
    key = talk.client("iam").create_access_key(UserName="someone")["AccessKey"]
    sts, ecr = talk.client("sts", keys=key), talk.client("ecr", keys=key)
    with refused("InvalidClientTokenId"):
        sts.get_caller_identity()
    assert sts.get_caller_identity()["Arn"].endswith("user/someone")
    assert ecr.get_authorization_token()["authorizationData"]


def test_fresh_key_at_ecr(talk: Talk) -> None:
    """ECR's words for a key that is not yet seen would not be met."""
    talk.user("someone", *pulling(APP))
    talk.world.settle_after(seconds=5)
    ecr = talk.client("ecr", keys=talk.client("iam").create_access_key(UserName="someone")["AccessKey"])
    with refused("UnrecognizedClientException"):
        ecr.get_authorization_token()
    talk.world.advance(timedelta(seconds=6))
    assert ecr.get_authorization_token()["authorizationData"]


def test_key_made_inactive(talk: Talk) -> None:
    """A key would be dead at once everywhere."""
    key = talk.user("someone")
    talk.world.settle_after(reads=1)
    talk.client("iam").update_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    sts = talk.client("sts", keys=key)
    assert sts.get_caller_identity()["Account"] == ACCOUNT
    with refused("InvalidClientTokenId"):
        sts.get_caller_identity()


def test_deleted_key(talk: Talk) -> None:
    """A deleted key would be dead at once everywhere."""
    key = talk.user("someone")
    talk.world.settle_after(seconds=3)
    talk.client("iam").delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    sts = talk.client("sts", keys=key)
    assert sts.get_caller_identity()["Account"] == ACCOUNT
    talk.world.advance(timedelta(seconds=4))
    with refused("InvalidClientTokenId"):
        sts.get_caller_identity()


def test_fresh_role(talk: Talk) -> None:
    """A role could be assumed at once, and its policy would hold at once."""
    talk.world.settle_after(seconds=4)
    iam = talk.client("iam")
    trust = policy(allow("sts:AssumeRole", Principal={"AWS": OPERATOR}))
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    with refused("AccessDenied", "sts:AssumeRole"):
        talk.assume(arn)
    talk.world.advance(timedelta(seconds=5))
    iam.put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=policy(*pulling(APP)))
    ecr = talk.client("ecr", keys=talk.assume(arn))
    with refused("AccessDeniedException", "because no identity-based policy allows the ecr:GetAuthorizationToken action"):
        ecr.get_authorization_token()
    talk.world.advance(timedelta(seconds=5))
    assert ecr.get_authorization_token()["authorizationData"]


def test_changed_policy(talk: Talk) -> None:
    """A policy that was narrowed would hold at once, or a question that it does not touch would count as a read of it."""
    other = APP.replace("app", "other")
    login = talk.login(talk.assume(talk.role("reader", *pulling(APP, other))))
    talk.world.settle_after(reads=1)
    narrow = policy(*pulling(APP))
    talk.client("iam").put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=narrow)
    assert [talk.pulls(login) for _ in range(3)] == [200, 200, 200]
    assert [talk.pulls(login, "team/other") for _ in range(2)] == [200, 403]


def test_widened_policy_at_the_registry(talk: Talk) -> None:
    """A grant would be seen by the registry at once, or never; each request is one read."""
    login = talk.login(talk.assume(talk.role("reader", allow("ecr:GetAuthorizationToken", "*"))))
    talk.world.settle_after(reads=2)
    talk.client("iam").put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=policy(*pulling(APP)))
    assert [talk.pulls(login) for _ in range(3)] == [403, 403, 200]
    assert talk.pushes(login) == 403


def test_fresh_principal_of_a_repository(talk: Talk) -> None:
    """A repository's policy could name a role that ECR does not see yet."""
    talk.world.settle_after(reads=1)
    arn = talk.role("fresh")
    document = policy(allow("ecr:BatchGetImage", Principal={"AWS": arn}))
    ecr = talk.client("ecr")
    with refused("InvalidParameterException", "Invalid repository policy provided"):
        ecr.set_repository_policy(repositoryName="team/app", policyText=document)
    ecr.set_repository_policy(repositoryName="team/app", policyText=document)
    with refused("MalformedPolicyDocument"):
        talk.role("trusting", trusted=talk.role("fresher"))


def test_repository_policy(talk: Talk) -> None:
    """A grant in a repository's policy would hold at once."""
    arn = talk.role("reader", allow("ecr:GetAuthorizationToken", "*"))
    login = talk.login(talk.assume(arn))
    talk.world.settle_after(seconds=3)
    document = policy(allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Principal={"AWS": arn}))
    talk.client("ecr").set_repository_policy(repositoryName="team/app", policyText=document)
    assert talk.pulls(login) == 403
    talk.world.advance(timedelta(seconds=4))
    assert talk.pulls(login) == 200


def test_deleted_role(talk: Talk) -> None:
    """The rights of a deleted role would end at once everywhere."""
    login, iam = talk.login(talk.reader()), talk.client("iam")
    talk.world.settle_after(seconds=3)
    iam.delete_role_policy(RoleName="reader", PolicyName="pull")
    assert talk.pulls(login) == 200
    talk.world.advance(timedelta(seconds=4))
    assert talk.pulls(login) == 403


def test_two_changes_before_either_settled(talk: Talk) -> None:
    """A reader would see the first of two fresh changes, which never held."""
    login = talk.login(talk.assume(talk.role("reader", allow("ecr:GetAuthorizationToken", "*"))))
    talk.world.settle_after(seconds=3)
    iam = talk.client("iam")
    for document in (policy(*pulling(APP)), policy(*pulling(APP.replace("app", "other")))):
        iam.put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=document)
    assert (talk.pulls(login), talk.pulls(login, "team/other")) == (403, 403)
    talk.world.advance(timedelta(seconds=4))
    assert (talk.pulls(login), talk.pulls(login, "team/other")) == (403, 200)
