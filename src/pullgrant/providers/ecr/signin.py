"""The operator's own credentials: boto3's usual chain, whose look for a metadata server is kept short, and who it is."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import MissingExtra, NotSignedIn, PullgrantError, Unavailable, UsageError
from pullgrant.kit.redact import redact
from pullgrant.providers.ecr.answers import SIGN_IN, Said, Step, classify, no_answer

CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
_METADATA_SECONDS = 0.5
_OF_THE_MACHINE = "iam-role"
# At DEBUG these print answers with secret keys, session tokens and passwords: botocore/parsers.py, "Response body".
_LOUD = ("auth", "client", "credentials", "endpoint", "hooks", "httpsession", "parsers", "regions", "retryhandler", "utils")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is signed in: the account, and the ARN as STS names it."""

    account: str
    arn: str

    @property
    def role(self) -> str:
        """The name of the role whose session this is, empty for a user."""
        found = re.fullmatch(r"arn:[a-z-]+:sts::\d{12}:assumed-role/([^/]+)/[^/]+", self.arn, re.ASCII)
        return found[1] if found else ""


class SignIn:
    """One operator's boto3 session and its clients, made when they are first wanted and kept. Safe for threads."""

    def __init__(self, profile: str = "") -> None:
        self._profile = profile
        self._making = threading.RLock()
        self._made: Any = None
        self._clients: dict[tuple[object, ...], Any] = {}
        self._caller: Caller | None = None

    @property
    def session(self) -> Any:
        """The boto3 session. Raises MissingExtra, and UsageError for a profile or a configuration file that is wrong."""
        with self._making:
            if self._made is None:
                self._made = _session(self._profile)
            return self._made

    def default_region(self) -> str:
        """Return the region of the usual AWS configuration. Raises UsageError when there is none."""
        found = os.environ.get("AWS_REGION") or self.session.region_name
        if not found:
            raise UsageError("--region is required", hint="Give --region us-east-1, or set AWS_REGION.")
        return str(found)

    def client(self, service: str, region: str, *, fips: bool = False, dual_stack: bool = False) -> Any:
        """Return a client of one service that sends each request once. Raises NotSignedIn when nobody is signed in."""
        with self._making:
            key = (service, region, fips, dual_stack)
            if key not in self._clients:
                self._check_credentials()
                self._clients[key] = new_client(self.session, service, region, fips=fips, dual_stack=dual_stack)
            return self._clients[key]

    def client_as(self, service: str, keys: dict[str, str], *, region: str, fips: bool, dual_stack: bool) -> Any:
        """Return a client for other credentials than the operator's; its user closes it."""
        with self._making:
            return new_client(self.session, service, region, fips=fips, dual_stack=dual_stack, keys=keys)

    def caller(self, region: str) -> Caller:
        """Return who is signed in; STS is asked once."""
        with self._making:
            if self._caller is None:
                step = Step(doing="ask AWS who you are", action="sts:GetCallerIdentity", region=region)
                answer = sent(self.client("sts", region).get_caller_identity, step)
                self._caller = Caller(account=str(answer["Account"]), arn=str(answer["Arn"]))
            return self._caller

    def _check_credentials(self) -> None:
        from botocore import exceptions

        try:
            found = _credentials(self.session)
        except (exceptions.BotoCoreError, OSError, ValueError) as error:
            raise _sign_in_failed(error) from None
        if found is None:
            raise NotSignedIn("you are not signed in to AWS", hint=SIGN_IN)


def new_client(
    session: Any,
    service: str,
    region: str,
    *,
    fips: bool = False,
    dual_stack: bool = False,
    keys: dict[str, str] | None = None,
) -> Any:
    """Return a client that repeats nothing by itself: a repeated create may leave a second thing behind.

    `keys` are other credentials than the session's. Sessions are not safe for threads: the caller holds a lock.
    """
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        use_fips_endpoint=fips or None,
        use_dualstack_endpoint=dual_stack or None,
    )
    return session.client(service, region_name=region, config=config, **(keys or {}))


