"""The docker credential helper as a program of its own, for real clients, against the sandbox."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{HOST}/team/app:v1"
SRC = Path(__file__).parents[2] / "src"


@pytest.fixture
def helped(house, monkeypatch):
    """Put the program on PATH as an installation does, and make a reader."""
    folder = house.folder / "bin"
    folder.mkdir()
    program = folder / "docker-credential-pullgrant"
    program.write_text(f"#!{sys.executable}\nfrom pullgrant.dockerhelper.program import main\nmain()\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.setenv("XDG_CACHE_HOME", str(house.folder / "cache"))
    house.run("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app")
    return house


def call(action, payload=""):
    run = subprocess.run(
        ["docker-credential-pullgrant", action], input=payload, capture_output=True, text=True, timeout=60, check=False
    )
    return run.returncode, run.stdout, run.stderr


def tokens(house):
    return [one.kind for one in house.world.calls].count("ecr.GetAuthorizationToken")


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
    runs = [
        subprocess.Popen(["docker-credential-pullgrant", "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    told = {run.communicate(HOST, timeout=60)[0] for run in runs}
    assert (len(told), [run.returncode for run in runs], tokens(helped) - before) == (1, [0] * 6, 1)


def test_a_revoked_reader_is_forgotten(helped):
    """A revoked reader's token would go on being given out on this machine."""
    assert call("get", HOST)[0] == 0
    helped.run("revoke", "--reader", "docker-reader", "--yes")
    assert call("get", HOST) == (1, "credentials not found in native keychain\n", "")


def test_aws_is_down(helped):
    """An outage of AWS would stop pulls that need none of it."""
    from pullgrant.sandbox.world import Fault

    _, first, _ = call("get", HOST)
    helped.run("sandbox.advance", "--hours", "7")
    helped.world.fail_next(Fault(kind="s*", how="503", times=1000))
    code, out, err = call("get", HOST)
    assert (code, out, "still lives" in err) == (0, first, True)


@pytest.mark.real("skopeo")
def test_a_real_client_pulls_with_it(helped, tmp_path):
    """skopeo would not understand the helper, or pull with a dead token after half a day."""
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps({"credHelpers": {HOST: "pullgrant"}}))
    for _ in range(3):
        run = subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--src-authfile", str(auth), f"docker://{IMAGE}", f"dir:{tmp_path}/image"],
            env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (run.returncode, run.stderr) == (0, "")
        helped.run("sandbox.advance", "--hours", "13")
