"""`sandbox.*`: the whole product on this machine alone, without an account."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from invoke import Collection

from pullgrant.cli.options import JSON, Opt
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import MissingExtra, UsageError
from pullgrant.kit.clock import AHEAD

URL = "PULLGRANT_SANDBOX_URL"


def _sandbox(port: int = 0) -> Any:
    try:
        from pullgrant.sandbox.run import Sandbox
    except ImportError as error:
        raise MissingExtra(f"the sandbox needs the package {error.name}", hint="pip install 'pullgrant[sandbox]'") from None
    return Sandbox(port=port)


@verb(name="start", default=True)
def start(given: Given) -> None:
    """Start fake clouds, platforms and a registry in this process and lead the verbs that follow it there."""
    box = _sandbox()
    box.start()
    atexit.register(box.stop)
    os.environ.update(box.environment())
    print(f"sandbox: fake clouds, platforms and a registry on {box.url}; nothing else is contacted", file=sys.stderr)


@verb(
    Opt(name="port", default="0", help="Port on 127.0.0.1; 0 takes a free one."),
    Opt(name="env_file", help="Where to write KEY=VALUE lines that point pullgrant, gcloud, aws and az at it."),
)
def up(given: Given) -> None:
    """Serve the sandbox until interrupted; prints `ready` when it listens."""
    if not given.port.isdigit():
        raise UsageError(f"--port {given.port!r} is not a number")
    box = _sandbox(int(given.port))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    box.start()
    try:
        if given.env_file:
            lines = "".join(f"{name}={value}\n" for name, value in sorted(box.environment().items()))
            Path(given.env_file).write_text(lines, encoding="utf-8")
        print(f"ready {box.url}", flush=True)
        ended.wait()
    finally:
        box.stop()


def _control() -> Any:
    from pullgrant.sandbox.control_client import Control

    url = os.environ.get(URL)
    if not url:
        raise UsageError(
            "no sandbox is on", hint="Put `sandbox` before this verb, or load the file of sandbox.up --env-file."
        )
    return Control(url)


@verb(
    Opt(name="hours", default="0", help="Hours to move forward."),
    Opt(name="seconds", default="0", help="Seconds to move forward, on top."),
)
def advance(given: Given) -> None:
    """Move the sandbox's clock forward, and that of the verbs that follow in this chain."""
    try:
        by = timedelta(hours=float(given.hours), seconds=float(given.seconds))
    except ValueError:
        raise UsageError("--hours and --seconds take numbers") from None
    _control().advance(by.total_seconds())
    os.environ[AHEAD] = str(float(os.environ.get(AHEAD) or 0) + by.total_seconds())


@verb()
def reset(given: Given) -> None:
    """Bring the sandbox back to its first day."""
    _control().reset()


@verb(Opt(name="reader", default="docker-reader", help="Name of the reader."))
def delete_key(given: Given) -> None:
    """Delete all keys of a reader at its cloud, as somebody else would: what then helps is told by `diagnose`."""
    _control().delete_key(given.reader)


@verb(JSON)
def calls(given: Given) -> None:
    """List the calls that reached the sandbox, oldest first."""
    from dataclasses import asdict

    from pullgrant.cli.render import emit

    seen = [asdict(one) for one in _control().calls()]
    emit(
        {"calls": seen}, [f"{one['status']} {one['kind']:45} {one['host']}{one['path']}" for one in seen], as_json=given.json
    )


@verb(
    Opt(
        name="platform",
        default="akka",
        help="Who pulls: akka, kalix, akkasls, docker-config[:PATH], akash:FILE or kubernetes:NAMESPACE[/SECRET].",
    ),
    Opt(name="image", required=True, help="Image to pull, HOST/REPOSITORY:TAG."),
    JSON,
)
def platform_pull(given: Given) -> None:
    """Pull an image as a platform would, with the credential that is registered there."""
    from pullgrant.cli.render import emit
    from pullgrant.errors import ProofFailed

    answer = _control().platform_pull(_with_whole_path(given.platform), given.image)
    if not answer.get("pulled"):
        raise ProofFailed(f"{given.platform} cannot pull {given.image}: {answer.get('words', 'refused')}")
    emit(answer, [f"pulled {given.image}"], as_json=given.json)


def _with_whole_path(platform: str) -> str:
    """Return the platform with the path that the sandbox, which may run in another folder, finds."""
    name, _, target = platform.partition(":")
    if name == "docker-config":
        target = target or str(Path(os.environ.get("DOCKER_CONFIG") or "~/.docker") / "config.json")
    return f"{name}:{Path(target).expanduser().absolute()}" if name in ("akash", "docker-config") else platform


def collection() -> Collection:
    """Return the collection `sandbox`."""
    box = Collection("sandbox")
    for one in (start, up, advance, reset, delete_key, calls, platform_pull):
        box.add_task(one)
    return box
