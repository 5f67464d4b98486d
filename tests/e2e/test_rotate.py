"""`rotate` and `schedule` through the command line, against the sandbox."""

import json
import os
import re
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
import yaml

from pullgrant.cli.rotate import Told
from pullgrant.sandbox.world import Fault

ECR = ("ecr.bootstrap", "--region", "us-east-1", "--repository", "team/app")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
GCP = ("gcp.bootstrap", "--project", "demo")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/operator"},
            "Action": "sts:AssumeRole",
        },
    }
)
PULLS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/team/app",
            },
        ],
    }
)


def pass_hours(house, hours):
    """Move the clocks of the world and of the processes that are started from now on."""
    os.environ["PULLGRANT_CLOCK_AHEAD"] = str(hours * 3600)
    house.world.advance(timedelta(hours=hours))


def hold(house, kind, run, seconds=1.0):
    """Return as soon as a process is waiting for its next call of this kind, which is answered after `seconds`."""
    fault = Fault(kind=kind, how="delay", seconds=seconds)
    house.world.fail_next(fault)
    while fault.times:
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)


def test_every_provider_in_one_run(house):
    """Readers of one cloud would be forgotten beside those of another."""
    house.run(*ECR)
    house.run(*GCP)
    house.run("sandbox.advance", "--hours", "7")
    done = house.run("rotate", "--json")
    told = {one["reader_id"].partition(":")[0]: (one["renewed"], one["why"]) for one in done.json["readers"]}
    assert (done.code, told) == (0, {"ecr": (True, "its credential is due for renewal"), "gcp": (False, "not due")})


@pytest.mark.parametrize(
    ("argv", "renewed"),
    [
        (("rotate", "--now", "--provider", "gcp"), ["gcp"]),
        (("rotate", "--now", "--registry", "gcr.io"), ["gcp"]),
        (("rotate", "--now", "--reader", "docker-reader"), ["ecr", "gcp"]),
        (("ecr.rotate", "--now"), ["ecr"]),
        (("ecr.rotate",), []),
    ],
)
def test_narrowed(house, argv, renewed):
    """A credential that was not meant would be replaced."""
    house.run(*ECR)
    house.run(*GCP)
    done = house.run(*argv, "--json")
    assert (done.code, sorted(one["reader_id"][:3] for one in done.json["readers"] if one["renewed"])) == (0, renewed)


def test_a_failure_is_told_with_the_others(house):
    """One failure would hide what else was done, or end with exit code 0."""
    house.run(*ECR)
    house.run(*GCP)
    house.world.fail_next(Fault(kind="sts.*", how="503", times=1000))
    done = house.run("rotate", "--now")
    assert (done.code, "ecr:123456789012/docker-reader: failed" in done.out, "gcp:demo/docker-reader: renewed" in done.out) == (
        6, True, True,
    )  # fmt: skip


