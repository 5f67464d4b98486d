"""Readers that were given the same role, renewed in one run against the sandbox."""

import json

import boto3

ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def test_one_token_serves_all_readers_of_a_role(house):
    """The cost of a rotation would grow with the readers, or one of them be left with a token that dies."""
    iam = boto3.client("iam", region_name="us-east-1")
    trust = document(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/operator"}, Action="sts:AssumeRole")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=trust, MaxSessionDuration=43200)
    pull = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    iam.put_role_policy(RoleName="theirs", PolicyName="pull", PolicyDocument=document(Action=pull, Resource="*"))
    files = {name: house.folder / f"{name}.json" for name in ("one", "two", "three")}
    for name, file in files.items():
        made = house.run("ecr.bootstrap", "--region", "us-east-1", "--role-arn", ROLE, "--reader", name, "--sink",
                         f"docker-config:{file}")  # fmt: skip
        assert made.code == 0
    for hours in ("7", "6"):
        house.run("sandbox.advance", "--hours", hours)
        before = len(house.world.calls)
        done = house.run("rotate", "--json")
        kinds = [call.kind for call in house.world.calls[before:]]
        assert (done.code, [one["renewed"] for one in done.json["readers"]]) == (0, [True] * 3)
        assert (kinds.count("sts.AssumeRole"), kinds.count("ecr.GetAuthorizationToken")) == (1, 1)
        assert [name for name, file in files.items() if not house.pull(IMAGE, f"docker-config:{file}")] == []
