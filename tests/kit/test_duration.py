"""Spans of time as options write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pullgrant.errors import UsageError
from pullgrant.kit.duration import life_of

LIMITS = {"least": timedelta(hours=12), "most": timedelta(days=30)}


@pytest.mark.parametrize(
    ("text", "life"), [("12h", timedelta(hours=12)), ("30d", timedelta(days=30)), ("36h", timedelta(hours=36))]
)
def test_spans(text: str, life: timedelta) -> None:
    """A span would be read in another unit, or a limit be shut out."""
    assert life_of("expires-in", text, **LIMITS) == life


@pytest.mark.parametrize("text", ["", "12", "h", "1.5d", "-1d", "٣d", "11h", "31d", "12 h", "999999d"])
def test_no_spans(text: str) -> None:
    """A token would live for another time than was meant."""
    with pytest.raises(UsageError, match="--expires-in") as caught:
        life_of("expires-in", text, **LIMITS)
    assert "d" in caught.value.hint
