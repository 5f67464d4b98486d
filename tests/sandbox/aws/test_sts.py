"""Sessions of roles: who may open one, for how long, and what it may do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.aws.talk import ACCOUNT, APP, OPERATOR, OTHER, Talk, allow, deny, policy, pulling, refused


def test_who_am_i(talk: Talk) -> None:
    """The operator, a user and a session would not be told apart."""
    assert talk.client("sts").get_caller_identity()["Arn"] == OPERATOR
    session = talk.client("sts", keys=talk.reader()).get_caller_identity()
    role_id = talk.client("iam").get_role(RoleName="reader")["Role"]["RoleId"]
    assert (session["Arn"], session["UserId"]) == (f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/test", f"{role_id}:test")
    user = talk.client("sts", keys=talk.user("someone")).get_caller_identity()
    assert user["UserId"] == talk.client("iam").get_user(UserName="someone")["User"]["UserId"]
    other = talk.client("sts", profile="other").get_caller_identity()
    assert (other["Account"], other["Arn"]) == (OTHER, f"arn:aws:iam::{OTHER}:user/operator")


def test_absent_role(talk: Talk) -> None:
    """A role that does not exist could be assumed, as in moto."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/ghost"
    words = f"User: {OPERATOR} is not authorized to perform: sts:AssumeRole on resource: {arn}"
    with refused("AccessDenied", words):
        talk.assume(arn)
    with refused("ValidationError", "is invalid"):
        talk.assume(f"arn:aws:iam::{ACCOUNT}:user/operator")
    with refused("ValidationError", "is invalid"):
        talk.assume(f"arn:aws-cn:iam::{ACCOUNT}:role/ghost")


def test_path_is_part_of_the_arn(talk: Talk) -> None:
    """A role under a path could be assumed by a wrong ARN."""
    arn = talk.role("deep", Path="/registry-readers/")
    assert arn == f"arn:aws:iam::{ACCOUNT}:role/registry-readers/deep"
    assert talk.client("sts", keys=talk.assume(arn)).get_caller_identity()["Arn"].endswith(":assumed-role/deep/test")
    with refused("AccessDenied"):
        talk.assume(f"arn:aws:iam::{ACCOUNT}:role/deep")


def test_trust(talk: Talk) -> None:
    """A role could be assumed by somebody whom its trust policy does not name, or who may not assume roles."""
    talk.user("allowed", allow("sts:AssumeRole", "*"))
    for_operator = talk.role("for-operator")
    keys = talk.client("iam").create_access_key(UserName="allowed")["AccessKey"]
    with refused("AccessDenied"):
        talk.assume(for_operator, keys=keys)
    idle = talk.user("idle")
    for_all = talk.role("for-all", trusted=ACCOUNT)
    assert talk.assume(for_all, keys=keys)["AccessKeyId"].startswith("ASIA")
    with refused("AccessDenied"):
        talk.assume(for_all, keys=idle)
    for_idle = talk.role("for-idle", trusted=f"arn:aws:iam::{ACCOUNT}:user/idle")
    assert talk.assume(for_idle, keys=idle)["AccessKeyId"].startswith("ASIA")


def test_trust_of_another_account(talk: Talk) -> None:
    """A foreign principal could come in by one side's word alone."""
    arn = talk.role("shared", trusted=f"arn:aws:iam::{OTHER}:root")
    other = talk.client("sts", profile="other")
    assert other.assume_role(RoleArn=arn, RoleSessionName="test")["AssumedRoleUser"]["Arn"].startswith("arn:aws:sts::1234")
    with refused("AccessDenied"):
        talk.client("sts", profile="other").assume_role(RoleArn=talk.role("own"), RoleSessionName="test")


def test_external_id(talk: Talk) -> None:
    """The condition of a trust policy would not count."""
    arn = talk.role("outside")
    condition = {"StringEquals": {"sts:ExternalId": "secret-word"}}
    trust = policy(allow("sts:AssumeRole", Principal={"AWS": OPERATOR}, Condition=condition))
    talk.client("iam").update_assume_role_policy(RoleName="outside", PolicyDocument=trust)
    for how in ({}, {"ExternalId": "another"}):
        with refused("AccessDenied"):
            talk.assume(arn, **how)
    assert talk.assume(arn, ExternalId="secret-word")["AccessKeyId"].startswith("ASIA")


