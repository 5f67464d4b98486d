"""HTTP/1.1 as bytes: request bodies in, whole responses out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from io import BufferedIOBase

from pullgrant.sandbox.exchange import Response

MOST_BODY = 16 * 1024 * 1024
_NO_BODY = frozenset({204, 304})


class BadBodyError(Exception):
    """A request body that cannot be taken; `status` says why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def read_body(headers: Mapping[str, str], source: BufferedIOBase) -> bytes:
    """Return a request's whole body, decoding chunks. `headers` have lower-case names. Raises BadBodyError."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(source)
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise BadBodyError(400, "Content-Length is not a number")
    if int(length) > MOST_BODY:
        raise BadBodyError(413, f"the sandbox takes bodies of up to {MOST_BODY} bytes")
    return _exactly(source, int(length))


def _chunks(source: BufferedIOBase) -> bytes:
    body = bytearray()
    while size := _chunk_size(source):
        if len(body) + size > MOST_BODY:
            raise BadBodyError(413, f"the sandbox takes bodies of up to {MOST_BODY} bytes")
        body += _exactly(source, size)
        source.readline(8)  # the line end after a chunk
    while source.readline(65537).strip():
        pass  # trailers say nothing that a fake needs
    return bytes(body)


def _chunk_size(source: BufferedIOBase) -> int:
    digits = source.readline(1024).split(b";", 1)[0].strip()
    try:
        return int(digits, 16)
    except ValueError:
        raise BadBodyError(400, "a chunk's size is not a number") from None


def _exactly(source: BufferedIOBase, length: int) -> bytes:
    body = source.read(length) if length else b""
    if len(body) < length:
        raise ConnectionResetError("the body ended early")
    return body


def body_of(response: Response) -> bytes:
    """Return the bytes of a response's body."""
    return response.body if response.json is None else json.dumps(response.json).encode()


def head_of(response: Response, *, length: int, closing: bool = False, reason: str = "") -> bytes:
    """Return status line and headers; `length` goes out as Content-Length, `closing` announces the connection's end."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.json is not None:
        headers.setdefault("content-type", "application/json; charset=utf-8")
    if response.status not in _NO_BODY:
        headers["content-length"] = str(length)
    if closing:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {reason or _phrase(response.status)}"]
    lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")


def whole(response: Response, *, method: str, closing: bool = False) -> bytes:
    """Return the whole response as it goes over the wire; the answer to HEAD has a length but no body."""
    body = body_of(response)
    head = head_of(response, length=len(body), closing=closing)
    return head if method == "HEAD" or response.status in _NO_BODY else head + body


def half(response: Response) -> bytes:
    """Return the response cut in the middle of its body, which its head promises whole; without a body, of its head."""
    body = body_of(response)
    head = head_of(response, length=len(body))
    return head + body[: len(body) // 2] if body else head[: len(head) // 2]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")
