"""The units that run elsewhere than on this machine: a GitHub workflow, and a schedule of Amazon EventBridge."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from pullgrant.cli.job import NAME, Job

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


def _rate(minutes: int) -> str:
    """Return the expression of EventBridge Scheduler, which wants the singular for one."""
    value, unit = (minutes, "minute") if minutes < 60 else (minutes // 60, "hour")
    return f"rate({value} {unit}{'' if value == 1 else 's'})"
