"""Images that an option names."""

from __future__ import annotations

import pytest

from pullgrant.errors import UsageError
from pullgrant.model.within import image_within


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("app:v1", "r.example/team/app:v1"),
        ("app", "r.example/team/app:latest"),
        ("team/app:v1", "r.example/team/app:v1"),
        ("r.example/team/app:v1", "r.example/team/app:v1"),
        ("R.example/team/app:v1", "r.example/team/app:v1"),
        ("r.example/team:v1", "r.example/team:v1"),
        ("team:v1", "r.example/team:v1"),
        ("teams/app:v1", "r.example/team/teams/app:v1"),
        ("sub/app:v1", "r.example/team/sub/app:v1"),
    ],
)
def test_inside(text: str, image: str) -> None:
    """An image could be named one way only, or another be meant."""
    assert str(image_within(text, host="r.example", path="team")) == image


@pytest.mark.parametrize(
    "text",
    ["r.example/other/app", "r.example/teams/app", "gcr.io/team/app", "r.example:5000/team/app", "App", "app:", "../app"],
)
def test_outside(text: str) -> None:
    """The proof would be made with an image that the reader shall not pull, or at another registry."""
    with pytest.raises(UsageError):
        image_within(text, host="r.example", path="team")


def test_none() -> None:
    """An image that was not named would be looked for."""
    assert image_within("", host="r.example", path="team") is None
