"""The texts of `schedule`: a ready, commented unit for each kind of scheduler. Pure; no text holds a secret."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

NAME = "pullgrant-rotate"
_FILE = ".config/pullgrant/environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be run. `minute` spreads the jobs of many ledgers over the hour; `why` says where `every` comes from.

    `program` is the command as this machine knows it, `requirement` the package as pip knows it.
    """

    every: timedelta
    minute: int
    why: str
    program: tuple[str, ...]
    requirement: str
    providers: tuple[str, ...] = ()
    ledger: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The verb: it also fails, and so tells somebody, before a credential dies that two runs could not renew."""
        return ("rotate", "--next-run", f"{2 * self.minutes}m")

    @property
    def minutes(self) -> int:
        """The interval in minutes."""
        return int(self.every.total_seconds() // 60)

    @property
    def crontab(self) -> str:
        """The five fields of crontab(5)."""
        if self.minutes < 60:
            return f"{self.minute % self.minutes}-59/{self.minutes} * * * *"
        hours = self.minutes // 60
        return f"{self.minute} {'0' if hours == 24 else '*' if hours == 1 else f'*/{hours}'} * * *"


def cron(job: Job) -> Mapping[str, str]:
    """Return a crontab."""
    command = shlex.join((*job.program, *job.words)).replace("%", r"\%")
    ledger = f"PULLGRANT_LEDGER={job.ledger}\n" if job.ledger else ""
    text = f"""\
# Renews registry credentials before they die. {job.why}
# Install:  pullgrant schedule --format cron | crontab -     (this replaces your crontab: crontab -l shows what is in it)
# Sign-ins and, for PostgreSQL, the ledger's address are read from ~/{_FILE} (KEY=VALUE lines, mode 0600).
# cron mails what is printed; the exit code is not 0 when something failed or a credential would die before two more runs.
SHELL=/bin/sh
{ledger}{job.crontab} set -a; [ ! -r "$HOME/{_FILE}" ] || . "$HOME/{_FILE}"; exec {command}
"""
    return {NAME: text}


def systemd(job: Job) -> Mapping[str, str]:
    """Return a service and its timer, for a user's own manager."""
    command = " ".join(_systemd_word(word) for word in (*job.program, *job.words))
    ledger = f"Environment={_systemd_word(f'PULLGRANT_LEDGER={job.ledger}')}\n" if job.ledger else ""
    service = f"""\
# Renews registry credentials before they die.
# Install:  pullgrant schedule --format systemd --out ~/.config/systemd/user
#           systemctl --user enable --now {NAME}.timer && loginctl enable-linger
# Check:    systemd-analyze --user verify ~/.config/systemd/user/{NAME}.service ~/.config/systemd/user/{NAME}.timer
[Unit]
Description=Renew registry credentials (pullgrant)
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
# Sign-ins and, for PostgreSQL, PULLGRANT_LEDGER: KEY=VALUE lines, mode 0600. It may be missing.
EnvironmentFile=-%h/{_FILE}
{ledger}ExecStart={command}
TimeoutStartSec=30min
NoNewPrivileges=yes
PrivateTmp=yes
"""
    timer = f"""\
# {job.why}
[Unit]
Description=Renew registry credentials regularly (pullgrant)

[Timer]
OnCalendar={_calendar(job)}
# A run that was missed, because the machine was off or asleep, is made up for.
Persistent=true
RandomizedDelaySec={max(job.minutes * 60 // 20, 1)}s

[Install]
WantedBy=timers.target
"""
    return {f"{NAME}.service": service, f"{NAME}.timer": timer}


def kubernetes(job: Job) -> Mapping[str, str]:
    """Return a CronJob."""
    text = f"""\
# Renews registry credentials before they die. {job.why}
# Install:  kubectl create secret generic {NAME} --from-env-file=environment   (PULLGRANT_LEDGER=postgresql://..., sign-ins)
#           kubectl apply -f {NAME}.yaml
# The ledger must outlive a pod: give PULLGRANT_LEDGER a PostgreSQL address. Where the cluster has workload identity,
# annotate the service account instead of keeping a sign-in in the secret.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {NAME}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {NAME}
spec:
  schedule: "{job.crontab}"
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: {job.minutes * 60}
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 1
      activeDeadlineSeconds: 1800
      template:
        spec:
          serviceAccountName: {NAME}
          restartPolicy: Never
          containers:
            - name: rotate
              # An image of your own with the package in it starts faster and does not change by itself.
              image: docker.io/library/python:3.12-slim
              command: ["/bin/sh", "-c"]
              args:
                - |
                  set -e
                  python -m venv "$HOME/venv"
                  "$HOME/venv/bin/pip" install --quiet --no-cache-dir '{job.requirement}'
                  exec "$HOME/venv/bin/pullgrant" {shlex.join(job.words)}
              env:
                - name: HOME
                  value: /work
              envFrom:
                - secretRef:
                    name: {NAME}
              securityContext:
                runAsNonRoot: true
                runAsUser: 65532
                readOnlyRootFilesystem: true
                allowPrivilegeEscalation: false
                capabilities:
                  drop: ["ALL"]
              volumeMounts:
                - name: work
                  mountPath: /work
                - name: work
                  mountPath: /tmp
          volumes:
            - name: work
              emptyDir: {{}}
"""
    return {f"{NAME}.yaml": text}


