"""The seam to one secret in AWS Secrets Manager: calls of boto3, refusals as errors of this project; decides nothing.

PutSecretValue alone overwrites what somebody else wrote. So a new version first gets a label of its own, and becomes
AWSCURRENT only if that label is still at the version that was read, as AWS's own rotation functions do it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import MissingExtra, NotSignedIn, OutcomeUnknown, PullgrantError, SinkFailed, Unavailable, UsageError
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret
from pullgrant.sinks.stored import MARK, ConflictError, Stored

_CURRENT = "AWSCURRENT"
_RECOVERY_DAYS = 7  # the least that DeleteSecret takes
_CONNECT, _READ = 5.0, 20.0
_SIGN_IN = frozenset(
    {"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId",
     "IncompleteSignature", "MissingAuthenticationTokenException", "SignatureDoesNotMatch"}
)  # fmt: skip
_LATER = frozenset({"ThrottlingException", "InternalServiceError", "ServiceUnavailable", "TooManyRequestsException"})
# At DEBUG these print requests and answers whole: botocore/endpoint.py, botocore/parsers.py.
_LOUD = ("auth", "client", "endpoint", "hooks", "httpsession", "parsers", "regions", "retryhandler", "utils")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How the secret stood when it was read; `current` is the version labelled AWSCURRENT."""

    there: bool = False
    deleted: bool = False
    current: str = ""


