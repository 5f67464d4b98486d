"""IAM's no: quotas, names, principals, rights of the caller, and changes that are seen late."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config

from sandbox.aws.talk import ACCOUNT, APP, OPERATOR, OTHER, Talk, allow, deny, policy, pulling, refused

UNCHECKED = Config(parameter_validation=False, retries={"total_max_attempts": 1})


def test_two_keys(talk: Talk) -> None:
    """A third key, or an inactive one's place, would be given."""
    talk.user("someone")
    iam = talk.client("iam")
    second = iam.create_access_key(UserName="someone")["AccessKey"]
    iam.update_access_key(UserName="someone", AccessKeyId=second["AccessKeyId"], Status="Inactive")
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"):
        iam.create_access_key(UserName="someone")
    assert [key["Status"] for key in iam.list_access_keys(UserName="someone")["AccessKeyMetadata"]] == ["Active", "Inactive"]


def test_times_are_the_worlds(talk: Talk) -> None:
    """What is made after the clock was advanced would look older than what was made before."""
    talk.world.advance(timedelta(days=10))
    key = talk.user("someone")
    iam = talk.client("iam")
    listed = iam.list_access_keys(UserName="someone")["AccessKeyMetadata"][0]["CreateDate"]
    talk.role("reader")
    made = (
        key["CreateDate"],
        listed,
        iam.get_user(UserName="someone")["User"]["CreateDate"],
        iam.get_role(RoleName="reader")["Role"]["CreateDate"],
    )
    assert [abs(each - talk.world.now()) < timedelta(seconds=5) for each in made] == [True] * 4


def test_names_differ_by_more_than_case(talk: Talk) -> None:
    """Two users or roles could have names that AWS takes for one."""
    iam = talk.client("iam")
    talk.user("Reader")
    talk.role("Reader")
    with refused("EntityAlreadyExists"):
        iam.create_user(UserName="reader")
    with refused("EntityAlreadyExists"):
        talk.role("READER")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"UserName": "a/b"}, "userName"),
        ({"UserName": "x" * 65}, "userName"),
        ({"UserName": "fine", "Path": "no-slashes"}, "path"),
        ({}, "userName"),
        ({"UserName": "fine", "Tags": [{"Key": "", "Value": "x"}]}, "tags.1.member.key"),
    ],
)
def test_parameters(talk: Talk, parameters: Any, words: str) -> None:
    """AWS would refuse a parameter that the sandbox takes."""
    with refused("ValidationError", words):
        talk.client("iam", config=UNCHECKED).create_user(**parameters)


def test_policy_sizes(talk: Talk) -> None:
    """A policy of many repositories would be taken that AWS refuses for its size."""
    talk.user("someone")
    talk.role("reader")
    iam = talk.client("iam")
    arns = [APP.replace("app", f"application-{number:03}") for number in range(30)]
    assert len(json.dumps(arns)) > 2048
    long = policy(*pulling(*arns))
    with refused("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user someone"):
        iam.put_user_policy(UserName="someone", PolicyName="pull", PolicyDocument=long)
    iam.put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=long)
    iam.put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=long)
    for name in ("two", "three", "four"):
        iam.put_role_policy(RoleName="reader", PolicyName=name, PolicyDocument=long)
    with refused("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role reader"):
        iam.put_role_policy(RoleName="reader", PolicyName="five", PolicyDocument=long)
    many = [f"arn:aws:iam::{ACCOUNT}:role/{'x' * 60}{number}" for number in range(30)]
    with refused("LimitExceeded", "ACLSizePerRole"):
        talk.role("trusting", trusted=many)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:iam::{ACCOUNT}:user/ghost",
        f"arn:aws:iam::{ACCOUNT}:role/ghost",
        f"arn:aws:iam::{ACCOUNT}:role/wrong-path/reader",
        "arn:aws:iam::999999999999:root",
        f"arn:aws-cn:iam::{ACCOUNT}:root",
        "nobody",
    ],
)
def test_trust_in_nobody(talk: Talk, principal: str) -> None:
    """A role could trust a principal that does not exist."""
    talk.role("reader")
    with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{principal}"'):
        talk.role("trusting", trusted=principal)
    with refused("MalformedPolicyDocument", "Invalid principal"):
        trust = policy(allow("sts:AssumeRole", Principal={"AWS": [OPERATOR, principal]}))
        talk.client("iam").update_assume_role_policy(RoleName="reader", PolicyDocument=trust)


@pytest.mark.parametrize("trusted", [ACCOUNT, f"arn:aws:iam::{OTHER}:root", f"arn:aws:iam::{OTHER}:user/operator", "*"])
def test_trust_in_somebody(talk: Talk, trusted: str) -> None:
    """A role could not trust a principal that exists."""
    assert talk.role("trusting", trusted=trusted).endswith(":role/trusting")


def test_malformed_policies(talk: Talk) -> None:
    """AWS would refuse a policy that the sandbox takes."""
    talk.role("reader")
    iam = talk.client("iam")
    for document in ("{", "{}", policy({"Effect": "Maybe", "Action": "ecr:*", "Resource": "*"})):
        with refused("MalformedPolicyDocument"):
            iam.put_role_policy(RoleName="reader", PolicyName="pull", PolicyDocument=document)
    with refused("MalformedPolicyDocument"):
        iam.create_role(RoleName="other", AssumeRolePolicyDocument="{")


