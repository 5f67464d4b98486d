"""The main job on AWS, through the command line and real boto3, against the sandbox."""

import json
import time
from datetime import datetime, timedelta

import boto3
import pytest

from pullgrant.kit.clock import SystemClock
from pullgrant.sandbox.world import Fault

ACCOUNT, NEIGHBOUR = "123456789012", "210987654321"
HOST = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{HOST}/team/app:v1"
BOOTSTRAP = ("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pullgrant/docker-reader"
TRUSTS_THE_OPERATOR = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/operator"},
    "Action": "sts:AssumeRole",
}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [TRUSTS_THE_OPERATOR]})
ANSWERS = ("verdict", "pull", "push", "anonymous", "outside")
PROVEN = ["proven", "allowed", "denied", "denied", "denied"]


@pytest.fixture
def iam(house):
    return boto3.client("iam", region_name="us-east-1")


def proof(done):
    return [done.json["proof"][name] for name in ANSWERS]


def roles(iam):
    return [one["RoleName"] for one in iam.list_roles()["Roles"]]


def calls(house, *services):
    return [call.kind for call in house.world.calls if call.kind.startswith(tuple(f"{one}." for one in services))]


def allow(*actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def test_the_main_job(house, iam):
    """`ecr.bootstrap` would not make a proven, narrow reader and register its token."""
    done = house.run(*BOOTSTRAP, "--json")
    assert (done.code, done.json["reader"], done.json["registry"], proof(done)) == (0, ROLE, HOST, PROVEN)
    assert done.json["resource"] == f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/app"
    left = datetime.fromisoformat(done.json["expires_at"]) - house.world.now()
    assert timedelta(hours=11, minutes=50) < left <= timedelta(hours=12)
    assert house.pull(IMAGE)
    assert iam.list_role_policies(RoleName="docker-reader")["PolicyNames"] == ["pullgrant-pull"]


def test_running_again_changes_nothing(house):
    """Cron would make tokens and write policies for nothing."""
    house.run(*BOOTSTRAP)
    before = len(house.world.calls)
    again = house.run(*BOOTSTRAP, "--json")
    made = [call.kind for call in house.world.calls[before:] if "Get" not in call.kind and "List" not in call.kind]
    assert (again.code, again.json["why"], [one for one in made if not one.startswith(("ecr.Describe", "platforms"))]) == (
        0, "all is as wanted", [],
    )  # fmt: skip


def test_seven_hours_later_a_new_token_is_registered(house):
    """A token would die under a platform."""
    house.run(*BOOTSTRAP)
    first = house.run("status", "--json").json["readers"][0]
    house.run("sandbox.advance", "--hours", "7")
    done = house.run("rotate", "--json")
    second = house.run("status", "--json").json["readers"][0]
    assert (done.code, done.json["readers"][0]["renewed"], first["key_id"] != second["key_id"]) == (0, True, True)
    assert done.json["next_run_at"] > first["expires_at"][:13]
    house.run("sandbox.advance", "--hours", "6")
    assert house.pull(IMAGE), "the first token is dead by now"


def test_nothing_due_asks_nobody(house, monkeypatch):
    """A frequent schedule would cost calls, or need a sign-in when there is nothing to do."""
    house.run(*BOOTSTRAP)
    before = len(house.world.calls)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)
    done = house.run("rotate")
    assert (done.code, "not due" in done.out, "next run: not after" in done.out) == (0, True, True)
    assert house.world.calls[before:] == []


def test_a_dying_credential_is_announced(house):
    """A schedule that is too slow, or an outage, would show only when a platform can no longer pull."""
    house.run(*BOOTSTRAP)
    assert house.run("rotate", "--next-run", "11h").code == 0
    late = house.run("rotate", "--next-run", "13h")
    assert (late.code, "dies at" in late.err) == (6, True)
    house.run("sandbox.advance", "--hours", "7")
    house.world.fail_next(Fault(kind="sts.*", how="503", times=1000))
    down = house.run("rotate", "--json")
    assert (down.code, down.json["readers"][0]["why"]) == (6, "failed")
    assert house.pull(IMAGE)
    house.world.reset()
    assert house.run("rotate").code == 0


def test_by_a_user(house, iam):
    """An access key would stay behind, or the user be wider than the role."""
    done = house.run(*BOOTSTRAP, "--method", "user", "--json")
    assert (done.code, proof(done)) == (0, PROVEN)
    assert iam.list_access_keys(UserName="docker-reader")["AccessKeyMetadata"] == []
    house.run("sandbox.advance", "--hours", "7")
    assert house.run("rotate").code == 0
    assert (house.pull(IMAGE), roles(iam)) == (True, [])


