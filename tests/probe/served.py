"""A small HTTP server for tests: each request is answered by one function and kept for looking at."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    raw_query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")

    @property
    def basic(self) -> tuple[str, str] | None:
        """User name and password of a Basic header."""
        scheme, _, blob = self.authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(blob).decode().partition(":")
        return user, password

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An answer; a dict is sent as JSON. `cut`: only half of the body comes. `chunked`: no Content-Length."""

    status: int = 200
    body: dict[str, Any] | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    chunked: bool = False


def error(status: int, code: str, message: str, **headers: str) -> Say:
    """Return an error in the form of the distribution specification."""
    body = {"errors": [{"code": code, "message": message, "detail": None}]}
    return Say(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Site:
    """A server that runs; `host` is its address as a registry host."""

    def __init__(self, answer: Callable[[Seen], Say]) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.host = f"127.0.0.1:{self.server.server_address[1]}"

    def asked(self, method: str, path: str) -> list[Seen]:
        """Return the requests of one method and path."""
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]


@contextmanager
def serve(answer: Callable[[Seen], Say]) -> Iterator[Site]:
    """Run a site for the length of a with block."""
    site = Site(answer)
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 5

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            seen = Seen(
                method=self.command,
                path=parts.path,
                query=parse_qs(parts.query, keep_blank_values=True),
                raw_query=parts.query,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("content-length") or 0)),
            )
            site.seen.append(seen)
            self._say(site.answer(seen))

        def _say(self, say: Say) -> None:
            body = json.dumps(say.body).encode() if isinstance(say.body, dict) else say.body
            self.send_response(say.status)
            headers = {"content-type": "application/json", **{name.lower(): value for name, value in say.headers.items()}}
            for name, value in headers.items():
                self.send_header(name, value)
            if say.chunked:
                self.send_header("transfer-encoding", "chunked")
                body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:5], body[5:])) + b"0\r\n\r\n"
            else:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if say.cut else body)
            self.close_connection = self.close_connection or say.cut

        def log_message(self, *args: Any) -> None:
            """Stay silent: the test looks at what was seen."""

    for method in ("GET", "HEAD", "POST", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)
    return Handler
