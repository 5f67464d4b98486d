"""Starts many command lines to be killed: each is forked off a process that has imported everything, and waits for its word."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

SRC = Path(__file__).parents[2] / "src"
EVERYWHERE = (
    "httpx",
    "pullgrant.cli.bootstrap",
    "pullgrant.cli.render",
    "pullgrant.flows.recover",
    "pullgrant.flows.rounds",
    "pullgrant.ledger.sqlite",
    "pullgrant.probe.probe",
    "pullgrant.sinks.akka",
    "pullgrant.sinks.docker_config",
    "rich.console",
    "sqlalchemy.dialects.sqlite",
)
OF = {
    "azure": (
        "azure.core.pipeline.policies",
        "azure.identity",
        "azure.mgmt.authorization.v2022_04_01",
        "azure.mgmt.containerregistry",
        "pullgrant.cli.azure",
        "pullgrant.providers.azure.provider",
        "requests",
    ),
    # gRPC bears a fork as long as nothing was asked for over it.
    "gcp": ("google.auth", "google.cloud.iam_admin_v1", "pullgrant.cli.gcp", "pullgrant.providers.gcp.provider"),
    "ecr": ("boto3", "pullgrant.cli.ecr", "pullgrant.providers.ecr.provider"),
}


def remembering() -> Callable[[Any, str], Any]:
    """Return `JSONFileLoader.load_file` of botocore with a memory: each new session parses the same megabytes again."""
    from botocore.loaders import JSONFileLoader

    read, memory = JSONFileLoader.load_file, {}

    def load_file(self: Any, path: str) -> Any:
        if path not in memory:
            memory[path] = read(self, path)
        return memory[path]

    return load_file


class Nursery:
    """The tests' end, for one provider. One command line at a time: nothing of it runs between `start` and `end`."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def __enter__(self) -> Nursery:
        self._mother = subprocess.Popen(
            [sys.executable, __file__, self._provider],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC)},  # each child gets a whole one with its command line
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._mother.communicate(timeout=30)

    def start(self, *argv: str, mortal: tuple[int, str] | None = None) -> int:
        """Fork a process for one command line here and return its pid; `mortal` are the first two arguments of mortal.py."""
        self._say({"argv": argv, "mortal": mortal, "environment": dict(os.environ)})
        return int(self._heard()["pid"])

    def end(self) -> tuple[int, str]:
        """Let it run; return its exit code and what it wrote to stderr."""
        self._say({})
        ended = self._heard()
        return int(ended["code"]), str(ended["err"])

    def _say(self, words: Mapping[str, Any]) -> None:
        assert self._mother.stdin is not None
        self._mother.stdin.write(json.dumps(words) + "\n")
        self._mother.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        assert self._mother.stdout is not None
        heard: dict[str, Any] = json.loads(self._mother.stdout.readline())
        return heard


def main() -> None:
    """Be the mother: read what to fork from stdin, and tell on stdout."""
    provider = sys.argv[1]
    for name in (*EVERYWHERE, *OF[provider]):
        importlib.import_module(name)
    if provider == "ecr":
        _know_aws()
    while line := sys.stdin.readline():
        asked = json.loads(line)
        waiting, word = os.pipe()
        with tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                os.close(word)
                os.read(waiting, 1)
                _live(asked["argv"], asked["mortal"], asked["environment"], err.fileno())
            print(json.dumps({"pid": pid}), flush=True)
            sys.stdin.readline()
            os.close(waiting)
            os.close(word)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            err.seek(0)
            print(json.dumps({"code": code, "err": err.read().decode()}), flush=True)


def _know_aws() -> None:
    import boto3
    from botocore.loaders import JSONFileLoader

    JSONFileLoader.load_file = remembering()
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    for service in ("ecr", "iam", "sts"):
        session.client(service)


def _live(argv: Sequence[str], mortal: Sequence[Any] | None, environment: Mapping[str, str], err: int) -> NoReturn:
    """Run one command line as `python -m pullgrant` would."""
    with Path(os.devnull).open("r+b") as nothing:
        for number, descriptor in enumerate((nothing.fileno(), nothing.fileno(), err)):
            os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        if mortal:
            import mortal as dying

            dying.main(*mortal, list(argv))
        else:
            from pullgrant.cli import program

            program.run(["pullgrant", *argv])
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