@pytest.mark.parametrize(
    ("argv", "host", "arn"),
    [
        (("--region", "us-gov-west-1"), f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com", "arn:aws-us-gov:iam"),
        (("--region", "cn-north-1"), f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", "arn:aws-cn:iam"),
        (("--registry", f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws"), f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws", "arn:aws:iam"),
        (("--registry", f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com"),
         f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com", "arn:aws:iam"),
    ],
)  # fmt: skip
def test_other_partitions_and_forms_of_the_host(house, argv, host, arn):
    """A reader in China, in GovCloud, or behind another form of the host would not work."""
    done = house.run("ecr.bootstrap", *argv, "--repository", "team/app", "--json")
    assert (done.code, done.json["registry"], done.json["reader"].startswith(arn), proof(done)) == (0, host, True, PROVEN)
    assert house.pull(f"{host}/team/app:v1")


def test_another_accounts_registry(house):
    """A reader could not pull across accounts, or the other account's policy would lose its own statements."""
    other = boto3.Session(profile_name="other").client("ecr", region_name="us-east-1")
    mine = {"Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/operator"},
            "Action": ["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy", "ecr:DescribeRepositories", "ecr:DescribeImages",
                       "ecr:DeleteRepositoryPolicy"]}  # fmt: skip
    other.set_repository_policy(
        repositoryName="shared/app", policyText=json.dumps({"Version": "2012-10-17", "Statement": [mine]})
    )
    argv = ("ecr.bootstrap", "--region", "us-east-1", "--registry-id", NEIGHBOUR, "--repository", "shared/app")
    done = house.run(*argv, "--json")
    assert (done.code, done.json["reader"], done.json["proof"]["verdict"]) == (0, ROLE, "proven")
    statements = json.loads(other.get_repository_policy(repositoryName="shared/app")["policyText"])["Statement"]
    assert [one["Sid"].startswith("Pullgrant") for one in statements] == [False, True]
    assert house.run("revoke", "--reader", "docker-reader", "--yes").code == 0
    left = json.loads(other.get_repository_policy(repositoryName="shared/app")["policyText"])["Statement"]
    assert [one["Sid"] for one in left] == ["theirs"]


@pytest.fixture
def patient(monkeypatch):
    """Nobody waits for what will not come: sleeping moves the monotonic clock."""
    slept = []
    monkeypatch.setattr(SystemClock, "sleep", lambda clock, seconds: slept.append(seconds))
    monkeypatch.setattr(SystemClock, "monotonic", lambda clock: time.monotonic() + sum(slept))


@pytest.mark.usefixtures("patient")
def test_another_accounts_policy_that_only_its_owner_may_change(house):
    """The operator would not learn what to ask the other account for."""
    argv = ("ecr.bootstrap", "--region", "us-east-1", "--registry-id", NEIGHBOUR, "--repository", "shared/app")
    shown = house.run(*argv, "--plan", "--json")
    remark = next(one for one in shown.json["remarks"] if "its owner must add" in one)
    statement = json.loads(remark[remark.index("{") :])
    refused = house.run(*argv, "--image", "shared/app:v1")
    assert refused.code == 4
    statement["Principal"]["AWS"] = ROLE
    other = boto3.Session(profile_name="other").client("ecr", region_name="us-east-1")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    other.set_repository_policy(repositoryName="shared/app", policyText=document)
    done = house.run(*argv, "--image", "shared/app:v1", "--json")
    assert (done.code, done.json["proof"]["verdict"]) == (0, "proven")


def test_a_public_registry_needs_no_credential(house):
    """A token would be made for what everybody may pull."""
    done = house.run("ecr.bootstrap", "--registry", "public.ecr.aws", "--json")
    assert (done.code, done.json["changed"], "public" in done.json["why"]) == (0, False, True)
    wanted = house.run("ecr.bootstrap", "--registry", "public.ecr.aws", "--unproven", "--json")
    assert (wanted.code, wanted.json["changed"], wanted.json["role"]) == (0, True, "log in")


@pytest.mark.parametrize("as_policy", ["inline", "of the role itself"])
def test_a_token_of_a_caller_that_may_push_fails_the_proof(house, iam, as_policy):
    """An ECR token may what its caller may: a wide role would be handed to a platform."""
    iam.create_role(RoleName="wide", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="wide", PolicyName="all", PolicyDocument=allow("ecr:*"))
    done = house.run(*BOOTSTRAP, "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/wide")
    assert (done.code, "may push" in done.err, house.pull(IMAGE)) == (4, True, False)
    if as_policy == "inline":
        assert house.run(*BOOTSTRAP).code == 0
        iam.put_role_policy(RoleName="docker-reader", PolicyName="sneaky", PolicyDocument=allow("ecr:*"))
        found = house.run("verify")
        assert (found.code, "sneaky" in found.out) == (4, True)
        narrowed = house.run("rotate", "--verify", "--json")
        assert (narrowed.code, narrowed.json["readers"][0]["renewed"]) == (0, True)
        assert iam.list_role_policies(RoleName="docker-reader")["PolicyNames"] == ["pullgrant-pull"]


def test_a_role_of_somebody_else(house, iam):
    """A role of that name would be taken over unasked, or a reader that is given would be deleted."""
    iam.create_role(RoleName="docker-reader", AssumeRolePolicyDocument=TRUST)
    refused = house.run(*BOOTSTRAP)
    assert (refused.code, "--adopt" in refused.err) == (3, True)
    adopted = house.run(*BOOTSTRAP, "--adopt", "--json")
    assert (adopted.code, proof(adopted)) == (0, PROVEN)
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=TRUST)
    document = allow("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    iam.put_role_policy(RoleName="theirs", PolicyName="all", PolicyDocument=document)
    own = ("--role-arn", f"arn:aws:iam::{ACCOUNT}:role/theirs", "--sink", f"docker-config:{house.folder}/given.json")
    given = house.run("ecr.bootstrap", "--region", "us-east-1", "--reader", "given", *own, "--json")
    assert given.code == 0, given.out
    assert given.json["proof"]["verdict"] == "proven"
    for reader in ("given", "docker-reader"):
        assert house.run("revoke", "--reader", reader, "--yes").code == 0
    assert roles(iam) == ["theirs"]


def test_an_operator_who_is_a_role(house, iam, monkeypatch):
    """An operator who signs in through a role, as most do, could not bootstrap; or would promise more than AWS keeps."""
    made = iam.create_role(RoleName="admin", Path="/team/", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=allow("iam:*", "ecr:*", "sts:*"))
    keys = boto3.client("sts", region_name="us-east-1").assume_role(RoleArn=made["Arn"], RoleSessionName="me")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
    done = house.run(*BOOTSTRAP, "--json")
    assert (done.code, proof(done)) == (0, PROVEN)
    left = datetime.fromisoformat(done.json["expires_at"]) - house.world.now()
    assert timedelta(minutes=58) < left <= timedelta(hours=1)
    document = iam.get_role(RoleName="docker-reader")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"]["AWS"] in (made["Arn"], [made["Arn"]])


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("--repository", "team/ap"), 3, "there: app, team/app, team/other"),
        (("--repository", "TEAM"), 2, "not a repository"),
        (("--profile", "nobody"), 3, '"Action": "iam:GetRole"'),
        (("--profile", "nowhere"), 2, "nowhere"),
        (("--registry", "gcr.io"), 2, "not a registry of Amazon ECR"),
    ],
)
def test_refusals_name_the_way_on(house, iam, argv, code, words):
    """A refusal would have the wrong exit code, or leave the user alone."""
    done = house.run("ecr.bootstrap", "--region", "us-east-1", *argv)
    assert (done.code, words in done.err, roles(iam)) == (code, True, [])


def test_signed_in_nowhere(house, monkeypatch):
    """A newcomer would not learn the two ways on."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_PROFILE",
    ):
        monkeypatch.delenv(name)
    done = house.run(*BOOTSTRAP)
    assert (done.code, "aws sso login" in done.err, "invoke sandbox" in done.err) == (2, True, True)


def test_late_visibility_is_waited_for(house):
    """IAM is eventually consistent: the first run on a quiet account would fail."""
    house.world.settle_after(reads=3)
    done = house.run(*BOOTSTRAP, "--json")
    assert (done.code, proof(done)) == (0, PROVEN)


def test_nothing_of_ours_is_left(house, iam):
    """A revocation would leave power in the account, or an entry in the platform."""
    house.run(*BOOTSTRAP)
    done = house.run("revoke", "--reader", "docker-reader", "--yes")
    assert (done.code, roles(iam), house.pull(IMAGE)) == (0, [], False)
    assert "nothing can revoke" in done.out


def test_one_token_serves_every_slot(house):
    """The cost would grow with the platforms, and not with the tokens."""
    house.run(*BOOTSTRAP, "--sink", "akka", "--sink", "docker-config", "--sink", f"docker-config:{house.folder}/second.json")
    house.run("sandbox.advance", "--hours", "7")
    before = len(house.world.calls)
    assert house.run("rotate").code == 0
    assert [call.kind for call in house.world.calls[before:]].count("ecr.GetAuthorizationToken") == 1


def test_the_operators_own_profile_is_used_again(house, monkeypatch):
    """`rotate` would act in whatever account the scheduler is signed in to."""
    argv = ("ecr.bootstrap", "--region", "us-east-1", "--repository", "shared/app", "--profile", "other", "--json")
    made = house.run(*argv)
    assert (made.code, made.json["reader"].split(":")[4]) == (0, NEIGHBOUR)
    house.run("sandbox.advance", "--hours", "7")
    assert house.run("rotate", "--json").json["readers"][0]["renewed"] is True
