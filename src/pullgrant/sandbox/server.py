"""The sandbox's one server: an HTTPS proxy on 127.0.0.1 behind which all fakes answer under their real names."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.faults import Met
from pullgrant.sandbox.serve import Switchboard, is_loopback
from pullgrant.sandbox.tunnel import tunnel, wants_only_http2
from pullgrant.sandbox.wire import BadBodyError, half, head_of, read_body, whole

_HANDSHAKE_SECONDS = 10.0
_STOP_SECONDS = 2.0


class Certifies(Protocol):
    """The part of an authority that the server needs."""

    def context(self, host: str) -> ssl.SSLContext:
        """Return a server's TLS context for a host."""


class Server:
    """Listens from `start` to `stop`; one daemon thread per connection."""

    def __init__(self, *, switchboard: Switchboard, authority: Certifies, port: int = 0) -> None:
        self.switchboard, self.authority = switchboard, authority
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, name="sandbox", daemon=True)

    def start(self) -> None:
        """Answer connections from now on."""
        self._accepting.start()

    def stop(self) -> None:
        """Close the listener and every connection, and wait for their threads."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=_STOP_SECONDS).close()  # wakes accept
        self._accepting.join(_STOP_SECONDS)
        self._listener.close()
        with self._guard:
            left = dict(self._open)
        for connection in left.values():
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in left:
            thread.join(_STOP_SECONDS)

    def holds(self, connection: socket.socket) -> None:
        """Note which socket the current thread talks on, so that `stop` can close it."""
        with self._guard:
            self._open[threading.current_thread()] = connection

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping.is_set():
                connection.close()
                return
            threading.Thread(target=self._talk, args=(connection,), name="sandbox-call", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        self.holds(connection)
        try:
            with connection:
                Conversation(connection, self)
        except OSError:
            pass  # the client went away, which is its right
        finally:
            with self._guard:
                self._open.pop(threading.current_thread(), None)


class Conversation(BaseHTTPRequestHandler):
    """One connection. `inside` is the host of the CONNECT around it, empty for plain HTTP."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a keep-alive call takes 44 ms

    def __init__(self, connection: socket.socket, server: Any, inside: str = "") -> None:
        self.house: Server = server
        self.inside = inside
        super().__init__(connection, ("127.0.0.1", 0), server)

    def do_CONNECT(self) -> None:
        """Open a way to a host that the sandbox plays; refuse every other."""
        self.close_connection = True
        name, _, port = self.path.rpartition(":")
        host = name.lower() if port == "443" else self.path.lower()
        switchboard = self.house.switchboard
        answers = not is_loopback(host) and switchboard.knows(host)
        if self.inside or (not answers and switchboard.tunnel_of(host) is None):
            self._refuse(502, switchboard.refused(host))
            return
        self.connection.settimeout(_HANDSHAKE_SECONDS)
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if answers and not wants_only_http2(self.connection):
            self._talk_inside(host)
        elif (port_behind := switchboard.tunnel_of(host)) is not None:
            self.connection.settimeout(None)
            tunnel(self.connection, port_behind)

    def _talk_inside(self, host: str) -> None:
        with self.house.authority.context(host).wrap_socket(self.connection, server_side=True) as inner:
            inner.settimeout(None)
            self.house.holds(inner)
            Conversation(inner, self.house, host)

    def _serve(self) -> None:
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = read_body(headers, self.rfile)
        except BadBodyError as bad:
            self._refuse(bad.status, bad.words)
            return
        host, target = self._asked(headers.get("host", ""))
        if not self.inside and not is_loopback(host):
            self._refuse(502, self.house.switchboard.refused(host))
            return
        if "origin" in headers:  # a page in a browser on this machine is nobody that the sandbox serves
            self._refuse(403, "the sandbox does not answer web pages")
            return
        path, _, query = target.partition("?")
        request = Request(
            method=self.command,
            host=host,
            path=unquote(path),
            query=parse_qs(query, keep_blank_values=True),
            headers=headers,
            body=body,
        )
        self._deliver(self.house.switchboard.answer(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _asked(self, host_header: str) -> tuple[str, str]:
        """Return host and target; a proxy's client names the host in an absolute target."""
        if self.inside:
            return self.inside, self.path
        if self.path.startswith("/"):
            return host_header.lower(), self.path
        try:
            parts = urlsplit(self.path)
        except ValueError:
            return self.path, "/"
        return parts.netloc.lower(), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _deliver(self, met: Met[Response]) -> None:
        if met.ending == "silence":
            self._wait_for_the_end()
        if met.ending in ("silence", "closed") or met.answer is None:
            self.close_connection = True
        elif met.ending == "half":
            self.close_connection = True
            self.wfile.write(half(met.answer))
        else:
            self.wfile.write(whole(met.answer, method=self.command, closing=self.close_connection))

    def _wait_for_the_end(self) -> None:
        while self.connection.recv(65536):
            pass

    def _refuse(self, status: int, words: str) -> None:
        """Answer without any route and close; the words stand in the status line too, where proxies' clients show them."""
        self.close_connection = True
        body = f"{words}\n".encode()
        response = Response(status=status, headers={"content-type": "text/plain; charset=utf-8"})
        self.wfile.write(head_of(response, length=len(body), closing=True, reason=words) + body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing: the call log is the world's."""
