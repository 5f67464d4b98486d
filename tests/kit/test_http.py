"""The HTTP client against a small server that misbehaves."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pullgrant.errors import OutcomeUnknown, Unavailable
from pullgrant.kit.http import MOST_BYTES, Http, Reply

LOUD = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")
BEARER = "hush-hush-bearer"


class Misbehaving(BaseHTTPRequestHandler):
    """Answers by path; `over` is set when the test has ended."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    over = threading.Event()

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        getattr(self, f"do_{path[1:]}")()

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_ok(self) -> None:
        self.send(
            200, b'{"cookie": "%s"}' % self.headers.get("cookie", "").encode(), set_cookie="sid=secret-session; Path=/"
        )

    def do_echo(self) -> None:
        self.send(200, json.dumps([self.headers.get("content-type"), self.body.decode()]).encode())

    def do_refused(self) -> None:
        self.send(429, b"slow down", retry_after="7")

    def do_moved(self) -> None:
        self.send(307, b"", location="/ok?signature=hush-hush-signature")

    def do_half(self) -> None:
        self.send(200, b'{"a": 1', content_length="100")
        self.close_connection = True

    def do_half_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")
        self.close_connection = True

    def do_gone(self) -> None:
        self.close_connection = True

    def do_garbage(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.close_connection = True

    def do_silent(self) -> None:
        self.over.wait(5)
        self.close_connection = True

    def do_drip(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "100000")
        self.end_headers()
        try:
            while not self.over.wait(0.01):
                self.wfile.write(b".")
        except OSError:
            pass
        self.close_connection = True

    def do_big(self) -> None:
        try:
            self.send(200, b"x" * (MOST_BYTES + 1_000_000))
        except OSError:
            self.close_connection = True


@pytest.fixture
def server():
    Misbehaving.over.clear()
    served = ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    served.daemon_threads = True
    served.handle_error = lambda *_: None  # a client that went away is what some tests want
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    Misbehaving.over.set()
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def http(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    client = Http(timeout=2.0)
    yield client
    client.close()


def test_an_answer_of_any_status_is_returned(http, server):
    """A refusal in the cloud's own words would become an exception without them."""
    reply = http.ask("GET", f"{server}/refused")
    assert (reply.status, reply.text, reply.retry_after) == (429, "slow down", 7.0)


@pytest.mark.parametrize(
    ("sent", "seconds"), [("7", 7.0), ("0", 0.0), ("²", None), ("-1", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_retry_after(sent, seconds):
    """A header of another form would crash the retry."""
    assert Reply(status=429, headers={"retry-after": sent}, body=b"").retry_after == seconds


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"[" * 200_000, b"\xff"])
def test_half_json_is_none(body):
    """A proxy's error page would crash who reads the answer."""
    assert Reply(status=200, headers={}, body=body).json() is None


@pytest.mark.parametrize("path", ["half", "half_headers", "gone", "garbage", "silent", "drip"])
@pytest.mark.parametrize(
    ("method", "kind"),
    [("GET", Unavailable), ("POST", OutcomeUnknown), ("PUT", OutcomeUnknown), ("DELETE", OutcomeUnknown)],
)
def test_no_whole_answer(http, server, path, method, kind):
    """A lost answer to a change would be repeated, or one to a question would stop everything."""
    with pytest.raises(Unavailable) as caught:
        http.ask(method, f"{server}/{path}?sig=hush-hush-query", timeout=0.05)
    assert type(caught.value) is kind
    assert caught.value.message.startswith(f"{method} {server}/{path}: no whole answer (")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_was_sent(http, method):
    """A create call that never left the machine would be taken for one of unknown outcome."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable, match="no connection") as caught:
        http.ask(method, f"http://127.0.0.1:{port}/x?sig=hush-hush-query")
    assert type(caught.value) is Unavailable
    assert "Connection refused" in caught.value.message


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_host_that_does_not_accept_in_time(http, method):
    """A connection that is never made would be waited for, or taken for an unknown outcome."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        with pytest.raises(Unavailable, match="ConnectTimeout") as caught:
            http.ask(method, f"http://127.0.0.1:{full.getsockname()[1]}/x", timeout=0.1)
        for one in waiting:
            one.close()
    assert type(caught.value) is Unavailable


def test_a_server_that_is_no_tls_says_so(http, server):
    """A wrong scheme or an unknown authority would be an error without a reason."""
    with pytest.raises(Unavailable, match=r"\(ConnectError: \[SSL"):
        http.ask("GET", server.replace("http:", "https:"))


@pytest.mark.parametrize("url", ["ftp://x.example/y", "not a url", "http://x\0y/", "http://x.example:port/"])
def test_an_address_that_cannot_be_asked(http, url):
    """A broken address from outside would crash the run."""
    with pytest.raises(Unavailable, match="the address is not one that can be asked"):
        http.ask("GET", url)


@pytest.mark.parametrize("path", ["half", "gone", "silent"])
def test_errors_carry_no_secret(http, server, path):
    """A query, a password in an address or a header would stand in an error."""
    url = server.replace("http://", "http://user:hush-hush-password@")
    with pytest.raises(Unavailable) as caught:
        http.ask(
            "GET",
            f"{url}/{path}?sig=hush-hush-query#hush-hush-fragment",
            headers={"authorization": f"Bearer {BEARER}"},
            timeout=0.1,
        )
    assert "hush-hush" not in f"{caught.value} {caught.value!r}"
    assert caught.value.__suppress_context__


def test_an_illegal_header_is_not_shown(http, server):
    """A token with a newline would stand in the error of the HTTP library."""
    with pytest.raises(Unavailable) as caught:
        http.ask("GET", f"{server}/ok", headers={"authorization": f"Bearer {BEARER}\n"})
    assert BEARER not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("when", ["before the client is made", "after it"])
def test_logs_carry_no_secret(http, server, caplog, when):
    """At DEBUG the libraries below print addresses with their queries and the headers of answers."""
    if when == "after it":
        http.ask("GET", f"{server}/ok")
    for name in ("", "pullgrant.http", *LOUD):
        caplog.set_level(logging.DEBUG, logger=name)
    for method in ("GET", "POST"):
        http.ask(
            method, f"{server}/moved?sig=hush-hush-query", headers={"authorization": f"Bearer {BEARER}"},
            params=[("password", "hush-hush-param")], form={"client_secret": "hush-hush-form"} if method == "POST" else None,
        )  # fmt: skip
    assert [word for word in ("hush-hush", "secret-session") if word in caplog.text] == []
    assert [record.getMessage().split(" in ")[0] for record in caplog.records if record.name == "pullgrant.http"][-2:] == [
        f"GET {server}/moved -> 307",
        f"POST {server}/moved -> 307",
    ]


def test_a_reply_does_not_print_what_it_holds(http, server):
    """A token in a body, an address or a cookie would be in every log of a value."""
    reply = http.ask("GET", f"{server}/moved?sig=hush-hush-query")
    assert repr(reply) == "Reply(status=307)"


def test_redirects_are_not_followed(http, server):
    """A registry could lead a credential to another host."""
    reply = http.ask("GET", f"{server}/moved")
    assert (reply.status, reply.headers["location"]) == (307, "/ok?signature=hush-hush-signature")


def test_cookies_are_not_kept(http, server):
    """A session of the credential would answer the anonymous question, and a registry would look public."""
    assert [http.ask("GET", f"{server}/ok").json() for _ in range(2)] == [{"cookie": ""}] * 2


def test_a_body_is_bounded(http, server):
    """A hostile server could fill the memory."""
    assert MOST_BYTES <= len(http.ask("GET", f"{server}/big").body) < MOST_BYTES + 1_000_000


def test_a_timeout_is_kept(http, server):
    """A slow cloud would hold the run longer than was said."""
    started = time.monotonic()
    with pytest.raises(Unavailable):
        http.ask("GET", f"{server}/silent", timeout=0.05)
    assert time.monotonic() - started < 1.0


def test_a_closed_client_opens_again(http, server):
    """A second command in one process would fail."""
    http.ask("GET", f"{server}/ok")
    http.close()
    assert http.ask("GET", f"{server}/ok").status == 200


def test_what_is_sent(http, server):
    """Forms, JSON and bytes would not arrive as asked."""
    sent = [
        http.ask("POST", f"{server}/echo", json={"a": "ä"}).json(),
        http.ask("POST", f"{server}/echo", form={"a": "b c"}).json(),
        http.ask("POST", f"{server}/echo", content=b"raw").json(),
    ]
    assert sent == [["application/json", '{"a":"ä"}'], ["application/x-www-form-urlencoded", "a=b+c"], [None, "raw"]]


def test_an_authority_of_ones_own(tmp_path):
    """A private registry could not be trusted without trusting it everywhere."""
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(ssl.SSLError):
        Http(ca_file=str(tmp_path / "ca.pem")).ask("GET", "https://127.0.0.1:1/")
