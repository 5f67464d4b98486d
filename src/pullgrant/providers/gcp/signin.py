"""The operator's own credentials: application default credentials, found without a minute of probing."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from pullgrant.errors import MissingExtra, NotSignedIn, Unavailable
from pullgrant.kit.http import Http, Reply
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_METADATA_SECONDS = 0.5
_HINT = (
    "Sign in: gcloud auth application-default login (or point GOOGLE_APPLICATION_CREDENTIALS at a key file). "
    "To try pullgrant without an account: invoke sandbox gcp.bootstrap --project demo"
)


class SignIn:
    """Gives the Authorization header of the operator; safe for threads, a token is fetched once."""

    def __init__(self, http: Http) -> None:
        self._request = _Transport(http)
        self._lock = threading.Lock()
        self.credentials = _find(http)

    def authorization(self, url: str) -> str:
        """Return the header's value for a call of `url`. Raises NotSignedIn when the sign-in is no longer good."""
        from google.auth import exceptions

        headers: dict[str, str] = {}
        with self._lock:
            try:
                self.credentials.before_request(self._request, "GET", url, headers)
            except exceptions.RefreshError as error:
                raise NotSignedIn(
                    f"Google Cloud refuses your sign-in: {redact(str(error), limit=200)}", hint=_HINT
                ) from None
            except exceptions.GoogleAuthError as error:
                raise Unavailable(f"your sign-in at Google Cloud could not be renewed ({type(error).__name__})") from None
        return headers["authorization"]

    def access_token(self) -> Secret:
        """Return an access token, which unlike a self-signed header is a password at a registry."""
        from google.auth import exceptions

        with self._lock:
            signer = self.credentials
            if hasattr(signer, "with_always_use_jwt_access"):
                signer = signer.with_always_use_jwt_access(False)
            try:
                signer.refresh(self._request)
            except exceptions.GoogleAuthError as error:
                raise Unavailable(f"no access token came for your sign-in ({type(error).__name__})") from None
        return Secret(str(signer.token))


def _find(http: Http) -> Any:
    """Return the first of: the file of GOOGLE_APPLICATION_CREDENTIALS, gcloud's own file, the metadata server.

    The same places in the same order as google.auth.default, whose look for a metadata server takes up to nine seconds.
    """
    try:
        import google.auth
        from google.auth import _cloud_sdk, exceptions
        from google.oauth2 import service_account
    except ImportError as error:
        words = f"the provider gcp needs the Python package {error.name}"
        raise MissingExtra(words, hint="pip install 'pullgrant[gcp]'") from None
    # At DEBUG, or with this variable, the library prints answers with private keys in them.
    os.environ.pop("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", None)
    logging.getLogger("google").setLevel(logging.WARNING)
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    path = named or _cloud_sdk.get_application_default_credentials_path()
    if not named and not os.path.isfile(path):  # noqa: PTH113 - the library speaks in texts
        return _of_the_machine(http)
    try:
        found, _ = google.auth.default(scopes=[SCOPE])
    except (exceptions.DefaultCredentialsError, ValueError, OSError) as error:
        words = f"the Google Cloud credentials in {path} cannot be used ({type(error).__name__})"
        raise NotSignedIn(words, hint=_HINT) from None
    if isinstance(found, service_account.Credentials):
        return found.with_always_use_jwt_access(True)  # signs its own tokens: one round trip less
    return found


def _of_the_machine(http: Http) -> Any:
    """Return the credentials of the machine's own service account, where a metadata server answers within half a second."""
    if os.environ.get("NO_GCE_CHECK") != "true" and _metadata_server_is_there(http):
        from google.auth import compute_engine

        return compute_engine.Credentials(scopes=[SCOPE])
    raise NotSignedIn("you are not signed in to Google Cloud", hint=_HINT)


def _metadata_server_is_there(http: Http) -> bool:
    """Ask as Google's own libraries do; a server that is not Google's does not send the header back."""
    host = os.environ.get("GCE_METADATA_HOST", "169.254.169.254")
    headers = {"Metadata-Flavor": "Google"}
    try:
        reply = http.ask("GET", f"http://{host}/computeMetadata/v1/instance/", headers=headers, timeout=_METADATA_SECONDS)
    except Unavailable:
        return False
    return reply.headers.get("metadata-flavor") == "Google"


class _Transport:
    """google.auth's transport over the one HTTP client: a callable that sends one request."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        from google.auth import exceptions

        content = body.encode() if isinstance(body, str) else body
        try:
            return _Answer(self._http.ask(method, url, headers=headers, content=content, timeout=timeout))
        except Unavailable as error:
            raise exceptions.TransportError(error.message) from None


class _Answer:
    """google.auth's response over a Reply."""

    def __init__(self, reply: Reply) -> None:
        self.status, self.headers, self.data = reply.status, reply.headers, reply.body