def github_actions(job: Job) -> Mapping[str, str]:
    """Return a workflow."""
    sign_in = "".join(_SIGN_INS[name] for name in job.providers if name in _SIGN_INS)
    text = f"""\
# Renews registry credentials before they die. {job.why}
# Install:  save as .github/workflows/{NAME}.yml on the default branch, and set the repository's secret PULLGRANT_LEDGER
#           to a PostgreSQL address: a runner keeps no files. GitHub may start a scheduled run late, and stops schedules in
#           a repository where nothing happened for 60 days.
name: {NAME}
"on":
  schedule:
    - cron: "{job.crontab}"
  workflow_dispatch: {{}}
concurrency:
  group: {NAME}
  cancel-in-progress: false
permissions:
  contents: read
  id-token: write # for the sign-in to the cloud, without a stored key
jobs:
  rotate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install --quiet '{job.requirement}'
{sign_in}      - run: pullgrant {shlex.join(job.words)}
        env:
          PULLGRANT_LEDGER: ${{{{ secrets.PULLGRANT_LEDGER }}}}
"""
    return {f"{NAME}.yml": text}


def eventbridge(job: Job) -> Mapping[str, str]:
    """Return a CloudFormation template with a schedule that starts a task of ECS."""
    override = json.dumps({"containerOverrides": [{"name": "pullgrant", "command": list(job.words)}]})
    text = f"""\
# Renews registry credentials before they die. {job.why}
# Install:  aws cloudformation deploy --stack-name {NAME} --template-file {NAME}.yaml --parameter-overrides ...
# The task definition has one container `pullgrant` whose image has {job.requirement} in it and `pullgrant` as its entry
# point, PULLGRANT_LEDGER (a PostgreSQL address) from Secrets Manager, and a task role that the readers trust: --trust ARN.
AWSTemplateFormatVersion: "2010-09-09"
Description: Runs pullgrant rotate regularly
Parameters:
  ClusterArn:
    Type: String
  TaskDefinitionArn:
    Type: String
  Subnets:
    Type: CommaDelimitedList
  SchedulerRoleArn:
    Type: String
    Description: A role that scheduler.amazonaws.com may assume, with ecs:RunTask and iam:PassRole
Resources:
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: {NAME}
      ScheduleExpression: {_rate(job.minutes)}
      FlexibleTimeWindow:
        Mode: FLEXIBLE
        MaximumWindowInMinutes: {max(job.minutes // 20, 1)}
      Target:
        Arn:
          Ref: ClusterArn
        RoleArn:
          Ref: SchedulerRoleArn
        EcsParameters:
          TaskDefinitionArn:
            Ref: TaskDefinitionArn
          LaunchType: FARGATE
          NetworkConfiguration:
            AwsvpcConfiguration:
              Subnets:
                Ref: Subnets
              AssignPublicIp: ENABLED
        Input: '{override}'
        RetryPolicy:
          MaximumRetryAttempts: 2
          MaximumEventAgeInSeconds: {max(job.minutes * 60, 60)}
"""
    return {f"{NAME}.yaml": text}


FORMATS: Mapping[str, Callable[[Job], Mapping[str, str]]] = {
    "cron": cron,
    "systemd": systemd,
    "kubernetes": kubernetes,
    "github-actions": github_actions,
    "eventbridge": eventbridge,
}

_SIGN_INS = {
    "ecr": """\
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{ vars.AWS_ROLE }} # the readers trust it: ecr.bootstrap --trust ARN
          aws-region: ${{ vars.AWS_REGION }}
""",
    "gcp": """\
      - uses: google-github-actions/auth@v2
        with:
          workload_identity_provider: ${{ vars.GOOGLE_WORKLOAD_IDENTITY_PROVIDER }}
          service_account: ${{ vars.GOOGLE_SERVICE_ACCOUNT }}
""",
    "azure": """\
      - uses: azure/login@v2
        with:
          client-id: ${{ vars.AZURE_CLIENT_ID }}
          tenant-id: ${{ vars.AZURE_TENANT_ID }}
          subscription-id: ${{ vars.AZURE_SUBSCRIPTION_ID }}
""",
}


def _calendar(job: Job) -> str:
    """Return the times in the words of systemd.time(7)."""
    if job.minutes < 60:
        return f"*-*-* *:{job.minute % job.minutes}/{job.minutes}:00"
    hours = job.minutes // 60
    return f"*-*-* {'00' if hours == 24 else f'0/{hours}'}:{job.minute:02}:00"


def _rate(minutes: int) -> str:
    """Return the expression of EventBridge Scheduler, which wants the singular for one."""
    value, unit = (minutes, "minute") if minutes < 60 else (minutes // 60, "hour")
    return f"rate({value} {unit}{'' if value == 1 else 's'})"


def _systemd_word(word: str) -> str:
    r"""Return a word as systemd.syntax(7) reads it: quoted, with `%` and `$` doubled."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(character in word for character in " \t'\"\\;") else escaped