def test_deletion_needs_emptiness(talk: Talk) -> None:
    """A user could be deleted with all that hangs on it."""
    key = talk.user("someone", *pulling(APP))
    iam = talk.client("iam")
    with refused("DeleteConflict"):
        iam.delete_user(UserName="someone")
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    with refused("DeleteConflict"):
        iam.delete_user(UserName="someone")
    iam.delete_user_policy(UserName="someone", PolicyName="pull")
    iam.delete_user(UserName="someone")
    with refused("NoSuchEntity"):
        iam.get_user(UserName="someone")
    with refused("NoSuchEntity"):
        iam.delete_user(UserName="someone")


def test_a_reader_is_no_administrator(talk: Talk) -> None:
    """A reader could write in IAM."""
    keys = talk.reader()
    iam = talk.client("iam", keys=keys)
    words = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/test is not authorized to perform: iam:CreateUser on resource: "
        f"arn:aws:iam::{ACCOUNT}:user/new because no identity-based policy allows the iam:CreateUser action"
    )
    with refused("AccessDenied", words):
        iam.create_user(UserName="new")
    with refused("AccessDenied", "iam:PutRolePolicy"):
        iam.put_role_policy(RoleName="reader", PolicyName="more", PolicyDocument=policy(allow("*", "*")))
    with refused("AccessDenied", "iam:ListUsers on resource: *"):
        iam.list_users()


def test_rights_on_some_names(talk: Talk) -> None:
    """An operator who may make readers under a path only could make others too."""
    path = f"arn:aws:iam::{ACCOUNT}:user/registry-readers/*"
    key = talk.user(
        "maker",
        allow(["iam:CreateUser", "iam:CreateAccessKey"], path),
        deny("iam:CreateUser", "arn:aws:iam::*:user/*denied"),
    )
    iam = talk.client("iam", keys=key)
    iam.create_user(UserName="one", Path="/registry-readers/")
    assert iam.create_access_key(UserName="one")["AccessKey"]["Status"] == "Active"
    with refused("AccessDenied", f"arn:aws:iam::{ACCOUNT}:user/two"):
        iam.create_user(UserName="two")
    with refused("AccessDenied", "with an explicit deny in an identity-based policy"):
        iam.create_user(UserName="denied", Path="/registry-readers/")
    with refused("AccessDenied"):
        iam.create_access_key(UserName="operator")


def test_own_keys(talk: Talk) -> None:
    """A call without a user's name would not mean its caller, or would mean one for a role."""
    key = talk.user("someone", allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/someone"))
    iam = talk.client("iam", keys=key)
    assert iam.get_user()["User"]["UserName"] == "someone"
    assert iam.create_access_key()["AccessKey"]["UserName"] == "someone"
    session = talk.client("iam", keys=talk.assume(talk.role("admin", allow("iam:*", "*"))))
    with refused("ValidationError", "Must specify userName"):
        session.create_access_key()


def test_accounts_do_not_meet(talk: Talk) -> None:
    """An account would see another's users."""
    talk.user("someone")
    other = talk.client("iam", profile="other")
    with refused("NoSuchEntity"):
        other.get_user(UserName="someone")
    assert [user["UserName"] for user in other.list_users()["Users"]] == ["operator"]


def test_managed_policies(talk: Talk) -> None:
    """AWS's own policies could not be attached, or would grant nothing."""
    arn = talk.role("reader")
    talk.client("iam").attach_role_policy(
        RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    )
    login = talk.login(talk.assume(arn))
    assert (talk.pulls(login), talk.pulls(login, "team/other"), talk.pushes(login)) == (200, 200, 403)


def test_groups(talk: Talk) -> None:
    """A user would lack the rights of its groups."""
    key, iam = talk.user("someone"), talk.client("iam")
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="pull", PolicyDocument=policy(*pulling(APP)))
    with refused("AccessDeniedException"):
        talk.login(key)
    iam.add_user_to_group(GroupName="readers", UserName="someone")
    assert talk.pulls(talk.login(key)) == 200


def test_boundary(talk: Talk) -> None:
    """A permissions boundary would not narrow a role."""
    iam = talk.client("iam")
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=policy(*pulling(APP)))["Policy"]["Arn"]
    arn = talk.role("wide", allow("ecr:*", "*"), PermissionsBoundary=boundary)
    login = talk.login(talk.assume(arn))
    assert (talk.pulls(login), talk.pushes(login)) == (200, 403)
    assert "no permissions boundary allows" in talk.registry("POST", "/v2/team/app/blobs/uploads/", login).text


def test_simulation(talk: Talk) -> None:
    """Policy simulation would fail as in moto, or judge otherwise than the calls themselves."""
    arn = talk.role("reader", *pulling(APP), deny("ecr:PutImage", "*"))
    actions = ["ecr:BatchGetImage", "ecr:InitiateLayerUpload", "ecr:PutImage"]
    iam = talk.client("iam")
    found = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, ResourceArns=[APP, APP + "2"])
    decisions = [each["EvalDecision"] for each in found["EvaluationResults"]]
    assert decisions == ["allowed", "implicitDeny", "explicitDeny", "implicitDeny", "implicitDeny", "explicitDeny"]
    for absent in (arn + "s", f"arn:aws:iam::{OTHER}:user/operator"):
        with refused("NoSuchEntity"):
            iam.simulate_principal_policy(PolicySourceArn=absent, ActionNames=actions)


def test_unbuilt_operation(talk: Talk) -> None:
    """What moto has not built would crash the sandbox or look like a success."""
    with refused("NotImplemented", "iam:GenerateServiceLastAccessedDetails"):
        talk.client("iam").generate_service_last_accessed_details(Arn=OPERATOR)
    talk.aws.recorded.clear()  # AWS has no such refusal
