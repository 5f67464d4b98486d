"""Makes the calls to Google Cloud and decides nothing: a method a call, refusals as errors of this project.

Service accounts and their keys go over gRPC with google-cloud-iam, everything else over REST.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pullgrant.errors import MissingExtra
from pullgrant.kit.http import Http
from pullgrant.providers.gcp.seam_accounts import SERVICE, AccountCalls
from pullgrant.providers.gcp.seam_rest import RestCalls
from pullgrant.providers.gcp.signin import SignIn

# At DEBUG these print whole requests and answers, the private key of a new key among them.
_LOUD = ("google.cloud.iam_admin_v1.services.iam.transports.grpc", "google.cloud.iam_admin_v1.services.iam.client")


class Pool:
    """What all readers of one run share: one sign-in, and one connection to IAM, made at first use."""

    def __init__(self) -> None:
        self._building = threading.Lock()
        self._signed_in: SignIn | None = None
        self._iam: Any = None

    def sign_in(self, http: Http) -> SignIn:
        """Return the operator's sign-in; nothing is looked for before it is used."""
        with self._building:
            if self._signed_in is None:
                self._signed_in = SignIn(http)
            return self._signed_in

    def iam(self) -> Any:
        """Return Google's client for IAM, which carries no credentials: each call is signed by who makes it."""
        with self._building:
            if self._iam is None:
                self._iam = _client()
            return self._iam


class Seam(AccountCalls, RestCalls):
    """One operator's calls on one project."""

    def __init__(self, project: str, http: Http, *, pool: Pool | None = None) -> None:
        pool = pool or Pool()
        sign_in = pool.sign_in(http)

        def connect() -> tuple[Any, Sequence[tuple[str, str]]]:
            signed = sign_in.headers(f"https://{SERVICE}/")  # before the client, which takes a while to import
            return pool.iam(), tuple(signed.items())

        AccountCalls.__init__(self, project, connect)
        RestCalls.__init__(self, project, http, sign_in)


def _client() -> Any:
    """Return a client on a plain TLS channel: with credentials in it, the library would start threads and look-ups."""
    os.environ.pop("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", None)  # the other way to make it print
    for name in _LOUD:
        logger = logging.getLogger(name)
        logger.disabled = True
        logger.addFilter(_silence)  # a configuration of logging that comes later would enable it again
    try:
        import grpc
        from google.cloud.iam_admin_v1 import IAMClient
        from google.cloud.iam_admin_v1.services.iam.transports.grpc import IAMGrpcTransport
    except ImportError as error:
        words = f"the provider gcp needs the Python package {error.name}"
        raise MissingExtra(words, hint="pip install 'pullgrant[gcp]'") from None
    channel = grpc.secure_channel(f"{SERVICE}:443", grpc.ssl_channel_credentials(_roots()))
    return IAMClient(transport=IAMGrpcTransport(channel=channel))


def _roots() -> bytes | None:
    """Return the authorities of gRPC's own variable, or of the one that every other call obeys; None: those of gRPC.

    gRPC itself reads its variable once in the life of a process.
    """
    for name in ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "SSL_CERT_FILE"):
        path = Path(os.environ.get(name, ""))
        if path.is_file():
            return path.read_bytes()
    return None


def _silence(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
