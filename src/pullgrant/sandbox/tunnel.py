"""Passes bytes between a client of the proxy and a local server that speaks TLS itself."""

from __future__ import annotations

import selectors
import socket
import time

_HANDSHAKE = 22
_RECORD = 5 + 16384
_HELLO_SECONDS = 10.0


def wants_only_http2(client: socket.socket) -> bool:
    """Wait for a client's TLS hello and say whether it offers h2 and not http/1.1, as gRPC does; the hello stays unread.

    RFC 8446 section 5.1 and RFC 7301 section 3.1: the hello is in the clear, its protocols stand in it with their lengths.
    """
    hello = _first_record(client)
    return b"\x02h2" in hello and b"\x08http/1.1" not in hello


def _first_record(client: socket.socket) -> bytes:
    """Return a whole TLS record without taking it, or what came in its place. Raises TimeoutError when it stays a piece."""
    deadline = time.monotonic() + _HELLO_SECONDS
    while time.monotonic() < deadline:
        seen = client.recv(_RECORD, socket.MSG_PEEK)
        if not seen or seen[0] != _HANDSHAKE or (len(seen) >= 5 and len(seen) >= 5 + int.from_bytes(seen[3:5], "big")):
            return seen
        time.sleep(0.001)
    raise TimeoutError("the client's hello did not come whole")


def tunnel(client: socket.socket, port: int) -> None:
    """Carry bytes both ways between `client` and 127.0.0.1:port until one side ends. Raises OSError when one breaks."""
    with socket.create_connection(("127.0.0.1", port)) as server, selectors.DefaultSelector() as ready:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ready.register(client, selectors.EVENT_READ, server)
        ready.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in ready.select():
                piece = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not piece:
                    return
                key.data.sendall(piece)