class AwsPlace:
    """Implements stored.Place."""

    def __init__(self, client: Any, secret: str) -> None:
        self._client, self._secret = client, secret
        self.reference = secret

    @classmethod
    @contextmanager
    def connected(cls, secret: str, region: str) -> Iterator[AwsPlace]:
        """Yield the place. Raises MissingExtra and NotSignedIn."""
        client = _client(region)
        try:
            yield cls(client, secret)
        finally:
            client.close()

    def check(self) -> Sequence[str]:
        """See Place; AWS does not tell what a caller may, short of IAM's simulator."""
        found = self._describe()
        if found.get("OwningService"):
            raise UsageError(
                f"{self._secret} is managed by {found['OwningService']}, which would undo a change",
                hint="Name another secret.",
            )
        if found.get("RotationEnabled"):
            return (f"{self._secret} has a rotation of its own, which may replace what is delivered",)
        return ()

    def read(self) -> Stored:
        """See Place."""
        found = self._describe()
        marked = {"Key": MARK[0], "Value": MARK[1]} in found.get("Tags", ())
        if not found or found.get("DeletedDate"):
            return Stored(version=_Seen(there=bool(found), deleted=bool(found)), marked=marked)
        value = self._ask(
            "get_secret_value", f"read {self._secret}", absent={}, VersionStage=_CURRENT, SecretId=self._secret
        )
        if "SecretBinary" in value:
            raise UsageError(f"{self._secret} is no text", hint="Name another secret.")
        seen = _Seen(there=True, current=str(value.get("VersionId", "")))
        return Stored(text=value.get("SecretString"), version=seen, marked=marked)

    def write(self, text: str, before: Stored, known: tuple[Secret, ...]) -> Sequence[str]:
        """See Place; one of ours that is scheduled for deletion is brought back."""
        seen: _Seen = before.version
        if not seen.there:
            self._create(text, known)
        elif seen.deleted:
            self._restore(marked=before.marked)
        else:
            self._put(text, seen.current, known)
        return ()

    def clear(self, before: Stored) -> None:
        """See Place; the value is emptied first, because a deletion asks for no version."""
        if before.text is None:
            return
        self._put('{"auths":{}}', before.version.current, ())
        if before.marked:
            self._ask(
                "delete_secret", f"delete {self._secret}", absent={}, changes=True,
                SecretId=self._secret, RecoveryWindowInDays=_RECOVERY_DAYS,
            )  # fmt: skip

    def _describe(self) -> dict[str, Any]:
        return self._ask("describe_secret", f"look for {self._secret}", absent={}, SecretId=self._secret)

    def _create(self, text: str, known: tuple[Secret, ...]) -> None:
        if self._secret.startswith("arn:"):
            raise SinkFailed(f"there is no secret {self._secret}", hint="Give its name instead, and it is made.")
        made = self._ask(
            "create_secret", f"make {self._secret}", conflict="ResourceExistsException", known=known, changes=True,
            Name=self._secret, SecretString=text, ClientRequestToken=str(uuid.uuid4()),
            Tags=[{"Key": MARK[0], "Value": MARK[1]}],
        )  # fmt: skip
        self.reference = made.get("Name", self._secret)

    def _restore(self, *, marked: bool) -> None:
        if not marked:
            raise SinkFailed(
                f"{self._secret} is scheduled for deletion and was not made by pullgrant",
                hint=f"To bring it back: aws secretsmanager restore-secret --secret-id {self._secret}",
            )
        self._ask("restore_secret", f"bring back {self._secret}", changes=True, SecretId=self._secret)
        raise ConflictError  # it holds its old value again: look, then write

    def _put(self, text: str, current: str, known: tuple[Secret, ...]) -> None:
        token = str(uuid.uuid4())
        label = f"pullgrant-{token}"
        put: dict[str, Any] = {
            "SecretId": self._secret,
            "SecretString": text,
            "ClientRequestToken": token,
            "VersionStages": [label],
        }
        self._ask("put_secret_value", f"write {self._secret}", known=known, changes=True, **put)
        try:
            if current:
                self._move(_CURRENT, from_version=current, to_version=token)
        finally:
            self._move(label, from_version=token)

    def _move(self, label: str, *, from_version: str, to_version: str = "") -> None:
        moved: dict[str, Any] = {"MoveToVersionId": to_version} if to_version else {}
        self._ask(
            "update_secret_version_stage", f"label the new version of {self._secret}", changes=True,
            conflict="InvalidParameterException",
            SecretId=self._secret, VersionStage=label, RemoveFromVersionId=from_version,
            **moved,
        )  # fmt: skip

    def _ask(
        self,
        operation: str,
        doing: str,
        *,
        absent: dict[str, Any] | None = None,
        conflict: str = "",
        known: tuple[Secret, ...] = (),
        changes: bool = False,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Return an answer, `absent` where there is no such secret. Raises ConflictError for the code `conflict`."""
        from botocore import exceptions

        call: Callable[..., dict[str, Any]] = getattr(self._client, operation)
        error: PullgrantError
        try:
            return call(**parameters)
        except exceptions.ClientError as refused:
            code = str(refused.response.get("Error", {}).get("Code", ""))
            if absent is not None and code == "ResourceNotFoundException":
                return absent
            if code == conflict:
                raise ConflictError from None
            error = _judged(refused, code, operation, doing, known)
        except (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.CredentialRetrievalError,
        ) as none:
            error = NotSignedIn(
                f"no credentials for AWS: {type(none).__name__}", hint="Sign in: aws configure, or aws sso login"
            )
        except (exceptions.ConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyConnectionError) as broken:
            error = Unavailable(f"could not {doing}: no connection to AWS ({type(broken).__name__})")
        except exceptions.BotoCoreError as broken:
            kind = OutcomeUnknown if changes else Unavailable
            error = kind(f"could not {doing}: AWS gave no whole answer ({type(broken).__name__})")
        raise error


def configured_region() -> str:
    """Return the region of the usual AWS configuration, empty when there is none. Raises MissingExtra."""
    return str(_session().region_name or "")


def _session() -> Any:
    try:
        import boto3
        from botocore import exceptions
    except ModuleNotFoundError:
        raise MissingExtra(
            "the sink aws-secretsmanager needs the Python package boto3", hint="pip install 'pullgrant[aws]'"
        ) from None
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _LOUD:
        logging.getLogger(f"botocore.{name}").addFilter(_silence)  # a level could be set again
    try:
        return boto3.Session()
    except exceptions.BotoCoreError as error:
        raise NotSignedIn(
            f"the AWS configuration cannot be used: {redact(str(error), limit=200)}", hint="See: aws configure list"
        ) from None


def _silence(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _client(region: str) -> Any:
    session = _session()  # says first when boto3 is missing
    from botocore.config import Config

    config = Config(connect_timeout=_CONNECT, read_timeout=_READ, retries={"total_max_attempts": 1, "mode": "standard"})
    return session.client("secretsmanager", region_name=region, config=config)


def _judged(refused: Any, code: str, operation: str, doing: str, known: tuple[Secret, ...]) -> PullgrantError:
    told = str(refused.response.get("Error", {}).get("Message") or refused.response.get("message") or "")
    status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    words = f"could not {doing}: {code}: {redact(told, *known, limit=300)}"
    if code in _SIGN_IN:
        return NotSignedIn(f"AWS does not accept your sign-in: {words}", hint="Sign in: aws configure, or aws sso login")
    if code in _LATER or status >= 500:
        return Unavailable(words, hint="Run the same command again in a while.")
    action = "".join(part.capitalize() for part in operation.split("_"))
    return SinkFailed(words, hint=f"You need secretsmanager:{action} on it." if "AccessDenied" in code else "")
