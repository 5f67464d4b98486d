"""The bootstrap on AWS is killed before and after every remote call, by either method, new and rotating; and faulted."""

import boto3
import pytest

from pullgrant.sandbox.world import Fault

ROLE = ("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app")
USER = (*ROLE, "--method", "user")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
MOST_CALLS, PARTS = 60, 4
KINDS = (
    "sts.GetCallerIdentity",
    "iam.GetRole",
    "ecr.DescribeRepositories",
    "iam.CreateRole",
    "iam.PutRolePolicy",
    "sts.AssumeRole",
    "ecr.GetAuthorizationToken",
    "registry.manifest",
    "platforms.write",
)


def live():
    """Return the names of our roles and users, and the access keys of the latter."""
    iam = boto3.client("iam", region_name="us-east-1")
    mine = [one["RoleName"] for one in iam.list_roles(PathPrefix="/pullgrant/")["Roles"]]
    for user in iam.list_users(PathPrefix="/pullgrant/")["Users"]:
        keys = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        mine += [user["UserName"], *(key["AccessKeyId"] for key in keys)]
    return mine


def assert_converged(house, command):
    """After `recover` and one more run: nothing open, the platform pulls, one identity and no access key is left."""
    recovered = house.run("recover")
    assert recovered.code == 0, recovered.err
    again = house.run(*command)
    assert again.code == 0, again.err
    (standing,) = house.run("status", "--json").json["readers"]
    assert (standing["open_operations"], house.pull(IMAGE)) == ([], True)
    house.run("sandbox.advance", "--hours", "25")
    assert house.run("rotate").code == 0
    assert (live(), house.pull(IMAGE)) == (["docker-reader"], True)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("command", "rotating", "how"),
    [(ROLE, False, "kill-before"), (ROLE, False, "kill-after"), (ROLE, True, "kill-after"), (USER, False, "kill-after")],
    ids=["role-before", "role-after", "role-rotating", "user-after"],
)
def test_killed_at_every_remote_call(house, command, rotating, how, part):
    """A killed run would leave an access key that nobody knows, a dead token in a platform, or an open operation."""
    killed = 0
    for at in range(part, MOST_CALLS, PARTS):
        house.fresh()
        if rotating:
            assert house.run(*command).code == 0
        run = house.start(*command, *(["--rotate-now"] if rotating else []))
        house.world.fail_next(Fault(kind="*", skip=at, how=how, pid=run.pid))
        _, err = run.communicate(timeout=60)
        if run.returncode == 0:
            break  # there is no such call any more
        assert run.returncode == -9, err
        assert not rotating or house.pull(IMAGE), "what the user had before still works"
        assert_converged(house, command)
        killed += 1
    assert 2 <= killed < MOST_CALLS // PARTS


@pytest.mark.parametrize("how", ["503", "500", "drop", "half", "timeout"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_a_call(house, kind, how, monkeypatch):
    """A throttle, an outage or half an answer would end in a mess, or in a wrong exit code."""
    if how == "timeout":
        monkeypatch.setattr("pullgrant.providers.ecr.signin.READ_SECONDS", 2)
    house.world.fail_next(Fault(kind=kind, how=how))
    done = house.run(*ROLE)
    assert done.code in (0, 4, 5, 6), done.err
    assert_converged(house, ROLE)


@pytest.mark.parametrize("how", ["503", "drop", "half"])
@pytest.mark.parametrize(
    "kind", ["iam.CreateUser", "iam.CreateAccessKey", "iam.DeleteAccessKey", "ecr.GetAuthorizationToken"]
)
def test_a_fault_of_a_user(house, kind, how):
    """An access key would be left behind by one lost answer."""
    house.world.fail_next(Fault(kind=kind, how=how))
    done = house.run(*USER)
    assert done.code in (0, 6), done.err
    assert_converged(house, USER)


def test_a_throttled_account(house):
    """A busy account would fail every renewal."""
    body = '{"__type": "ThrottlingException", "message": "Rate exceeded"}'
    house.world.fail_next(Fault(kind="ecr.*", how="400", times=3, body=body))
    assert house.run(*ROLE).code == 0


def test_killed_in_the_middle_of_many(house):
    """A killed rotation of several readers would leave those that it had begun in a mess."""
    for name in ("one", "two", "three"):
        done = house.run(*ROLE, "--reader", name, "--sink", f"docker-config:{house.folder}/{name}.json")
        assert done.code == 0, done.err
    house.run("sandbox.advance", "--hours", "7")
    for skip in (10, 25, 40):
        run = house.start("rotate")
        house.world.fail_next(Fault(kind="*", skip=skip, how="kill-after", pid=run.pid))
        run.communicate(timeout=60)
        assert run.returncode in (0, -9)
    assert house.run("rotate").code == 0
    readers = house.run("status", "--json").json["readers"]
    assert [(one["open_operations"], one["proof"]["verdict"]) for one in readers] == [([], "proven")] * 3
