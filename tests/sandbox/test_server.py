"""The server: proxy, TLS, keep-alive, and that nothing foreign is ever reached."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any

import httpx
import pytest

from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.run import Sandbox
from sandbox.toy import Toy


def test_answers_under_the_real_name(client: httpx.Client) -> None:
    """A client behind the proxy would not reach a fake under the cloud's own host name."""
    answer = client.post("https://api.toy.test/v1/echo/a%20b?x=1&x=2", content=b"abc")
    assert answer.json() == {"word": "a b", "query": {"x": ["1", "2"]}, "size": 3, "host": "api.toy.test"}


def test_urllib_follows_the_variables(toybox: Sandbox) -> None:
    """The variables would not lead an ordinary program of another process into the sandbox."""
    source = "import urllib.request as u; print(u.urlopen('https://api.toy.test/v1/look').read().decode())"
    environment = os.environ | toybox.environment()
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, '{"settled": true}')


def test_requests_follow_the_variables(toybox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own client would not find the sandbox by the usual variables."""
    for name, value in toybox.environment().items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as by_environment:
        assert by_environment.get("https://api.toy.test/v1/look").status_code == 200


@pytest.mark.parametrize("url", ["https://example.com/", "https://api.toy.test.evil.example/", "https://127.0.0.1:1/"])
def test_unknown_host_is_refused(client: httpx.Client, control: Control, url: str) -> None:
    """The sandbox would let a client out to the real world, or look-alike names in."""
    with pytest.raises(httpx.ProxyError, match="the sandbox does not know"):
        client.get(url)
    assert [(call.kind, call.status) for call in control.calls()] == [("sandbox.unknown-host", 502)]


@pytest.mark.parametrize("url", ["http://example.com/", "http://169.254.169.254/latest", "http://api.toy.test/v1/look"])
def test_plain_http_leads_nowhere(client: httpx.Client, url: str) -> None:
    """A plain request to a foreign host, a metadata server say, would be answered or passed on."""
    answer = client.get(url)
    assert (answer.status_code, "does not know" in answer.text) == (502, True)


def test_absolute_loopback_request_is_answered(client: httpx.Client, toybox: Sandbox) -> None:
    """A client that sends even loopback requests to its proxy would not reach the control API."""
    assert client.get(f"{toybox.url}/sandbox/ready").json() == {"ready": True, "countries": ["toy"]}


def test_foreign_host_header_is_refused(direct: httpx.Client) -> None:
    """A page in a browser could reach the control API by a name that resolves to 127.0.0.1."""
    assert direct.get("/sandbox/ready", headers={"host": "evil.example"}).status_code == 502


def test_web_pages_are_refused(direct: httpx.Client, toy: Toy) -> None:
    """A page in a browser could plan faults, such as killing a process."""
    answer = direct.post("/sandbox/fail", json={"kind": "*", "how": "drop"}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert direct.post("/v1/count").json() == {"count": 1}


def test_override_endpoints_match_by_path(direct: httpx.Client) -> None:
    """A vendor's tool with an endpoint override would find nothing at the plain address."""
    assert direct.get("/v1/look").json() == {"settled": True}


def test_foreign_authority_is_not_trusted(toybox: Sandbox) -> None:
    """Any client would accept the sandbox's certificate, so the tests of certificates would prove nothing."""
    with httpx.Client(proxy=toybox.url, verify=ssl.create_default_context(), trust_env=False) as client:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get("https://api.toy.test/v1/look")


def test_keep_alive_is_fast(client: httpx.Client) -> None:
    """Each call would wait for Nagle's algorithm or a new connection: about 40 ms."""
    client.post("https://api.toy.test/v1/count")
    started = time.perf_counter()
    counts = [client.post("https://api.toy.test/v1/count").json()["count"] for _ in range(20)]
    assert counts == list(range(2, 22))
    assert (time.perf_counter() - started) / 20 < 0.03


def test_chunked_body_is_decoded(client: httpx.Client) -> None:
    """A streamed body, as container tools send it, would arrive with its chunk sizes or not at all."""
    answer = client.post("https://api.toy.test/v1/echo/x", content=iter([b"abc", b"defg"]))
    assert answer.json()["size"] == 7


def test_waiting_clients_are_told_to_continue(toybox: Sandbox) -> None:
    """A client that sends Expect: 100-continue would hang."""
    with socket.create_connection(("127.0.0.1", int(toybox.url.rpartition(":")[2])), timeout=5) as raw:
        raw.sendall(b"POST /v1/echo/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 100 ")
        raw.sendall(b"abc")
        assert b'"size": 3' in raw.recv(1000)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 16777217\r\n", b"413"),
        (b"Content-Length: -1\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n", b"400"),
    ],
)
def test_bad_bodies_are_refused(toybox: Sandbox, head: bytes, status: bytes) -> None:
    """A wrong or endless body would fill the memory or hang the connection."""
    with socket.create_connection(("127.0.0.1", int(toybox.url.rpartition(":")[2])), timeout=5) as raw:
        raw.sendall(b"POST /v1/echo/x HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\nxyz\r\n")
        assert raw.recv(1000).split()[1] == status


