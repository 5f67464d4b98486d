"""Real servers that tests start on 127.0.0.1, each on a port of its own, and end with the test."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SECONDS = 30


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def serving(argv: Sequence[str], port: int, folder: Path, **more: Any) -> Iterator[None]:
    """Run a server that will listen on this port; what it says stands in the file `log` of the folder."""
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log, **more) as server:
        try:
            _await(port, server)
            yield
        finally:
            server.terminate()
            server.wait(_SECONDS)


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"{server.args} did not start")


@contextmanager
def docker_registry(
    folder: Path, auth: Mapping[str, Any], *, name: str = "127.0.0.1", tls: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run Debian's docker-registry with this `auth` and its data in the folder `data`; give its host with port.

    `name` is that of this machine.
    """
    port = free_port()
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"{name}:{port}", **({"tls": tls} if tls else {})},
        "auth": auth,
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with serving(["docker-registry", "serve", str(folder / "config.yml")], port, folder):
        yield f"{name}:{port}"


def by_sandbox(realm: str, bundle: Path) -> dict[str, Any]:
    """Return the `auth` of a registry that trusts the sandbox's token service."""
    terms = {"realm": realm, "service": "real", "issuer": "pullgrant-sandbox", "rootcertbundle": str(bundle)}
    return {"token": terms}
