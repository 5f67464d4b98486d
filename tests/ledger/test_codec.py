"""How values are written: what is refused, and what a damaged or newer ledger says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pullgrant.errors import PullgrantError, UsageError
from pullgrant.ledger import codec
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.operation import Failed, Intent, Issuing, Withdrawn
from pullgrant.model.reader import Key
from pullgrant.secret import Secret

HIDDEN: Any = Secret("canary")


@pytest.mark.parametrize(
    "value",
    [
        HIDDEN,
        [HIDDEN],
        {"x": HIDDEN},
        Failed(step="s", words=HIDDEN),
        Credential(server="gcr.io", username="u", secret=HIDDEN),
        Issued(key=Key(id="k"), credential=Credential(server="gcr.io", username="u", secret=HIDDEN)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_has_no_form(value: Any) -> None:
    """A secret could be written wherever a value is."""
    with pytest.raises(PullgrantError, match="Secret") as caught:
        codec.encode(value)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_only_events_are_noted() -> None:
    """A value would be written that can never be read."""
    wrong: Any = Key(id="k")
    with pytest.raises(PullgrantError, match="Key is not an event"):
        codec.encode_event(wrong)


def test_a_kind_of_a_newer_release_is_named() -> None:
    """An old release would silently skip what a newer one did."""
    assert codec.decode_event("Issuing", "{}") == Issuing()
    with pytest.raises(UsageError, match="'Transmuted'") as caught:
        codec.decode_event("Transmuted", "{}")
    assert "Upgrade" in caught.value.hint


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"key_id": 3}'])
def test_damage_is_told(body: str) -> None:
    """A damaged event would end in a traceback, or pass for a whole one."""
    with pytest.raises(UsageError, match="damaged Withdrawn"):
        codec.decode_event("Withdrawn", body)


def test_a_field_of_a_newer_release_is_skipped() -> None:
    """A ledger could not be read by the release before, though the schema is the same."""
    assert codec.decode_event("Withdrawn", '{"key_id": "k", "by": "hand"}') == Withdrawn(key_id="k")


def test_text_that_is_no_unicode_is_refused() -> None:
    """A file name in an old encoding would end in a traceback."""
    with pytest.raises(UsageError, match="not valid Unicode"):
        codec.encode(Withdrawn(key_id=b"\xff".decode("utf-8", "surrogateescape")))


def test_times_are_utc_text_that_sorts() -> None:
    """Times would be read in the zone of the reader's machine, or sort wrongly."""
    east = datetime(2030, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert codec.encode_time(east) == "2029-12-31T23:30:00.000000+00:00"
    assert codec.decode_time(codec.encode_time(east)) == east
    assert codec.decode_time(codec.encode_time(east)).tzinfo == UTC


def test_an_intent_comes_back() -> None:
    """A recovery would work on another reader than the one that was begun."""
    from pullgrant.testing.ledger_samples import intent

    wanted = intent(rotate_every=timedelta(days=9), grace=timedelta(0), options={"a": ("x",), "b": True})
    assert codec.decode(codec.encode(wanted), Intent) == wanted
