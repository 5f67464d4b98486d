"""The seam to one secret in Google Cloud Secret Manager: calls of its official library over REST; decides nothing.

AddSecretVersion does not say which version it follows. But versions are numbered without gaps: a number that is not the next
one shows that somebody else wrote in between, and what.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pullgrant.errors import MissingExtra, NotSignedIn, OutcomeUnknown, PullgrantError, SinkFailed, Unavailable, UsageError
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret
from pullgrant.sinks.stored import MARK, ConflictError, Stored

_ONCE: dict[str, Any] = {"retry": None, "timeout": 20.0}
_SIGN_IN = "Sign in: gcloud auth application-default login (or set GOOGLE_APPLICATION_CREDENTIALS)"
_EMPTY = '{"auths":{}}'
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How the secret stood when it was read; `number` is that of its newest version, 0 for none."""

    there: bool = False
    number: int = 0


class GcpPlace:
    """Implements stored.Place."""

    def __init__(self, client: Any, project: str, secret: str) -> None:
        self._client, self._project, self._id = client, project, secret
        self._name = f"projects/{project}/secrets/{secret}"
        self.reference = f"{project}/{secret}"

    @classmethod
    @contextmanager
    def connected(cls, project: str, secret: str) -> Iterator[GcpPlace]:
        """Yield the place. Raises MissingExtra and NotSignedIn."""
        client = _client()
        try:
            yield cls(client, project, secret)
        finally:
            client.transport.close()

    def check(self) -> Sequence[str]:
        """See Place; rights are seen when the secret is read."""
        return ()

    def read(self) -> Stored:
        """See Place; a newest version that is disabled or destroyed holds nothing, and is still the one that a write follows."""
        secret = self._ask("look for", lambda: self._client.get_secret(name=self._name, **_ONCE), absent=True)
        if secret is None:
            return Stored(version=_Seen())
        marked = dict(secret.labels).get(MARK[0]) == MARK[1]
        newest = self._ask("look at", lambda: self._client.get_secret_version(name=self._version(), **_ONCE), absent=True)
        if newest is None:
            return Stored(version=_Seen(there=True), marked=marked)
        seen = _Seen(there=True, number=_number(newest))
        text = self._access(seen.number) if newest.state.name == "ENABLED" else None
        return Stored(text=text, version=seen, marked=marked)

    def write(self, text: str, before: Stored, known: tuple[Secret, ...]) -> Sequence[str]:
        """See Place; of a secret of ours only the two newest versions stay enabled."""
        seen: _Seen = before.version
        if not seen.there:
            self._create()
        number = self._add(text, seen.number, marked=before.marked or not seen.there, known=known)
        return self._disable_before(number - 1) if before.marked else ()

    def clear(self, before: Stored) -> None:
        """See Place; the value is emptied first, because a deletion asks for no version."""
        if before.text is None:
            return
        self._add(_EMPTY, before.version.number, marked=before.marked, known=())
        if before.marked:
            self._ask("delete", lambda: self._client.delete_secret(name=self._name, **_ONCE), absent=True, changes=True)

    def _version(self, number: int | str = "latest") -> str:
        return f"{self._name}/versions/{number}"

    def _access(self, number: int) -> str:
        found = self._ask("read", lambda: self._client.access_secret_version(name=self._version(number), **_ONCE))
        try:
            return str(found.payload.data.decode())
        except UnicodeDecodeError:
            raise UsageError(f"{self.reference} is no text", hint="Name another secret.") from None

    def _create(self) -> None:
        from google.api_core import exceptions

        request = {
            "parent": f"projects/{self._project}",
            "secret_id": self._id,
            "secret": {"replication": {"automatic": {}}, "labels": dict([MARK])},
        }

        def create() -> bool:
            try:
                self._client.create_secret(request=request, **_ONCE)
            except exceptions.Conflict:  # over REST, the parent class of AlreadyExists
                return False
            return True

        if not self._ask("make", create, changes=True):
            raise ConflictError

    def _add(self, text: str, after: int, *, marked: bool, known: tuple[Secret, ...]) -> int:
        """Add a version and return its number. Raises ConflictError with the version between it and the one `after`."""
        request = {"parent": self._name, "payload": {"data": text.encode()}}
        made = self._ask(
            "write", lambda: self._client.add_secret_version(request=request, **_ONCE), known=known, changes=True
        )
        number = _number(made)
        if number != after + 1:
            between = self._access(number - 1)
            raise ConflictError(Stored(text=between, version=_Seen(there=True, number=number), marked=marked))
        return number

    def _disable_before(self, number: int) -> Sequence[str]:
        request = {"parent": self._name, "filter": "state:ENABLED"}
        try:
            found = self._ask(
                "list the versions of", lambda: list(self._client.list_secret_versions(request=request, **_ONCE))
            )
            for version in found:
                if _number(version) < number:
                    disable = partial(self._client.disable_secret_version, name=version.name, **_ONCE)
                    self._ask("disable a version of", disable, changes=True)
        except (SinkFailed, Unavailable) as error:
            return (f"older versions of {self.reference} stay enabled: {error.message}",)
        return ()

    def _ask(
        self,
        doing: str,
        call: Callable[[], T],
        *,
        absent: bool = False,
        known: tuple[Secret, ...] = (),
        changes: bool = False,
    ) -> T | Any:
        """Return the result of a call, None where `absent` may be and it is. Its errors are ours."""
        from google.api_core import exceptions
        from google.auth import exceptions as signing
        from requests import exceptions as transport

        words = f"could not {doing} {self.reference}"
        error: PullgrantError
        try:
            return call()
        except exceptions.GoogleAPICallError as refused:
            if absent and isinstance(refused, exceptions.NotFound):
                return None
            error = _judged(refused, words, known, changes=changes)
        except signing.RefreshError:
            error = NotSignedIn(f"{words}: Google Cloud refuses your sign-in", hint=_SIGN_IN)
        except (signing.TransportError, transport.ConnectionError) as broken:
            error = Unavailable(f"{words}: no connection to Google Cloud ({type(broken).__name__})")
        except transport.RequestException as broken:
            kind = OutcomeUnknown if changes else Unavailable
            error = kind(f"{words}: no whole answer ({type(broken).__name__})")
        raise error


