"""One tree of errors. Each leaf knows its exit code; each message says what happened and where, each hint what to do next.

PullgrantError                1   our own bug, when raised as such
 +- UsageError                2   an option, a setting or a file is wrong
 |   +- NotSignedIn           2   no credentials of the operator were found
 |   +- MissingExtra          2   the optional package for this provider or sink is not installed
 +- Refused                   3   the cloud answered no, and will answer no again
 |   +- PermissionDenied      3   the operator lacks a right
 |   +- PolicyForbids         3   an organisation's policy forbids it
 |   +- QuotaReached          3   a limit is reached (keys, identities, policy size)
 |   +- NotFound              3   a project, registry, repository or service is not there
 |   +- NotOurs               3   it exists and does not carry our mark
 +- ProofFailed               4   the live registry did not answer as a least-privilege reader's registry must
 +- SinkFailed                5   a platform did not take the credential
 +- Unavailable               6   down, throttled or not settled yet: the same command later may succeed
 |   +- RateLimited           6   throttled; retry_after says for how long
 |   +- NotVisibleYet         6   made, but not yet seen everywhere (propagation)
 |   +- OutcomeUnknown        6   a call that changes something was sent and never answered: look before repeating it
 +- Locked                    7   another run works on the same reader
"""

from __future__ import annotations

from typing import ClassVar


class PullgrantError(Exception):
    """The root of the tree; raised directly only for a broken promise of our own code.

    `message` says what happened, where and with which value; `hint` says what to do next. Neither ever holds a secret.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(PullgrantError):
    """An option, a setting or a file of the user is wrong; nothing was called."""

    exit_code = 2


class NotSignedIn(UsageError):
    """No usable credentials of the operator were found for a cloud or platform."""


class MissingExtra(UsageError):
    """The optional package that a provider or sink needs is not installed."""


class Refused(PullgrantError):
    """The cloud answered no, and asking again will not change it."""

    exit_code = 3


class PermissionDenied(Refused):
    """The operator's identity lacks a right; the message names the right and the resource."""


class PolicyForbids(Refused):
    """A policy of the organisation or tenant forbids the step; the hint names the way on."""


class QuotaReached(Refused):
    """A limit of the cloud is reached: keys of an identity, identities of a project, size of a policy."""


class NotFound(Refused):
    """A project, registry, repository or cloud service that the step needs is not there."""


class NotOurs(Refused):
    """Something with the wanted name exists without our mark; taking it over needs a word from the user."""


class ProofFailed(PullgrantError):
    """The live registry allowed more, or less, than a least-privilege reader may do."""

    exit_code = 4


class SinkFailed(PullgrantError):
    """A platform did not take, show or give back the credential."""

    exit_code = 5


class Unavailable(PullgrantError):
    """The other side is down, throttled or not settled; the same command later may succeed."""

    exit_code = 6
    retryable = True


class RateLimited(Unavailable):
    """Throttled by the other side. `retry_after` is in seconds, None when it did not say."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class NotVisibleYet(Unavailable):
    """Something just made is not yet seen by every part of the cloud."""


class OutcomeUnknown(Unavailable):
    """A changing call was sent and no answer came. It is never repeated before looking for what it made."""

    retryable = False


class Locked(PullgrantError):
    """Another run holds the lock of this reader."""

    exit_code = 7
    retryable = True
