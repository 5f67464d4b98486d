"""Each format of `schedule` is read by its own parser, or held against its own schema."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import jsonschema
import pytest
import yaml
from botocore.validate import ParamValidator

from pullgrant.cli.units import FORMATS, NAME, Job

EVERY = [timedelta(minutes=minutes) for minutes in (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)]


def job(**more: Any) -> Job:
    given: dict[str, Any] = {
        "every": timedelta(hours=3),
        "minute": 37,
        "why": "Every 180 minutes: a quarter of the shortest span.",
        "program": (sys.executable, "-m", "pullgrant"),
        "requirement": "pullgrant[aws,postgresql]==0.1.0",
        "providers": ("azure", "ecr", "gcp"),
    }
    return Job(**(given | more))


def files(name: str, **more: Any) -> Mapping[str, str]:
    return FORMATS[name](job(**more))


def text(name: str, **more: Any) -> str:
    (found,) = files(name, **more).values()
    return found


# crontab(5) of cron: five fields of lists of ranges with steps.
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def minutes_of_a_day(fields: str) -> list[int]:
    """Return the minutes at which a crontab's five fields run on any day. Raises AssertionError for what cron refuses."""
    parts = fields.split()
    assert len(parts) == 5
    hits = [field(part, *limits) for part, limits in zip(parts, LIMITS, strict=True)]
    assert hits[2:] == [set(range(low, high + 1)) for low, high in LIMITS[2:]]
    return sorted(hour * 60 + minute for hour in hits[1] for minute in hits[0])


