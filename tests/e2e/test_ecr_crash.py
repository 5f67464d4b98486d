"""The bootstrap on AWS is killed before and after every remote call, ledger write and sink write, and faulted at its calls.

A read leaves the world as it was, so that a kill before it is one after it; what changes something is killed at both ends.
"""

import re
from itertools import pairwise

import boto3
import pytest
from botocore.loaders import JSONFileLoader

from e2e.nursery import Nursery, remembering
from pullgrant.sandbox.world import Fault

ECR = ("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app", "--sink")
AKKA, ROLE = (*ECR, "akka"), (*ECR, "docker-config")
USER = (*ROLE, "--method", "user")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
MOST_CALLS, PARTS = 60, 2
LOAD_FILE = remembering()
BEFORE, AFTER = "kill-before", "kill-after"
OF_ROLE = ("iam.CreateRole", "iam.PutRolePolicy", "sts.AssumeRole", "ecr.GetAuthorizationToken")
OF_USER = ("iam.CreateUser", "iam.PutUserPolicy", "iam.CreateAccessKey", "ecr.GetAuthorizationToken", "iam.DeleteAccessKey")
RENEWAL = ("sts.AssumeRole", "ecr.GetAuthorizationToken", "registry.manifest", "platforms.read", "platforms.write")
# What was asked happens with `half` and `timeout`, whose answer is lost, and not with the others.
FAULTS = {
    "sts.GetCallerIdentity": ("503",),
    "iam.GetRole": ("500", "drop"),
    "ecr.DescribeRepositories": ("half",),
    "iam.CreateRole": ("503", "drop", "half", "timeout"),
    "iam.PutRolePolicy": ("500", "half"),
    "sts.AssumeRole": ("503", "half"),
    "ecr.GetAuthorizationToken": ("503", "drop", "half", "timeout"),
    "registry.manifest": ("503", "drop"),
    "platforms.write": ("503", "half"),
}
FAULTS_OF_USER = {
    "iam.CreateUser": ("half",),
    "iam.CreateAccessKey": ("503", "drop", "half"),
    "iam.DeleteAccessKey": ("503", "half"),
    "ecr.GetAuthorizationToken": ("half",),
}


def each(table):
    return [(kind, how) for kind, ways in table.items() for how in ways]


@pytest.fixture(scope="module")
def nursery():
    with Nursery("ecr") as nursery:
        yield nursery


@pytest.fixture(autouse=True)
def _known_models(monkeypatch):
    monkeypatch.setattr(JSONFileLoader, "load_file", LOAD_FILE)


def live():
    """Return the names of our roles and users, and the access keys of the latter."""
    iam = boto3.client("iam", region_name="us-east-1")
    mine = [one["RoleName"] for one in iam.list_roles(PathPrefix="/pullgrant/")["Roles"]]
    for user in iam.list_users(PathPrefix="/pullgrant/")["Users"]:
        keys = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        mine += [user["UserName"], *(key["AccessKeyId"] for key in keys)]
    return mine


def pulls(house, command):
    platforms = [sink for option, sink in pairwise(command) if option == "--sink"]
    return {house.pull(IMAGE, platform=platform) for platform in platforms} == {True}


def assert_converged(house, command):
    """After `recover` and one more run: nothing open, the platforms pull, one identity and no access key is left."""
    recovered = house.run("recover")
    assert recovered.code == 0, recovered.err
    again = house.run(*command)
    assert again.code == 0, again.err
    (standing,) = house.run("status", "--json").json["readers"]
    assert (standing["open_operations"], pulls(house, command)) == ([], True)
    house.run("sandbox.advance", "--hours", "25")
    assert house.run("rotate").code == 0
    assert (live(), pulls(house, command)) == (["docker-reader"], True)


def is_killed(house, nursery, argv, **fault):
    """Run a command line whose process is killed at a call; return whether it came to that call."""
    pid = nursery.start(*argv)
    house.world.fail_next(Fault(pid=pid, **fault))
    code, err = nursery.end()
    assert code in (0, -9), err
    return code == -9


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_after_every_remote_call(house, nursery, part):
    """A killed run would leave a role that nobody knows, a dead token in a platform, or an open operation."""
    killed = 0
    for at in range(part, MOST_CALLS, PARTS):
        house.fresh()
        if not is_killed(house, nursery, ROLE, kind="*", skip=at, how=AFTER):
            break  # there is no such call any more
        assert_converged(house, ROLE)
        killed += 1
    assert 18 // PARTS <= killed < MOST_CALLS // PARTS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "kind", "how"),
    [
        *(("role", kind, BEFORE) for kind in OF_ROLE),
        *(("user", kind, how) for kind in OF_USER for how in (BEFORE, AFTER)),
    ],
)
def test_killed_at_a_change(house, nursery, method, kind, how):
    """A killed run would leave an access key that nobody knows, or do twice what it had done."""
    command = {"role": ROLE, "user": USER}[method]
    assert is_killed(house, nursery, command, kind=kind, how=how)
    assert_converged(house, command)


@pytest.mark.slow
@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("kind", RENEWAL)
def test_killed_while_rotating(house, nursery, kind, how):
    """A killed rotation would take from the platform what it had."""
    assert house.run(*AKKA).code == 0
    assert is_killed(house, nursery, (*AKKA, "--rotate-now"), kind=kind, how=how)
    assert house.pull(IMAGE), "what the user had before still works"
    assert_converged(house, AKKA)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_ledger_or_sink_write(house, nursery, when):
    """A write that is the last of a process would leave what no later run can tell."""
    second = house.folder / "second.json"
    both = (*ROLE, "--sink", f"docker-config:{second}")
    for at in range(MOST_CALLS):
        house.fresh()
        second.unlink(missing_ok=True)
        nursery.start(*both, mortal=(at, when))
        code, err = nursery.end()
        if code == 0:
            break
        assert code == -9, err
        assert_converged(house, both)
    assert re.search(rf"calls {at}$", err, re.MULTILINE)
    assert at >= 12


@pytest.mark.parametrize(("kind", "how"), each(FAULTS))
def test_a_fault_at_a_call(house, kind, how, monkeypatch):
    """A throttle, an outage or half an answer would end in a mess, or in a wrong exit code."""
    if how == "timeout":
        monkeypatch.setattr("pullgrant.providers.ecr.signin.READ_SECONDS", 2)
    command = AKKA if kind == "platforms.write" else ROLE
    house.world.fail_next(Fault(kind=kind, how=how))
    done = house.run(*command)
    assert done.code in (0, 4, 5, 6), done.err
    assert_converged(house, command)


@pytest.mark.parametrize(("kind", "how"), each(FAULTS_OF_USER))
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
        done = house.run(*ECR, f"docker-config:{house.folder}/{name}.json", "--reader", name)
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