def _client() -> Any:
    try:
        import google.auth
        from google.auth import exceptions
        from google.cloud import secretmanager_v1
    except ImportError as error:
        raise MissingExtra(
            f"the sink gcp-secretmanager needs the Python package {error.name}",
            hint="pip install 'pullgrant[gcp-secretmanager]'",
        ) from None
    # At DEBUG, or with this variable, the library prints answers with secrets in them.
    os.environ.pop("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", None)
    logging.getLogger("google").setLevel(logging.WARNING)
    try:
        found, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    except (exceptions.GoogleAuthError, ValueError, OSError) as error:
        raise NotSignedIn(f"you are not signed in to Google Cloud ({type(error).__name__})", hint=_SIGN_IN) from None
    return secretmanager_v1.SecretManagerServiceClient(credentials=found, transport="rest")


def _number(version: Any) -> int:
    return int(str(version.name).rpartition("/")[2])


def _judged(refused: Any, words: str, known: tuple[Secret, ...], *, changes: bool) -> PullgrantError:
    from google.api_core import exceptions

    words = f"{words}: {redact(str(refused.message), *known, limit=300)}"
    match refused:
        case exceptions.Unauthorized():
            return NotSignedIn(words, hint=_SIGN_IN)
        case exceptions.Forbidden() if "SERVICE_DISABLED" in str(refused.reason):
            return SinkFailed(words, hint="Run: gcloud services enable secretmanager.googleapis.com")
        case exceptions.Forbidden():
            return SinkFailed(words, hint="You need roles/secretmanager.admin, or the permission that is named, on it.")
        case exceptions.TooManyRequests() | exceptions.ServiceUnavailable():
            return Unavailable(words, hint="Run the same command again in a while.")
        case exceptions.ServerError():
            return (OutcomeUnknown if changes else Unavailable)(words, hint="Run the same command again in a while.")
    return SinkFailed(words)