def field(part: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for piece in part.split(","):
        match = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", piece)
        assert match, piece
        first = int(match[1]) if match[1] else low
        last = int(match[2]) if match[2] else high if not match[1] else first
        assert match[3] is None or match[1] is None or match[2] is not None, "cron knows no step from a single number"
        assert low <= first <= last <= high
        found |= set(range(first, last + 1, int(match[3] or 1)))
    return found


def assert_every(times: list[int], every: timedelta) -> None:
    """Assert that the times of a day come round at exactly this interval."""
    gaps = {(later - sooner) % 1440 or 1440 for sooner, later in zip(times, [*times[1:], times[0]], strict=True)}
    assert gaps == {int(every.total_seconds() // 60)}


@pytest.mark.parametrize("every", EVERY)
def test_the_fields_of_cron(every: timedelta) -> None:
    """cron would refuse the line, or run it at another interval."""
    for minute in (0, 37, 59):
        assert_every(minutes_of_a_day(job(every=every, minute=minute).crontab), every)


def test_a_crontab() -> None:
    """cron would take a percent sign for a new line, or not find program and ledger."""
    lines = text("cron", ledger="/srv/led ger.sqlite", program=("/opt/100%/pullgrant",)).splitlines()
    body = [line for line in lines if not line.startswith("#")]
    assert body[:2] == ["SHELL=/bin/sh", "PULLGRANT_LEDGER=/srv/led ger.sqlite"]
    fields, command = body[2].split(" set -a; ")
    assert_every(minutes_of_a_day(fields), timedelta(hours=3))
    assert (r"/opt/100\%/pullgrant" in command, "rotate --next-run 360m" in command, len(body)) == (True, True, 3)


def test_a_crontab_line_runs(tmp_path: Path) -> None:
    """The line would be no command for sh, or would not read the user's variables."""
    program = tmp_path / "show"
    program.write_text('#!/bin/sh\necho "$PULLGRANT_LEDGER $*"\n')
    program.chmod(0o755)
    folder = tmp_path / ".config/pullgrant"
    folder.mkdir(parents=True)
    for given, shown in ((None, ""), ("PULLGRANT_LEDGER=from-the-file\n", "from-the-file")):
        if given:
            (folder / "environment").write_text(given)
        line = text("cron", program=(str(program),)).splitlines()[-1].split(" ", 5)[5]
        run = subprocess.run(
            ["/bin/sh", "-c", line], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
        )
        assert run.stdout == f"{shown} rotate --next-run 360m\n"


@pytest.mark.real("systemd-analyze")
@pytest.mark.parametrize("every", EVERY)
def test_systemd_reads_its_units(tmp_path: Path, every: timedelta) -> None:
    """systemd would ignore a line, or refuse the unit."""
    made = files("systemd", every=every, ledger=f"{tmp_path}/100% of $HOME/ledger.sqlite")
    assert sorted(made) == [f"{NAME}.service", f"{NAME}.timer"]
    for name, content in made.items():
        (tmp_path / name).write_text(content)
    paths = [str(tmp_path / name) for name in made]
    run = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, [line for line in run.stderr.splitlines() if NAME in line]) == (0, [])


@pytest.mark.real("systemd-analyze")
def test_the_documented_check_of_systemd(tmp_path: Path) -> None:
    """The commands that the unit's own comment gives would not write it where they check it, or find nothing wrong ever."""
    service = files("systemd")[f"{NAME}.service"]
    install, check = (re.findall(rf"^# {word}: +(.*)$", service, re.MULTILINE)[0] for word in ("Install", "Check"))
    program = tmp_path / "bin" / "pullgrant"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom pullgrant.cli import program\nprogram.run()\n")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    env = {"HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}

    def run(line: str) -> tuple[int, str]:
        done = subprocess.run(["/bin/sh", "-c", line], env=env, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, "".join(line for line in done.stderr.splitlines() if NAME in line)

    assert (run(install), run(check)) == ((0, ""), (0, ""))
    timer = tmp_path / f".config/systemd/user/{NAME}.timer"
    timer.write_text(timer.read_text().replace("OnCalendar=", "OnCalendar=never "))
    code, words = run(check)
    assert (code != 0, "Failed to parse calendar" in words) == (True, True)


@pytest.mark.real("systemd-analyze")
@pytest.mark.parametrize("every", EVERY)
def test_systemd_reads_its_calendar(every: timedelta) -> None:
    """The timer would run at another interval than the ledger needs."""
    timer = files("systemd", every=every)[f"{NAME}.timer"]
    (calendar,) = re.findall(r"^OnCalendar=(.*)$", timer, re.MULTILINE)
    run = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=4", "--base-time=2026-01-01 00:00:30", calendar],
        capture_output=True, text=True, check=True, timeout=60, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    hits = [int(hour) * 60 + int(minute) for hour, minute in re.findall(r"(\d\d):(\d\d):00 UTC$", run.stdout, re.MULTILINE)]
    gaps = {(later - sooner) % 1440 or 1440 for sooner, later in pairwise(hits)}
    assert (len(hits), gaps) == (4, {int(every.total_seconds() // 60)})


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


STRING, INTEGER, BOOLEAN = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
LABEL = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$"}
META = closed(["name"], name=LABEL)
# kubernetes.io/docs/reference/kubernetes-api/workload-resources/cron-job-v1 and pod-v1, as far as the unit uses them.
CONTAINER = closed(
    ["name", "image"],
    name=LABEL,
    image=STRING,
    command={"type": "array", "items": STRING},
    args={"type": "array", "items": STRING},
    env={"type": "array", "items": closed(["name"], name=STRING, value=STRING)},
    envFrom={"type": "array", "items": closed([], secretRef=closed(["name"], name=LABEL, optional=BOOLEAN))},
    securityContext=closed(
        [], runAsNonRoot=BOOLEAN, runAsUser=INTEGER, readOnlyRootFilesystem=BOOLEAN, allowPrivilegeEscalation=BOOLEAN,
        capabilities=closed([], drop={"type": "array", "items": STRING}),
    ),
    volumeMounts={"type": "array", "items": closed(["name", "mountPath"], name=LABEL, mountPath=STRING)},
)  # fmt: skip
POD = closed(
    ["containers", "restartPolicy"],
    serviceAccountName=LABEL,
    restartPolicy={"enum": ["Never", "OnFailure"]},
    containers={"type": "array", "minItems": 1, "items": CONTAINER},
    volumes={"type": "array", "items": closed(["name"], name=LABEL, emptyDir=closed([]))},
)
CRON_JOB = closed(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "batch/v1"},
    kind={"const": "CronJob"},
    metadata=META,
    spec=closed(
        ["schedule", "jobTemplate"],
        schedule=STRING,
        timeZone=STRING,
        concurrencyPolicy={"enum": ["Allow", "Forbid", "Replace"]},
        startingDeadlineSeconds=INTEGER,
        successfulJobsHistoryLimit=INTEGER,
        failedJobsHistoryLimit=INTEGER,
        jobTemplate=closed(
            ["spec"],
            spec=closed(
                ["template"], backoffLimit=INTEGER, activeDeadlineSeconds=INTEGER, template=closed(["spec"], spec=POD)
            ),
        ),
    ),
)
ACCOUNT = closed(
    ["apiVersion", "kind", "metadata"], apiVersion={"const": "v1"}, kind={"const": "ServiceAccount"}, metadata=META
)


@pytest.mark.parametrize("every", EVERY)
def test_kubernetes_takes_the_cron_job(every: timedelta) -> None:
    """The API server would refuse the manifest, or run two at once."""
    account, cron_job = yaml.safe_load_all(text("kubernetes", every=every))
    jsonschema.validate(account, ACCOUNT)
    jsonschema.validate(cron_job, CRON_JOB)
    assert_every(minutes_of_a_day(cron_job["spec"]["schedule"]), every)
    spec = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    mounts = {mount["name"] for one in spec["containers"] for mount in one["volumeMounts"]}
    assert (spec["serviceAccountName"], mounts) == (account["metadata"]["name"], {one["name"] for one in spec["volumes"]})
    assert cron_job["spec"]["concurrencyPolicy"] == "Forbid"
    script = spec["containers"][0]["args"][0]
    assert subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert f"rotate --next-run {2 * int(every.total_seconds() // 60)}m" in script


def read_by_kubernetes(document: dict[str, Any]) -> Any:
    """Return what is left of a manifest that the API's own generated models have read; they raise ValueError for a gap."""
    from kubernetes.client import ApiClient

    api = ApiClient()
    answer = SimpleNamespace(data=json.dumps(document))
    return api.sanitize_for_serialization(api.deserialize(answer, f"V1{document['kind']}"))


def test_the_models_of_kubernetes_know_every_field() -> None:
    """The API server would drop a field that it does not know, or refuse the manifest for one that is missing."""
    account, cron_job = yaml.safe_load_all(text("kubernetes"))
    assert (read_by_kubernetes(account), read_by_kubernetes(cron_job)) == (account, cron_job)


def test_the_schemas_of_the_cron_job_can_say_no() -> None:
    """A schema that takes everything would prove nothing."""
    _, cron_job = yaml.safe_load_all(text("kubernetes"))
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod["container"] = []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(cron_job, CRON_JOB)
    assert read_by_kubernetes(cron_job) != cron_job
    del cron_job["spec"]["schedule"]
    with pytest.raises(ValueError, match="schedule"):
        read_by_kubernetes(cron_job)


# docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax, as far as the workflow uses it.
RIGHT = {"enum": ["read", "write", "none"]}
TEXTS = {"type": "object", "additionalProperties": STRING}
WORKFLOW = closed(
    ["on", "jobs"],
    name=STRING,
    on=closed([], schedule={"type": "array", "items": closed(["cron"], cron=STRING)}, workflow_dispatch=closed([])),
    permissions={"type": "object", "properties": {"contents": RIGHT, "id-token": RIGHT}, "additionalProperties": False},
    concurrency={**closed(["group"], group=STRING), "properties": {"group": STRING, "cancel-in-progress": BOOLEAN}},
    jobs={"type": "object", "additionalProperties": {
        "type": "object", "required": ["runs-on", "steps"], "additionalProperties": False,
        "properties": {"runs-on": STRING, "timeout-minutes": INTEGER, "steps": {"type": "array", "items": {"oneOf": [
            closed(["uses"], uses={"type": "string", "pattern": r"^[\w.-]+/[\w.-]+@v\d+$"}, **{"with": TEXTS}),
            closed(["run"], run=STRING, env=TEXTS),
        ]}}},
    }},
)  # fmt: skip


@pytest.mark.parametrize("every", EVERY)
def test_github_reads_the_workflow(every: timedelta) -> None:
    """GitHub would refuse the workflow, or YAML would read `on` as true."""
    flow = yaml.safe_load(text("github-actions", every=every))
    jsonschema.validate(flow, WORKFLOW)
    assert_every(minutes_of_a_day(flow["on"]["schedule"][0]["cron"]), every)
    steps = flow["jobs"]["rotate"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert [step["uses"].partition("@")[0] for step in steps if "uses" in step] == [
        "actions/setup-python", "azure/login", "aws-actions/configure-aws-credentials", "google-github-actions/auth",
    ]  # fmt: skip
    assert steps[-1]["env"] == {"PULLGRANT_LEDGER": "${{ secrets.PULLGRANT_LEDGER }}"}
    assert (flow["permissions"]["id-token"], flow["concurrency"]["cancel-in-progress"]) == ("write", False)


def test_the_schema_of_the_workflow_can_say_no() -> None:
    """A schema that takes everything would prove nothing."""
    flow = yaml.safe_load(text("github-actions"))
    flow["jobs"]["rotate"]["steps"][0]["run"] = "both"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(flow, WORKFLOW)


# docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html: rate(value unit), one in the singular.
RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d* (?:minutes|hours|days))\)")


@pytest.mark.parametrize("every", EVERY)
def test_eventbridge_reads_the_expression(every: timedelta) -> None:
    """CloudFormation would refuse the template, or EventBridge the expression."""
    template = yaml.safe_load(text("eventbridge", every=every))
    properties = template["Resources"]["Schedule"]["Properties"]
    expression = properties["ScheduleExpression"]
    assert RATE.fullmatch(expression)
    value, unit = expression.removeprefix("rate(").removesuffix(")").split(" ")
    assert timedelta(**{f"{unit.removesuffix('s')}s": int(value)}) == every
    (container,) = json.loads(properties["Target"]["Input"])["containerOverrides"]
    assert container["command"][0] == "rotate"
    assert 1 <= properties["FlexibleTimeWindow"]["MaximumWindowInMinutes"] <= 1440
    assert 60 <= properties["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 86400
    used = set(re.findall(r"Ref: (\w+)", text("eventbridge", every=every)))
    assert used == set(template["Parameters"])


def faults_of_the_schedule(properties: Mapping[str, Any]) -> str:
    """Return what the API model of EventBridge Scheduler has against the properties, of which CloudFormation spells one anew."""
    model = botocore.session.Session().get_service_model("scheduler").operation_model("CreateSchedule")
    plain = re.sub(r'\{"Ref": "Subnets"\}', '["subnet-1"]', json.dumps(properties))
    plain = re.sub(r'\{"Ref": "(\w+)"\}', r'"\1"', plain).replace('"AwsvpcConfiguration"', '"awsvpcConfiguration"')
    return str(ParamValidator().validate(json.loads(plain), model.input_shape).generate_report())


def test_the_model_of_eventbridge_takes_the_schedule() -> None:
    """EventBridge would not know a property, or miss one."""
    properties = yaml.safe_load(text("eventbridge"))["Resources"]["Schedule"]["Properties"]
    assert faults_of_the_schedule(properties) == ""
    properties["Target"]["Inputs"] = properties["Target"].pop("RoleArn")
    told = faults_of_the_schedule(properties)
    assert ('Unknown parameter in Target: "Inputs"' in told, '"RoleArn"' in told) == (True, True)


def test_the_grammar_of_eventbridge_can_say_no() -> None:
    """A grammar that takes everything would prove nothing."""
    for wrong in ("rate(1 hours)", "rate(2 hour)", "rate(0 minutes)", "rate(5m)", "every 5 minutes"):
        assert RATE.fullmatch(wrong) is None


@pytest.mark.parametrize("name", FORMATS)
def test_every_unit_says_why_and_how(name: str) -> None:
    """A user would not know how to install the unit, or why it runs so often."""
    whole = "".join(files(name).values())
    assert ("# Install:" in whole, "a quarter of the shortest span" in whole, max(map(len, whole.splitlines())) < 200) == (
        True, True, True,
    )  # fmt: skip
