"""A real docker-registry with token authentication, and a real skopeo to talk to it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SECONDS = 30
CONFIG = """
version: 0.1
log: {{level: error}}
storage: {{inmemory: {{}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth:
  token:
    realm: "{url}/sandbox/token?host=gcr.io"
    service: real
    issuer: pullgrant-sandbox
    rootcertbundle: "{bundle}"
"""


@contextmanager
def serve(folder: Path, *, url: str, bundle: Path) -> Iterator[str]:
    """Run a docker-registry that trusts the token service at `url`, which judges by gcr.io's rights; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = folder / "registry.yml"
    config.write_text(CONFIG.format(port=port, url=url, bundle=bundle))
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["docker-registry", "serve", str(config)], **silent) as server:
        try:
            _await(port, server)
            yield f"127.0.0.1:{port}"
        finally:
            server.kill()


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("docker-registry did not start")


def skopeo(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run skopeo, in the test's environment when no other is given."""
    argv = ["skopeo", "--insecure-policy", *words]
    return subprocess.run(argv, env=environment or os.environ, capture_output=True, text=True, timeout=SECONDS)


def pusher() -> str:
    """Return the operator's own login at Google's registries: a fresh access token."""
    from pullgrant.kit.http import Http
    from pullgrant.providers.gcp.signin import SignIn

    http = Http()
    try:
        return f"oauth2accesstoken:{SignIn(http).access_token().reveal()}"
    finally:
        http.close()
