"""The docker credential helper as a program of its own, for real clients, against the sandbox."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pullgrant.sandbox.world import Fault

HELPER = "docker-credential-pullgrant"
ABSENT = "credentials not found in native keychain\n"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{HOST}/team/app:v1"
TOP = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put the programs on PATH as an installation does, from their lines in pyproject.toml."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, entry in tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"].items():
        module, function = entry.split(":")
        program, _, method = function.partition(".")
        started = f"{program}.{method}()" if method else f"{program}()"
        (folder / name).write_text(f"#!{sys.executable}\nfrom {module} import {program}\n{started}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(TOP / "src"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def helped(house, installed):
    """Make a reader."""
    house.run("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app")
    return house


def call(action, payload=""):
    run = subprocess.run([HELPER, action], input=payload, capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stdout, run.stderr


def tokens(house):
    return [one.kind for one in house.world.calls].count("ecr.GetAuthorizationToken")


def test_in_a_served_sandbox_as_documented(installed, tmp_path):
    """The documented line would not answer in the protocol, or an unknown host not in the words that docker compares."""
    served = subprocess.Popen(
        ["pullgrant", "sandbox.up", "--env-file", "sandbox.env"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        assert served.stdout is not None
        assert served.stdout.readline().startswith("ready http://127.0.0.1:")
        bootstrap = "pullgrant ecr.bootstrap --region us-east-1 --repository team/app >bootstrap.log 2>&1"
        lines = [f"set -a; . ./sandbox.env; {bootstrap} || cat bootstrap.log", f"echo {HOST} | {HELPER} get"]
        lines += [f"echo gcr.io | {HELPER} get; echo $?", f"echo {HOST} | {HELPER} erase; echo $?", f"{HELPER} list"]
        shell = subprocess.run(
            ["sh", "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
    finally:
        served.terminate()
        served.communicate(timeout=20)
    got, *rest = shell.stdout.splitlines(keepends=True)
    token = json.loads(got)
    assert (sorted(token), token["ServerURL"], token["Username"], len(token["Secret"]) > 1000) == (
        ["Secret", "ServerURL", "Username"], HOST, "AWS", True,
    )  # fmt: skip
    assert (rest, shell.stderr) == ([ABSENT, "1\n", "0\n", json.dumps({HOST: "AWS"}) + "\n"], "")


def test_a_fresh_token_on_demand(helped):
    """The helper would work with the tests' cloud only, or fetch at every pull."""
    before = tokens(helped)
    answers = [call("get", f"{HOST}\n") for _ in range(3)]
    assert {code for code, _, _ in answers} == {0}
    assert {json.loads(out)["Username"] for _, out, _ in answers} == {"AWS"}
    assert (len({out for _, out, _ in answers}), tokens(helped) - before) == (1, 1)
    assert json.loads(call("list")[1]) == {HOST: "AWS"}
    helped.run("sandbox.advance", "--hours", "7")
    assert call("get", HOST)[1] not in {out for _, out, _ in answers}


def test_many_programs_at_once_make_one_fetch(helped):
    """A compose file with many images would ask AWS once for each."""
    before = tokens(helped)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen([HELPER, "get"], **pipes) for _ in range(10)]
    for run in runs:
        run.stdin.write(HOST)
        run.stdin.close()
    told = {run.stdout.read() for run in runs}
    assert ([run.wait(60) for run in runs], len(told), tokens(helped) - before) == ([0] * 10, 1, 1)
    assert json.loads(told.pop())["Username"] == "AWS"
    for run in runs:
        run.stdout.close()


def test_a_revoked_reader_is_forgotten(helped):
    """A revoked reader's token would go on being given out on this machine."""
    assert call("get", HOST)[0] == 0
    helped.run("revoke", "--reader", "docker-reader", "--yes")
    assert call("get", HOST) == (1, ABSENT, "")


def test_aws_is_down(helped):
    """An outage of AWS would stop pulls that need none of it, or a dead token be given when it lasts."""
    _, first, _ = call("get", HOST)
    helped.run("sandbox.advance", "--hours", "7")
    helped.world.fail_next(Fault(kind="sts.*", how="503", times=1000))
    before = len(helped.world.calls)
    code, out, err = call("get", HOST)
    assert (code, out, "still lives" in err) == (0, first, True)
    asked = len(helped.world.calls)
    assert (call("get", HOST), asked > before, len(helped.world.calls)) == ((0, first, ""), True, asked)
    helped.run("sandbox.advance", "--hours", "5")
    code, out, _ = call("get", HOST)
    assert (code, "could not ask AWS" in out, "{" in out) == (1, True, False)


@pytest.mark.real("skopeo")
def test_a_real_client_pulls_with_it(helped, tmp_path):
    """skopeo would not understand the helper, or pull with a dead token after half a day."""
    auth = tmp_path / "auth.json"

    def pulled(config):
        auth.write_text(json.dumps(config))
        argv = [
            "skopeo",
            "--insecure-policy",
            "copy",
            "--src-authfile",
            str(auth),
            f"docker://{IMAGE}",
            f"dir:{tmp_path}/image",
        ]
        run = subprocess.run(
            argv, env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
        )
        return run.returncode, run.stderr

    helper = {"credHelpers": {HOST: "pullgrant"}}
    assert pulled({"auths": {}})[0] != 0
    assert pulled(helper) == (0, "")
    helped.run("sandbox.advance", "--hours", "13")
    assert (pulled(helper), tokens(helped)) == ((0, ""), 3)


def test_killed_while_an_access_key_lives(house, installed):
    """The access key of a user, that lives for a moment only, would live for ever and be named nowhere."""
    house.run("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app", "--method", "user")
    for kind in ("iam.CreateAccessKey", "ecr.GetAuthorizationToken", "iam.DeleteAccessKey"):
        with subprocess.Popen([HELPER, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            how = "kill-after" if kind == "iam.CreateAccessKey" else "kill-before"
            house.world.fail_next(Fault(kind=kind, how=how, pid=run.pid))
            run.communicate(HOST, timeout=60)
        assert run.returncode == -9
        assert access_keys(house) != []
        assert house.run("recover").code == 0
        assert access_keys(house) == []
    code, out, _ = call("get", HOST)
    assert (code, json.loads(out)["Username"], access_keys(house)) == (0, "AWS", [])


def access_keys(house):
    import boto3

    iam = boto3.client("iam", region_name="us-east-1")
    return [one["AccessKeyId"] for one in iam.list_access_keys(UserName="docker-reader")["AccessKeyMetadata"]]