def test_head_has_no_body(client: httpx.Client) -> None:
    """HEAD would be unknown, or its body would be read as the next answer."""
    answer = client.head("https://api.toy.test/v1/look")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "17")
    assert client.get("https://api.toy.test/v1/look").json() == {"settled": True}


def test_unknown_path_is_404(client: httpx.Client, control: Control) -> None:
    """A path without a fake would look like an answer of one, or not show in the log."""
    answer = client.get("https://api.toy.test/v1/nothing")
    assert (answer.status_code, [call.kind for call in control.calls()]) == (404, ["unknown"])
    assert client.get("https://api.toy.test/sandbox/ready").status_code == 404


def test_bug_in_a_fake_is_500_without_its_words(client: httpx.Client) -> None:
    """A bug in a fake would hang the client, or show what the fake worked on."""
    answer = client.get("https://api.toy.test/v1/broken")
    assert (answer.status_code, answer.json()) == (500, {"error": "the sandbox failed in toy.broken: RuntimeError"})


def test_log_names_the_principal_and_hides_it_from_clients(client: httpx.Client, control: Control) -> None:
    """The log could not say who called, or clients would see the sandbox's own header."""
    answer = client.post("https://api.toy.test/v1/count")
    assert ("x-sandbox-principal" in answer.headers, answer.headers["x-kept"]) == (False, "yes")
    call = control.calls()[0]
    assert (call.kind, call.host, call.path, call.principal, call.status) == (
        "toy.count",
        "api.toy.test",
        "/v1/count",
        "user:toy",
        200,
    )


def test_tunnel_passes_bytes_to_its_port(toybox: Sandbox, toy: Toy) -> None:
    """A server with its own TLS, as gRPC needs, could not stand behind the proxy with the sandbox's certificates."""
    context, done = toy.authority.context("grpc.other.test"), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        toy.tunnel_ports["grpc.other.test"] = listener.getsockname()[1]

        def echo() -> None:
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as inner:
                inner.sendall(inner.recv(100)[::-1])
            done.set()

        threading.Thread(target=echo, daemon=True).start()
        with socket.create_connection(("127.0.0.1", int(toybox.url.rpartition(":")[2])), timeout=5) as raw:
            raw.sendall(b"CONNECT grpc.other.test:443 HTTP/1.1\r\n\r\n")
            assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")
            trust = ssl.create_default_context(cafile=str(toybox.ca_file))
            with trust.wrap_socket(raw, server_hostname="grpc.other.test") as inner:
                inner.sendall(b"hello")
                assert inner.recv(100) == b"olleh"
    assert done.wait(5)


def test_disconnects_leave_no_trace(toybox: Sandbox, client: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    """A client that goes away in the middle of anything would fill the terminal with tracebacks."""
    port = int(toybox.url.rpartition(":")[2])
    half_a_post = b"POST /v1/count HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
    for words in (b"", b"GE", b"CONNECT api.toy.test:443 HTTP/1.1\r\n\r\n", half_a_post):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(words)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"CONNECT api.toy.test:443 HTTP/1.1\r\n\r\n")
        raw.recv(1000)
        raw.sendall(b"this is not TLS")
        with contextlib.suppress(ConnectionResetError):
            while raw.recv(1000):
                pass
    assert client.post("https://api.toy.test/v1/count").json() == {"count": 1}
    assert capfd.readouterr() == ("", "")


