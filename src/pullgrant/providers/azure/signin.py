"""The operator's sign-in: the chain of azure-identity as users know it, that gives up within seconds."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from typing import Any

from pullgrant.errors import NotSignedIn, PullgrantError, Unavailable, UsageError
from pullgrant.kit.redact import redact
from pullgrant.providers.azure.answers import SIGN_IN
from pullgrant.providers.azure.hosts import Cloud

WAYS_ON = f"Sign in with `{SIGN_IN}`, or try it without an account: pullgrant sandbox azure.bootstrap --registry demo"
AUTHORITY = "AZURE_AUTHORITY_HOST"
_MARGIN = 300  # seconds before its end at which a token is asked for anew
# The metadata address of another cloud answers 404, which azure-identity repeats five times over 24 s by default.
_IMPATIENT = {"retry_total": 2, "retry_status": 2, "retry_backoff_factor": 0.2, "connection_timeout": 5, "read_timeout": 20}


class SignIn:
    """A credential for azure-core: one token per scope, kept until shortly before its end. Safe for threads.

    What it opens is added to `opened`, for its owner to close. Every failure is one of our errors: NotSignedIn, UsageError
    for a wrong variable, Unavailable for an unreachable login.
    """

    def __init__(self, cloud: Cloud, opened: list[Any]) -> None:
        self._cloud, self._opened = cloud, opened
        self._chain: Any = None
        self._making = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._tokens: dict[str, Any] = {}
        self._refused: NotSignedIn | None = None

    def get_token_info(self, *scopes: str, options: Any = None) -> Any:
        """Return an azure.core AccessTokenInfo; tokens for different scopes are fetched at the same time."""
        scope = scopes[0]
        with self._making:
            if self._chain is None:
                self._chain = _chain(self._cloud)
                self._opened.append(self._chain)
            lock = self._locks.setdefault(scope, threading.Lock())
        with lock:
            kept = self._tokens.get(scope)
            if kept is None or kept.expires_on - time.time() < _MARGIN or (options or {}).get("claims"):
                kept = self._tokens[scope] = self._fetched(scope, options)
            return kept

    def _fetched(self, scope: str, options: Any) -> Any:
        """Ask the chain; who waited while it failed is told the same, and does not make it fail again."""
        if self._refused is not None:
            raise NotSignedIn(self._refused.message, hint=self._refused.hint)
        try:
            return _token(self._chain, scope, options)
        except NotSignedIn as error:
            self._refused = error
            raise


def _chain(cloud: Cloud) -> Any:
    from azure.identity import DefaultAzureCredential

    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)  # it warns at length of what becomes one sentence here
    authority = {} if os.environ.get(AUTHORITY) else {"authority": cloud.authority}
    try:
        return DefaultAzureCredential(**authority, **_IMPATIENT)
    except ValueError as error:  # AZURE_TOKEN_CREDENTIALS or AZURE_AUTHORITY_HOST
        raise UsageError(f"Azure's sign-in variables are wrong: {redact(str(error))}", hint=WAYS_ON) from None


def _token(chain: Any, scope: str, options: Any) -> Any:
    from azure.core.exceptions import ClientAuthenticationError

    try:
        return chain.get_token_info(scope, options=options or {})
    except ClientAuthenticationError as error:
        raise _refusal(str(error.message), scope) from None


def _refusal(words: str, scope: str) -> PullgrantError:
    """The chain says in its text alone whether there was no credential, a refused one, or no answer from the login."""
    refused = re.search(r"AADSTS\d+[^\r\n]*", words)
    if refused:
        return NotSignedIn(
            f"Azure does not accept your sign-in: {redact(refused[0], limit=300)}",
            hint=f"Sign in again: {SIGN_IN} --scope {scope}, or set the AZURE_* variables right.",
        )
    if "Authentication failed:" in words:
        reason = redact(words.partition("Authentication failed:")[2].partition("\n")[0], limit=200)
        return Unavailable(
            f"the sign-in service of Azure did not answer: {reason}",
            hint="Check the network and HTTPS_PROXY, then run the same command again.",
        )
    return NotSignedIn("you are signed in to Azure nowhere", hint=WAYS_ON)
