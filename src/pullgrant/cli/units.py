"""The texts of `schedule`: a ready, commented unit for each kind of scheduler. Pure; no text holds a secret."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from pullgrant.cli.hosted_units import eventbridge, github_actions
from pullgrant.cli.job import NAME, Job

_FILE = ".config/pullgrant/environment"


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
# Check:    systemd-analyze verify ~/.config/systemd/user/{NAME}.service ~/.config/systemd/user/{NAME}.timer
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


FORMATS: Mapping[str, Callable[[Job], Mapping[str, str]]] = {
    "cron": cron,
    "systemd": systemd,
    "kubernetes": kubernetes,
    "github-actions": github_actions,
    "eventbridge": eventbridge,
}


def _calendar(job: Job) -> str:
    """Return the times in the words of systemd.time(7)."""
    if job.minutes < 60:
        return f"*-*-* *:{job.minute % job.minutes}/{job.minutes}:00"
    hours = job.minutes // 60
    return f"*-*-* {'00' if hours == 24 else f'0/{hours}'}:{job.minute:02}:00"


def _systemd_word(word: str) -> str:
    r"""Return a word as systemd.syntax(7) reads it: quoted, with `%` and `$` doubled."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(character in word for character in " \t'\"\\;") else escaped
