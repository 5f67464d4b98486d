"""Values to text and back: JSON by the type hints of the model. What no hint knows, a Secret above all, is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pullgrant.errors import PullgrantError, UsageError
from pullgrant.model.operation import EVENTS, Event

T = TypeVar("T")
_KINDS: dict[str, type] = {kind.__name__: kind for kind in EVENTS}


def encode(value: object) -> str:
    """Return a value of the model as JSON. Raises PullgrantError for one that holds a Secret or another foreign object."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        what = type(value).__name__
        raise UsageError(f"{what}: a name in it is not valid Unicode and can not be written to the ledger") from None
    except (TypeError, NotImplementedError) as error:
        # msgspec names the type that it refused, never its content.
        raise PullgrantError(f"{type(value).__name__} can not be written to the ledger: {error}") from None


def decode(text: str, kind: type[T]) -> T:
    """Return the value that `encode` wrote. Raises UsageError for a text that is no such value."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"the ledger holds a damaged {kind.__name__}: {error}", hint="Restore the ledger from a backup."
        ) from None


def encode_event(event: Event) -> tuple[str, str]:
    """Return an event's kind and JSON. Raises PullgrantError for what is no event or holds a Secret."""
    kind = type(event).__name__
    if _KINDS.get(kind) is not type(event):
        raise PullgrantError(f"{kind} is not an event and can not be written to the ledger")
    return kind, encode(event)


def decode_event(kind: str, body: str) -> Event:
    """Return the event of this kind. Raises UsageError for a kind that only a newer release knows."""
    known: Any = _KINDS.get(kind)
    if known is None:
        raise UsageError(f"the ledger holds an event of the unknown kind {kind!r}", hint="Upgrade pullgrant.")
    event: Event = decode(body, known)
    return event


def encode_time(value: datetime) -> str:
    """Return a time as text of fixed width in UTC."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def decode_time(text: str) -> datetime:
    """Return the time that `encode_time` wrote."""
    return datetime.fromisoformat(text)
