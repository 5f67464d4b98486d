"""The operator's sign-in: the headers that go with each call, renewed when they are due and by one caller only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from pullgrant.errors import NotSignedIn, PullgrantError, Unavailable
from pullgrant.kit.http import Http, Reply
from pullgrant.kit.redact import redact
from pullgrant.providers.gcp import default_credentials
from pullgrant.secret import Secret

_SECURE = "https://"
_AGAIN_LATER = frozenset({408, 429})


class SignIn:
    """Signs calls as the operator. Safe for threads: the credentials are looked for once, and a token is fetched once."""

    def __init__(self, http: Http, *, find: Callable[[Http], Any] = default_credentials.find) -> None:
        self._http, self._find = http, find
        self._transport = _Transport(http)
        self._lock = threading.Lock()
        self._bearer: Any = None
        self._opener: Any = None

    def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers of a call of `url`, which must be https: who may be asked, and who pays.

        Google's own `before_request` is not used: it also looks up the regions of an account, in the background.

        Raises NotSignedIn when there are no credentials or they are refused, Unavailable when they could not be renewed.
        """
        if not url.startswith(_SECURE):
            raise PullgrantError("a sign-in was to be sent without encryption; it was not")
        with self._lock:
            credentials = self._fresh(self._credentials())
            payer = credentials.quota_project_id
            return {"authorization": f"Bearer {credentials.token}"} | ({"x-goog-user-project": payer} if payer else {})

    def access_token(self) -> Secret:
        """Return an access token, which unlike a self-signed header is a password at a registry. Errors as `headers`."""
        with self._lock:
            if self._opener is None:
                found = self._credentials()
                signs_itself = hasattr(found, "with_always_use_jwt_access")
                self._opener = found.with_always_use_jwt_access(False) if signs_itself else found
            return Secret(str(self._fresh(self._opener).token))

    def _credentials(self) -> Any:
        if self._bearer is None:
            self._bearer = self._find(self._http)
        return self._bearer

    def _fresh(self, credentials: Any) -> Any:
        if not credentials.valid:
            self._refresh(credentials)
        return credentials

    def _refresh(self, credentials: Any) -> None:
        from google.auth import exceptions

        self._transport.failing = False
        try:
            credentials.refresh(self._transport)
        except exceptions.GoogleAuthError as error:
            words = redact(str(error.args[0] if error.args else ""), limit=200) or type(error).__name__
            if self._transport.failing or error.retryable or isinstance(error, exceptions.TransportError):
                raise Unavailable(
                    f"your sign-in at Google Cloud could not be renewed: {words}", hint="Run the same command again."
                ) from None
            raise NotSignedIn(f"Google Cloud refuses your sign-in: {words}", hint=default_credentials.HINT) from None
        except (AttributeError, KeyError, TypeError, ValueError):  # the library trips over half an answer
            raise Unavailable(
                "your sign-in at Google Cloud could not be renewed: half an answer came", hint="Run the same command again."
            ) from None


class _Transport:
    """google.auth's transport over the one HTTP client: a callable that sends one request.

    `failing` says that the other side was down or gave no answer, which the library's errors do not always tell.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.failing = False

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        from google.auth import exceptions

        # Metadata servers speak plain http; what they are sent is no secret.
        secret = bool(body) or any(name.lower() == "authorization" for name in headers or {})
        if secret and not url.startswith(_SECURE):
            raise exceptions.InvalidOperation("the address of the token service is not https")
        content = body.encode() if isinstance(body, str) else body
        try:
            reply = self._http.ask(method, url, headers=headers, content=content, timeout=timeout)
        except Unavailable as error:
            self.failing = True
            raise exceptions.TransportError(error.message) from None
        self.failing = reply.status >= 500 or reply.status in _AGAIN_LATER
        return _Answer(reply)


class _Answer:
    """google.auth's response over a Reply."""

    def __init__(self, reply: Reply) -> None:
        self.status, self.headers, self.data = reply.status, reply.headers, reply.body