def test_length(talk: Talk) -> None:
    """A session could last longer than its role, or than a chain of roles, allows."""
    arn = talk.role("long", *pulling(APP), MaxSessionDuration=7200)
    for seconds, words in ((899, "greater than or equal to 900"), (43201, "less than or equal to 43200")):
        with refused("ValidationError", words):
            talk.client("sts", config=_unchecked()).assume_role(RoleArn=arn, RoleSessionName="test", DurationSeconds=seconds)
    with refused("ValidationError", "exceeds the MaxSessionDuration"):
        talk.assume(arn, DurationSeconds=7201)
    ends = talk.assume(arn, DurationSeconds=7200)["Expiration"]
    assert abs(ends - talk.world.now() - timedelta(seconds=7200)) < timedelta(seconds=5)
    first = talk.assume(talk.role("first", allow("sts:AssumeRole", "*")))
    trust = policy(allow("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/first"}))
    talk.client("iam").update_assume_role_policy(RoleName="long", PolicyDocument=trust)
    with refused("ValidationError", "role chaining"):
        talk.assume(arn, keys=first, DurationSeconds=3601)
    assert talk.assume(arn, keys=first, DurationSeconds=3600)["AccessKeyId"].startswith("ASIA")


def _unchecked() -> object:
    from botocore.config import Config

    return Config(parameter_validation=False, retries={"total_max_attempts": 1})


@pytest.mark.parametrize("name", ["a b", "x", "a/b"])
def test_session_name(talk: Talk, name: str) -> None:
    """AWS would refuse a name that the sandbox takes."""
    arn = talk.role()
    with refused("ValidationError", "roleSessionName"):
        talk.client("sts", config=_unchecked()).assume_role(RoleArn=arn, RoleSessionName=name)


def test_session_ends(talk: Talk) -> None:
    """A session would outlive its time by the world's clock, or have another refusal than AWS's."""
    keys = talk.reader()
    sts, ecr = talk.client("sts", keys=keys), talk.client("ecr", keys=keys)
    talk.world.advance(timedelta(minutes=59))
    assert ecr.get_authorization_token()["authorizationData"]
    talk.world.advance(timedelta(minutes=2))
    with refused("ExpiredToken"):
        sts.get_caller_identity()
    with refused("ExpiredTokenException"):
        ecr.get_authorization_token()


def test_session_policy_narrows(talk: Talk) -> None:
    """A session policy would not narrow, or would grant what the role lacks."""
    other = APP.replace("team/app", "team/other")
    arn = talk.role("wide", *pulling(APP, other))
    keys = talk.assume(arn, Policy=policy(*pulling(APP)))
    login = talk.login(keys)
    assert (talk.pulls(login), talk.pulls(login, "team/other")) == (200, 403)
    assert "because no session policy allows" in talk.registry("GET", "/v2/team/other/manifests/v1", login).text
    widened = talk.login(talk.assume(arn, Policy=policy(allow("ecr:*", "*"))))
    assert (talk.pulls(widened), talk.pushes(widened)) == (200, 403)
    denied = talk.login(talk.assume(arn, Policy=policy(allow("ecr:*", "*"), deny("ecr:*", other))))
    assert (talk.pulls(denied), talk.pulls(denied, "team/other")) == (200, 403)
    with refused("MalformedPolicyDocument"):
        talk.assume(arn, Policy="{")
    pull_only = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    assert talk.pulls(talk.login(talk.assume(arn, PolicyArns=[{"arn": pull_only}]))) == 200


def test_deny_of_old_sessions(talk: Talk) -> None:
    """Sessions could not be revoked the way AWS documents: a Deny on those issued before a time."""
    arn = talk.role("revoked", *pulling(APP), allow("iam:*", "*"))
    old = talk.login(keys=talk.assume(arn))
    talk.world.advance(timedelta(seconds=60))
    now = f"{talk.world.now():%Y-%m-%dT%H:%M:%SZ}"
    revoke = policy(deny("*", "*", Condition={"DateLessThan": {"aws:TokenIssueTime": now}}))
    talk.client("iam").put_role_policy(RoleName="revoked", PolicyName="revoke", PolicyDocument=revoke)
    assert talk.pulls(old) == 403
    talk.world.advance(timedelta(seconds=1))
    assert talk.pulls(talk.login(keys=talk.assume(arn))) == 200


def test_role_that_came_again(talk: Talk) -> None:
    """A session would get the rights of a new role of the same name."""
    keys = talk.reader()
    login, iam = talk.login(keys), talk.client("iam")
    iam.delete_role_policy(RoleName="reader", PolicyName="pull")
    iam.delete_role(RoleName="reader")
    assert talk.pulls(login) == 403
    talk.role("reader", *pulling(APP))
    assert talk.pulls(login) == 403
    with refused("AccessDeniedException"):
        talk.client("ecr", keys=keys).get_authorization_token()


def test_unknown_operation(talk: Talk) -> None:
    """An operation that the sandbox lacks would look like a success."""
    with refused("InvalidAction"):
        talk.client("sts").get_session_token()
