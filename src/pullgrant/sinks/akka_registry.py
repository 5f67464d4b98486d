"""The Akka Container Registry: Akka's own, for which no service needs a credential and docker gets one from a helper.

Commands: Akka documentation, operations/projects/container-registries. That `configure` does its work without a person at its
menu is documented nowhere, so docker's config.json is read and its helper asked afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pullgrant.errors import OutcomeUnknown, PullgrantError, SinkFailed
from pullgrant.kit import process
from pullgrant.kit.redact import redact
from pullgrant.model.image import is_built_in
from pullgrant.sinks import docker_config, docker_document, docker_helper, shared_file
from pullgrant.sinks.akka_cli import AKKA, AkkaCli, Run

_TIMEOUT = 75.0
_TABLE = re.compile(r"^PROVIDER\s+CLOUD\s+REGION\s+ORGANIZATION\s+ORGANIZATION_ID\s+AKKA CONTAINER REGISTRY\s*$")
_PUBLIC = "PUBLIC"  # a row of the table that is no organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHost:
    """One row: a host of the registry in a region; `organization` is empty for what every account has.

    `answers`: docker gets a credential for it here.
    """

    host: str
    region: str
    organization: str = ""
    answers: bool = False


class AkkaRegistry:
    """Wraps `akka auth container-registry` and `akka container-registry list`.

    Both methods raise UsageError without the program, NotSignedIn without a sign-in and SinkFailed for what it refuses.
    """

    def __init__(self, run: Run = process.run) -> None:
        self._run = run
        self._cli = AkkaCli(run)

    def hosts(self) -> tuple[RegistryHost, ...]:
        """Return the hosts per region and organisation, and whether docker gets credentials for them."""
        self._cli.check_ready()
        rows = _rows(self._ask("container-registry", "list"))
        answering = {host for host in {row.host for row in rows} if _answers(host)}
        return tuple(
            RegistryHost(host=row.host, region=row.region, organization=row.organization, answers=row.host in answering)
            for row in rows
        )

    def configure(self) -> tuple[RegistryHost, ...]:
        """Let akka write its credential helper into docker's config.json; raise SinkFailed when docker gets nothing then."""
        self._cli.check_ready()
        printed = self._ask("auth", "container-registry", "configure")
        found = self.hosts()
        silent = sorted({one.host for one in found if not one.answers})
        if silent:
            raise SinkFailed(
                f"docker gets no credential for {', '.join(silent)}; akka said: {redact(printed, limit=120)}",
                hint="Run `akka auth container-registry configure` at a terminal and choose Yes: without one its answer is No.",
            )
        return found

    def _ask(self, *words: str) -> str:
        told = " ".join(words)
        try:
            done = self._run(["akka", *words, *AKKA.flags], timeout=_TIMEOUT, keep=AKKA.variables)
        except OutcomeUnknown as error:
            raise SinkFailed(
                f"{error.message} ({told})", hint="Is it waiting for an answer? Run it at a terminal."
            ) from None
        if done.returncode:
            raise SinkFailed(f"akka {told} failed: {redact(done.stderr.strip() or done.stdout)}")
        return done.stdout


def _rows(printed: str) -> Sequence[RegistryHost]:
    lines = printed.splitlines()
    start = next((at for at, line in enumerate(lines) if _TABLE.fullmatch(line)), None)
    rows = [line.split() for line in lines[start + 1 :] if line.strip()] if start is not None else []
    found = [
        RegistryHost(host=cells[-1], region=cells[2], organization="" if cells[3] == _PUBLIC else " ".join(cells[3:-2]))
        for cells in rows
        if len(cells) >= 6 and is_built_in(cells[-1])
    ]
    if not found or len(found) != len(rows):
        raise SinkFailed(
            f"akka container-registry list prints a table that is not known here: {redact(printed, limit=120)}",
            hint="Which CLI is it? akka version",
        )
    return found


def _answers(host: str) -> bool:
    """Return whether docker's configuration leads to a credential; what it is stays unseen."""
    path = docker_config.default_path()
    document = docker_document.parse(shared_file.read(path), str(path))
    suffix = docker_document.helper_for(document, host)
    if not suffix:
        return docker_document.held(document, host, host) is not None
    try:
        docker_helper.check(suffix)
        return docker_helper.get(suffix, host, keep=AKKA.variables) is not None
    except PullgrantError:
        return False
