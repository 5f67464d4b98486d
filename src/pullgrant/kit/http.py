"""The only HTTP client of this project; SDKs of clouds bring their own and are held in their provider's seam."""

from __future__ import annotations

import json as jsonlib
import logging
import re
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullgrant.errors import OutcomeUnknown, Unavailable
from pullgrant.kit.redact import redact

_LOG = logging.getLogger("pullgrant.http")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BYTES = 8 * 1024 * 1024
_PATIENCE = 3  # a whole answer may take so many times the time-out, which is for one silence only
_LOUD = ("httpx", "httpcore", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of any status. `headers` have lower-case names; only the status is printed, all else may hold a secret."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False, default="")

    def json(self) -> Any:
        """Return the body as JSON, None when it is empty or not JSON: half an answer is no answer."""
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def text(self) -> str:
        """The body as text; redact before showing."""
        return self.body.decode("utf-8", "replace")

    @property
    def retry_after(self) -> float | None:
        """Seconds of the Retry-After header, None when absent or a date."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.isascii() and value.isdigit() else None


class Http:
    """A pool of connections, safe for threads; made at first use. Redirects are followed only by who asks for them.

    Proxies and own certificate authorities come from the environment as usual: HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE.
    `ca_file` adds one for a single registry; `verify=False` is never offered.
    """

    def __init__(self, *, user_agent: str = "pullgrant", timeout: float = 20.0, ca_file: str = "") -> None:
        self._agent, self._timeout, self._ca_file = user_agent, timeout, ca_file
        self._client: Any = None
        self._making = threading.Lock()

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] = (),
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """Send one request and return the answer, whatever its status. Nothing is repeated here.

        `timeout` is the longest silence in seconds; a whole answer may take three times as long.

        Raises Unavailable when nothing was sent or the call changes nothing, and OutcomeUnknown when a changing call was
        sent and its answer did not arrive whole.
        """
        httpx = _library()
        started = time.monotonic()
        try:
            with self._open().stream(
                method, url, headers=headers, params=list(params) or None, json=json, data=form, content=content,
                timeout=timeout or self._timeout,
            ) as answer:  # fmt: skip
                body = _bounded(answer, started + _PATIENCE * (timeout or self._timeout))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            why = f"{type(error).__name__}: {redact(str(error), limit=200)}"
            raise Unavailable(f"{_where(method, url)}: no connection ({why})") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise Unavailable(f"{method}: the address is not one that can be asked") from None
        except httpx.HTTPError as error:
            kind = Unavailable if method in _SAFE else OutcomeUnknown
            raise kind(f"{_where(method, url)}: no whole answer ({type(error).__name__})") from None
        _LOG.debug("%s -> %d in %.0f ms", _where(method, url), answer.status_code, (time.monotonic() - started) * 1000)
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status_code, headers=lower, body=body, url=str(answer.url))

    def close(self) -> None:
        """Close the pool; a later call opens a new one."""
        with self._making:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _open(self) -> Any:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        httpx = _library()
        with self._making:
            if self._client is None:
                for name in _LOUD:  # they print addresses with their queries, and headers; a level could be set again
                    logging.getLogger(name).addFilter(_silence)
                self._client = httpx.Client(
                    headers={"user-agent": self._agent},
                    # A session cookie would sign in the next caller, the anonymous one of a proof too: none is kept.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                    verify=_trust(self._ca_file),
                    limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
                )
            return self._client


def _library() -> Any:
    """Return httpx without its command line: it would import click, rich and pygments where they are installed."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    import httpx

    return httpx


def _trust(ca_file: str) -> Any:
    if not ca_file:
        return True
    import ssl

    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


def _silence(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _bounded(answer: Any, deadline: float) -> bytes:
    kept = bytearray()
    for piece in answer.iter_bytes():
        kept += piece
        if len(kept) > MOST_BYTES:
            break
        if time.monotonic() > deadline:
            raise _library().ReadTimeout("the answer comes too slowly")
    return bytes(kept)


def _where(method: str, url: str) -> str:
    """Return method, host and path; what may hold a secret is left out: a query, a fragment, a user's password."""
    return f"{method} {re.sub(r'//[^/@]*@', '//', re.split('[?#]', url, maxsplit=1)[0])}"
