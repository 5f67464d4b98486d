"""Options of an Azure reader."""

from datetime import timedelta
from typing import Any

import pytest

from pullgrant.errors import UsageError
from pullgrant.providers.azure.settings import Settings

ALL = {
    "registry": "demo.azurecr.us",
    "cloud": "usgov",
    "subscription": "11111111-2222-3333-4444-555555555555",
    "resource_group": "group",
    "reader": "my-reader",
    "method": "token",
    "repository": ["team/app", "lib/*"],
    "expires_in": "12h",
    "image": "team/app:v1",
}


def test_defaults() -> None:
    """If it failed, the plain command would make something else than the documentation says."""
    settings = Settings.parse(registry="demo")
    assert (settings.reader, settings.method, settings.expires_in) == (
        "docker-reader",
        "service-principal",
        timedelta(days=90),
    )
    assert settings.to_reader().id == "azure:demo/docker-reader"


@pytest.mark.parametrize("options", [{"registry": "demo"}, ALL])
def test_way_back_from_the_ledger(options: dict[str, Any]) -> None:
    """If it failed, a rotation would renew another reader than the one that was asked for."""
    settings = Settings.parse(**options)
    assert Settings.of(settings.to_reader()) == settings


def test_reader_holds_no_more_than_json() -> None:
    """If it failed, the ledger could not write the reader."""
    options = Settings.parse(**ALL).to_reader().options
    assert options == {
        "registry": "demo.azurecr.us",
        "cloud": "usgov",
        "subscription": "11111111-2222-3333-4444-555555555555",
        "resource_group": "group",
        "method": "token",
        "expires_in": "12h",
        "image": "demo.azurecr.us/team/app:v1",
    }


def test_order_of_repositories_is_nothing() -> None:
    """If it failed, the same command with its options turned around would issue a new credential."""
    one, other = (Settings.parse(registry="demo", repository=names) for names in (["b", "a", "b"], ["a", "b"]))
    assert one.to_reader() == other.to_reader()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("method", "certificate"),
        ("reader", ""),
        ("reader", "a'b"),
        ("reader", "a b"),
        ("reader", "x" * 65),
        ("repository", ["Team/app"]),
        ("repository", ["team/app' OR '1"]),
        ("repository", ["*"]),
        ("repository", ["te*m"]),
        ("expires_in", "90"),
        ("expires_in", "0h"),
        ("expires_in", "9999d"),
        ("expires_in", "1y"),
        ("image", "other.azurecr.io/app:v1"),
    ],
)
def test_what_cannot_be_right_is_refused(option: str, value: Any) -> None:
    """If it failed, a wrong option would reach Azure, or a condition's text."""
    with pytest.raises(UsageError):
        Settings.parse(**{"registry": "demo", option: value})


@pytest.mark.parametrize("name", ["abcd", "under_score", "x" * 46])
def test_names_of_tokens(name: str) -> None:
    """If it failed, Azure would refuse the token after its scope map was made."""
    assert Settings.parse(registry="demo", reader=name).reader == name
    with pytest.raises(UsageError, match="not a name for a token"):
        Settings.parse(registry="demo", reader=name, method="token")


def test_image_outside_the_scope_is_refused() -> None:
    """If it failed, the proof would ask for an image that the reader must not reach."""
    with pytest.raises(UsageError, match="outside the scope"):
        Settings.parse(registry="demo", repository=["team/app"], image="team/other:v1")