def test_two_runs_at_once_make_one_token(house):
    """Two schedulers would make two tokens each time, or one of them fail."""
    house.run(*ECR)
    house.run("sandbox.advance", "--hours", "7")
    before = len(house.world.calls)
    runs = [house.start("rotate") for _ in range(2)]
    told = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum("renewed" in one for one in told) >= 1
    assert [call.kind for call in house.world.calls[before:]].count("ecr.GetAuthorizationToken") == 1
    assert house.pull(IMAGE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watching(house, number):
    """A service would not renew, would print secrets or noise, or would not end when it is told to."""
    house.run(*ECR)
    pass_hours(house, 7)
    run = house.start("rotate", "--watch")
    first = [run.stdout.readline(), run.stdout.readline()]
    assert re.fullmatch(r"ecr:\S+: renewed \(its credential is due for renewal\)\n", first[0])
    assert first[1].startswith("next: 20")
    run.send_signal(number)
    assert [line.strip() for line in run.stderr][-1] == "stopped, between two readers"
    assert (run.communicate(timeout=20)[0], run.returncode) == ("", 0)
    assert house.pull(IMAGE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watching_finishes_the_current_reader(house, number):
    """A signal in the middle of a renewal would leave it half done, or its end untold."""
    house.run(*ECR)
    pass_hours(house, 7)
    run = house.start("rotate", "--watch")
    hold(house, "ecr.GetAuthorizationToken", run)
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, "renewed" in out, err.strip().splitlines()[-1]) == (0, True, "stopped, between two readers")
    (standing,) = house.run("status", "--json").json["readers"]
    assert (standing["open_operations"], house.pull(IMAGE)) == ([], True)
    assert house.run("rotate", "--json").json["readers"][0]["why"] == "not due"


def test_a_second_signal_ends_at_once(house):
    """An operator whose cloud does not answer could end the service by SIGKILL only, and would not learn what to do then."""
    house.run(*ECR)
    pass_hours(house, 7)
    run = house.start("rotate", "--watch")
    hold(house, "ecr.GetAuthorizationToken", run, seconds=5)
    for number in (signal.SIGTERM, signal.SIGINT):
        run.send_signal(number)
        time.sleep(0.1)
    started = time.monotonic()
    out, err = run.communicate(timeout=20)
    assert (run.returncode, out, "finished or undone by: pullgrant recover" in err) == (130, "", True)
    assert time.monotonic() - started < 3
    assert (house.run("recover").code, house.run("rotate").code, house.pull(IMAGE)) == (0, 0, True)
    assert house.run("status", "--json").json["readers"][0]["open_operations"] == []


@pytest.mark.parametrize("at", range(1, 9))
def test_a_signal_at_any_moment_is_heard(at):
    """A handler would wait for a lock that the code it interrupts holds: the service would hang until SIGKILL."""
    told, heard, moments = Told(), [], iter(range(1, 1000))

    def moment(frame, event, arg):
        if next(moments) == at:
            told.hear(signal.SIGTERM, frame)
        return moment

    def listen():
        sys.settrace(moment)
        heard.append(told.wait(0.05) or told.wait(0))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    listener.join(5)
    assert (heard, told.ending()) == ([True], True)


def test_nothing_is_due(house):
    """A run every few minutes would cost calls at the cloud."""
    house.run(*ECR)
    before = len(house.world.calls)
    done = house.run("rotate", "--json")
    assert (done.code, [one["why"] for one in done.json["readers"]], house.world.calls[before:]) == (0, ["not due"], [])


def test_a_new_reader_needs_no_run(house):
    """The documented chain in one process would renew what was just made, or end with another exit code than 0."""
    run = house.start("sandbox", *ECR, "--json", "rotate", "sandbox.calls")
    out, err = run.communicate(timeout=60)
    assert (run.returncode, "docker-reader: left (not due)" in out) == (0, True), err
    assert re.findall(r"^200 (ecr\.\w*Token) ", out, re.MULTILINE) == ["ecr.GetAuthorizationToken"]


def test_a_refused_credential_is_renewed(house):
    """A platform whose token the registry refuses before its time would wait for half a life."""
    house.run(*ECR, "--sink", "docker-config")
    assert [one["renewed"] for one in house.run("rotate", "--verify", "--json").json["readers"]] == [False]
    house.box.countries["aws"].state.tokens.clear()
    assert not house.pull(IMAGE, platform="docker-config")
    assert [one["renewed"] for one in house.run("rotate", "--json").json["readers"]] == [False], "it asks nobody"
    done = house.run("rotate", "--verify", "--json")
    assert (done.code, [(one["renewed"], one["why"]) for one in done.json["readers"]]) == (
        0, [(True, "the registry refuses its credential")],
    )  # fmt: skip
    assert house.pull(IMAGE, platform="docker-config")


def test_a_credential_that_would_die_before_the_next_run(house):
    """A schedule that is too slow for a role whose sessions last an hour would show when a platform can no longer pull."""
    iam = boto3.client("iam", region_name="us-east-1")
    role = iam.create_role(RoleName="brief", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=3600)["Role"]["Arn"]
    iam.put_role_policy(RoleName="brief", PolicyName="pull", PolicyDocument=PULLS)
    assert house.run(*ECR, "--role-arn", role).code == 0
    assert house.run("rotate", "--next-run", "50m").code == 0
    late = house.run("rotate", "--next-run", "1h")
    assert (late.code, "dies at" in late.err, "before the next run" in late.err) == (6, True, True)
    assert (house.run("rotate", "--next-run", "1h", "--json").code, house.pull(IMAGE)) == (6, True)


def test_the_calls_of_the_sandbox_are_told(house):
    """A newcomer could not see what a run asked the clouds for."""
    house.run(*ECR)
    seen = [(call.status, call.kind) for call in house.world.calls]
    shown = house.run("sandbox.calls", "--json").json["calls"]
    assert [(one["status"], one["kind"]) for one in shown] == seen


def test_watching_takes_no_now(house):
    """`--watch --now` would renew for ever."""
    done = house.run("rotate", "--watch", "--now")
    assert (done.code, "--watch goes on by itself" in done.err) == (2, True)


@pytest.mark.parametrize("form", ["cron", "systemd", "kubernetes", "github-actions", "eventbridge"])
def test_schedule_fits_the_ledger_and_asks_nobody(house, form, tmp_path):
    """A unit would come too late for a token, hold a password, or ask a cloud."""
    house.run(*ECR)
    before = len(house.world.calls)
    shown = house.run("schedule", "--format", form, "--json")
    assert (shown.code, shown.json["every_minutes"], "ecr:123456789012/docker-reader" in shown.json["why"]) == (0, 180, True)
    printed = house.run("schedule", "--format", form)
    written = house.run("schedule", "--format", form, "--out", str(tmp_path / "units"))
    files = {path.name: path.read_text() for path in (tmp_path / "units").iterdir()}
    assert (written.code, files, house.world.calls[before:]) == (0, shown.json["files"], [])
    assert all(content.rstrip("\n") in printed.out for content in files.values())
    if form in ("kubernetes", "github-actions", "eventbridge"):
        assert list(yaml.safe_load_all(printed.out))


def test_schedule_names_no_database(house, monkeypatch):
    """The password in a ledger's address would stand in a crontab."""
    from pullgrant.cli.schedule import _ledger_file

    monkeypatch.setenv("PULLGRANT_LEDGER", "postgresql://me:canary@db/ledger")
    assert _ledger_file() == ""
    monkeypatch.setenv("PULLGRANT_LEDGER", "sqlite:///relative.sqlite")
    assert _ledger_file() == str(Path("relative.sqlite").absolute())


def test_schedule_of_an_unknown_format(house):
    """A typo would print nothing."""
    done = house.run("schedule", "--format", "at")
    assert (done.code, "github-actions" in done.err) == (2, True)


def test_documents_are_whole(house):
    """A script could not read what a rotation did."""
    house.run(*ECR)
    done = house.run("rotate", "--now", "--json")
    assert sorted(json.loads(done.out)["readers"][0]) == [
        "dies_at", "error", "key_id", "next_run_at", "reader_id", "renewed", "skipped", "why", "withdrawn",
    ]  # fmt: skip
