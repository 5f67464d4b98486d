"""The seam to one secret in Azure Key Vault: calls of azure-keyvault-secrets; decides nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pullgrant.errors import MissingExtra, NotSignedIn, OutcomeUnknown, PullgrantError, SinkFailed, Unavailable
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret
from pullgrant.sinks.stored import MARK, ConflictError, Stored

_SIGN_IN = "Sign in: az login (or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET)"
_AUTHORITIES = {"azure.cn": "login.chinacloudapi.cn", "usgovcloudapi.net": "login.microsoftonline.us"}
# Repeated, a PUT whose answer is late makes a second version; and the default is to wait for five minutes.
_ONCE = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 20}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How the secret stood when it was read: all its versions, and what a new one takes over."""

    versions: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


class AzurePlace:
    """Implements stored.Place."""

    def __init__(self, client: Any, host: str, secret: str) -> None:
        self._client, self._host, self._secret = client, host, secret
        self.reference = f"{host}/{secret}"

    @classmethod
    @contextmanager
    def connected(cls, host: str, secret: str) -> Iterator[AzurePlace]:
        """Yield the place. Raises MissingExtra; nobody is asked to sign in yet."""
        client, credential = _client(host)
        try:
            yield cls(client, host, secret)
        finally:
            client.close()
            credential.close()

    def check(self) -> Sequence[str]:
        """See Place; Key Vault does not tell what a caller may write."""
        return ()

    def read(self) -> Stored:
        """See Place; the versions are listed first, so that what comes after is seen as new."""
        versions = self._versions()
        found = self._ask("read", lambda: self._client.get_secret(self._secret)) if versions else None
        return self._stored(found, versions) if found is not None else Stored(version=_Seen(versions=versions))

    def write(self, text: str, before: Stored, known: tuple[Secret, ...]) -> Sequence[str]:
        """See Place; a version that appeared since `before` and is not this one is a conflict."""
        seen: _Seen = before.version
        tags = dict(seen.tags) if before.text is not None else {**seen.tags, MARK[0]: MARK[1]}

        def put() -> Any:
            return self._client.set_secret(self._secret, text, tags=tags, content_type=seen.kind or "application/json")

        made = self._ask("write", put, known=known, changes=True)
        versions = self._versions()
        between = versions - seen.versions - {made.properties.version}
        if between:
            theirs = self._ask("read", lambda: self._client.get_secret(self._secret, min(between)))
            raise ConflictError(self._stored(theirs, versions))
        return ()

    def clear(self, before: Stored) -> None:
        """See Place."""
        if before.text is not None:
            self.write('{"auths":{}}', before, ())

    def _stored(self, found: Any, versions: frozenset[str]) -> Stored:
        tags = found.properties.tags or {}
        seen = _Seen(versions=versions, tags=tags, kind=found.properties.content_type or "")
        return Stored(text=found.value, version=seen, marked=tags.get(MARK[0]) == MARK[1])

    def _versions(self) -> frozenset[str]:
        def every() -> frozenset[str]:
            return frozenset(str(one.version) for one in self._client.list_properties_of_secret_versions(self._secret))

        return self._ask("list the versions of", every) or frozenset()

    def _ask(self, doing: str, call: Callable[[], T], *, known: tuple[Secret, ...] = (), changes: bool = False) -> T | Any:
        """Return the result of a call, None where there is no such secret. Its errors are ours."""
        from azure.core import exceptions

        words = f"could not {doing} {self.reference}"
        error: PullgrantError
        try:
            return call()
        except exceptions.ResourceNotFoundError:
            return None
        except exceptions.ClientAuthenticationError as refused:
            told = redact(str(refused.message), *known, limit=300)
            error = NotSignedIn(f"{words}: Azure does not accept your sign-in: {told}", hint=_SIGN_IN)
        except exceptions.HttpResponseError as refused:
            error = _judged(refused, words, known)
        except exceptions.ServiceRequestError as broken:
            error = Unavailable(
                f"{words}: no connection to {self._host} ({type(broken).__name__})", hint="Check the vault's name."
            )
        except exceptions.AzureError as broken:
            kind = OutcomeUnknown if changes else Unavailable
            error = kind(f"{words}: no whole answer ({type(broken).__name__})")
        raise error


def _client(host: str) -> tuple[Any, Any]:
    try:
        from azure.identity import DefaultAzureCredential
        from azure.keyvault.secrets import SecretClient
    except ImportError as error:
        raise MissingExtra(
            f"the sink azure-keyvault needs the Python package {error.name}", hint="pip install 'pullgrant[azure-keyvault]'"
        ) from None
    logging.getLogger("azure").setLevel(logging.WARNING)
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)  # it warns at length of what becomes one sentence here
    login = next((name for suffix, name in _AUTHORITIES.items() if host.endswith(f".{suffix}")), "")
    authority = {"authority": login} if login and not os.environ.get("AZURE_AUTHORITY_HOST") else {}
    credential = DefaultAzureCredential(**authority, retry_total=2, connection_timeout=5, read_timeout=20)
    return SecretClient(vault_url=f"https://{host}", credential=credential, **_ONCE), credential


def _judged(refused: Any, words: str, known: tuple[Secret, ...]) -> PullgrantError:
    status = int(refused.status_code or 0)
    words = f"{words}: {redact(str(refused.message), *known, limit=300)}"
    if status == 403:
        return SinkFailed(
            words, hint='You need the role "Key Vault Secrets Officer" on the vault, and a way through its firewall.'
        )
    if status == 409:
        return SinkFailed(words, hint="A deleted secret keeps its name: az keyvault secret recover, or purge.")
    if status == 429 or status >= 500:
        return Unavailable(words, hint="Run the same command again in a while.")
    return SinkFailed(words)