def sent(call: Any, step: Step, **parameters: Any) -> Answer:
    """Make one call of a client and return its answer. Raises the error of this project that a refusal or failure is."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        return Answer(call(**parameters), step)
    except exceptions.ClientError as error:
        told: Any = error.response.get("Error", {})
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = Said(code=str(told.get("Code", "")), message=str(told.get("Message", "")), status=status)
        raise classify(said, step) from None
    except exceptions.ParamValidationError as error:
        raise UsageError(f"could not {step.doing}: {redact(str(error), limit=300)}") from None
    except (exceptions.ConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyConnectionError) as error:
        raise _unreachable(step, error) from None
    except _no_credentials() as error:
        raise _sign_in_failed(error) from None
    except (
        exceptions.BotoCoreError,
        ResponseParserError,
        KeyError,
    ) as error:  # KeyError: botocore, of an answer without its result
        raise no_answer(step, type(error).__name__) from None


class Answer(dict[str, Any]):
    """An answer of AWS; a part that is missing in it was lost on the way."""

    def __init__(self, parts: Mapping[str, Any], step: Step) -> None:
        super().__init__(parts)
        self._step = step

    def __missing__(self, name: str) -> Any:
        raise no_answer(self._step, f"half an answer, without {name}")


def _session(profile: str) -> Any:
    try:
        import boto3
        import botocore.session
        from botocore import exceptions
    except ImportError as error:
        words = f"the provider ecr needs the Python package {error.name}"
        raise MissingExtra(words, hint="pip install 'pullgrant[aws]'") from None
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("urllib3.connectionpool", *(f"botocore.{part}" for part in _LOUD)):
        logging.getLogger(name).addFilter(_no_details)  # a level could be set again
    try:
        return boto3.Session(botocore_session=botocore.session.Session(profile=profile or None))
    except exceptions.ProfileNotFound as error:
        raise UsageError(f"{redact(str(error), limit=200)}", hint="See: aws configure list-profiles") from None
    except exceptions.BotoCoreError as error:
        raise UsageError(f"the AWS configuration cannot be read: {redact(str(error), limit=200)}") from None


def _credentials(session: Any) -> Any:
    """Return the first credentials of boto3's chain, None when there are none.

    Its last link, the metadata server of a machine at AWS, is asked only where one answers: else it waits two seconds.
    """
    chain = session._session.get_component("credential_provider")
    last = next((one for one in chain.providers if one.METHOD == _OF_THE_MACHINE), None)
    if last is None:
        return session.get_credentials()
    chain.providers.remove(last)
    found = session.get_credentials()
    if found is None and _metadata_server_is_there():
        chain.providers.append(last)
        found = session.get_credentials()
    return found


def _metadata_server_is_there() -> bool:
    """Ask as AWS's own libraries do; 401 is the answer of a server that wants a token first."""
    from pullgrant.kit.http import Http

    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    server = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
    http = Http(timeout=_METADATA_SECONDS)
    try:
        return http.ask("GET", f"{server.rstrip('/')}/latest/meta-data/").status in (200, 401)
    except Unavailable:
        return False
    finally:
        http.close()


def _no_details(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _no_credentials() -> tuple[type[Exception], ...]:
    """Return what botocore raises when credentials are asked for only as the request is signed."""
    from botocore import exceptions

    return (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.UnknownCredentialError,
        exceptions.InvalidConfigError,
        exceptions.MetadataRetrievalError,
        exceptions.RefreshWithMFAUnsupportedError,
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
    )


def _unreachable(step: Step, error: Exception) -> PullgrantError:
    where = f" in {step.region}: is that a region of AWS, and" if step.region else ": is"
    return Unavailable(
        f"could not {step.doing}: no connection to AWS{where} this machine online? ({type(error).__name__})",
        hint="Check --region, the network and HTTPS_PROXY, then run the same command again.",
    )


def _sign_in_failed(error: Exception) -> PullgrantError:
    """Return the error for credentials that are there and of no use: an ended SSO sign-in, a program that failed."""
    words = redact(str(error), limit=200) or type(error).__name__
    return NotSignedIn(f"your AWS credentials cannot be used ({type(error).__name__}): {words}", hint=SIGN_IN)