def test_stop_closes_everything() -> None:
    """Threads, sockets or the folder with the certificates would outlive the sandbox."""
    before = set(threading.enumerate())
    sandbox = Sandbox(factories={"toy": Toy}).start()
    toy, folder, port = sandbox.countries["toy"], sandbox.folder, int(sandbox.url.rpartition(":")[2])
    raw = socket.create_connection(("127.0.0.1", port), timeout=5)
    raw.sendall(b"CONNECT api.toy.test:443 HTTP/1.1\r\n\r\n")
    raw.recv(100)
    sandbox.stop()
    sandbox.stop()
    assert raw.recv(100) == b""
    raw.close()
    assert isinstance(toy, Toy)
    assert (toy.closed, folder.exists(), set(threading.enumerate()) - before) == (True, False, set())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_starts_again_after_stop() -> None:
    """A sandbox could be started only once."""
    sandbox = Sandbox(factories={"toy": Toy})
    for _ in range(2):
        with sandbox:
            with urllib.request.urlopen(f"{sandbox.url}/sandbox/ready") as answer:
                assert json.load(answer)["ready"]


def test_environment_leads_into_the_sandbox(toybox: Sandbox) -> None:
    """A program would use the operator's own ledger, docker settings, proxy or certificates."""
    names: dict[str, Any] = toybox.environment()
    folder = toybox.folder
    assert {names[name] for name in ("HTTPS_PROXY", "https_proxy", "http_proxy", "PULLGRANT_SANDBOX_URL")} == {toybox.url}
    assert {names[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")} == {str(folder / "ca.pem")}
    assert (names["NO_PROXY"], names["no_proxy"]) == ("127.0.0.1,localhost", "127.0.0.1,localhost")
    assert names["PULLGRANT_LEDGER"] == f"sqlite:///{folder}/ledger.sqlite"
    assert (names["DOCKER_CONFIG"], names["TOY_FILE"]) == (str(folder / "docker"), str(folder / "toy" / "signed-in"))
    assert "HOME" not in names


def test_nothing_in_the_folder_is_for_others(toybox: Sandbox) -> None:
    """Another user of the machine could read or change what the sandbox works with, or a key would lie on the disk."""
    found = [toybox.folder, *(path for path in toybox.folder.rglob("*") if path.name != "signed-in")]
    assert [path for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert [path for path in found if path.is_file() and "PRIVATE KEY" in path.read_text()] == []


def test_programs_are_on_path(toybox: Sandbox) -> None:
    """A fake command line would not be found, would not get its arguments, or would not know the sandbox's address."""
    environment = {**os.environ, **toybox.environment(), "PULLGRANT_SANDBOX_URL": ""}
    done = subprocess.run(["toy", "a b", "c"], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{toybox.url} a b c\n", "")


def test_one_host_speaks_grpc_and_rest(toybox: Sandbox, toy: Toy, client: httpx.Client) -> None:
    """A cloud's host that is served as gRPC would be lost to REST clients, or the other way round."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        toy.tunnel_ports["api.toy.test"] = listener.getsockname()[1]
        assert client.get("https://api.toy.test/v1/look").json() == {"settled": True}
        trust = ssl.create_default_context(cafile=str(toybox.ca_file))
        trust.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", int(toybox.url.rpartition(":")[2])), timeout=5) as raw:
            raw.sendall(b"CONNECT api.toy.test:443 HTTP/1.1\r\n\r\n")
            assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")
            hello = hello_of(trust, "api.toy.test")
            raw.sendall(hello[:3])
            time.sleep(0.005)
            raw.sendall(hello[3:])
            passed_on, _ = listener.accept()
            with passed_on:
                assert passed_on.recv(len(hello), socket.MSG_WAITALL) == hello


def hello_of(trust: ssl.SSLContext, host: str) -> bytes:
    """Return what a TLS client sends first."""
    sent = ssl.MemoryBIO()
    client = trust.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()
