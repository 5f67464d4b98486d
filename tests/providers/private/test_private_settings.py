"""The options of `private.bootstrap`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pullgrant.errors import UsageError
from pullgrant.model.reader import Reader
from pullgrant.providers.private.settings import Settings

PASSWORD = "env:READER_PASSWORD"


def parse(server: str = "https://registry.example", **more: Any) -> Settings:
    return Settings.parse(**{"server": server, "username": "reader", "password": PASSWORD, **more})


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("registry.example", "registry.example"),
        ("https://REGISTRY.example/", "registry.example"),
        ("https://registry.example/v1/", "registry.example"),
        ("https://registry.example:5000/v2", "registry.example:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("http://localhost:5000", "localhost:5000"),
        ("HTTP://127.0.0.1:5000/v2/", "127.0.0.1:5000"),
    ],
)
def test_server(server: str, host: str) -> None:
    """A server as the platforms' documentation writes it would be refused, or lead elsewhere."""
    assert (parse(server).server.host, parse(server).server.plain) == (host, server.lower().startswith("http://"))


@pytest.mark.parametrize(
    "server",
    [
        "http://registry.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example:5000",
        "http://10.0.0.1:5000",
        "https://registry.example/team",
        "https://user:hunter2@registry.example",
        "https://registry.example/v2/team",
        "",
        "registry",
    ],
)
def test_wrong_server(server: str) -> None:
    """A password would go out in the clear, to a look-alike, or a path be dropped unseen."""
    with pytest.raises(UsageError) as caught:
        parse(server)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_no_option() -> None:
    """A secret on the command line would be taken and kept in the ledger."""
    with pytest.raises(UsageError) as caught:
        parse(password="hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("more", [{"username": ""}, {"username": "a:b"}, {"reader": "two words"}, {"ca_file": "/none.pem"}])
def test_wrong_options(more: dict[str, Any]) -> None:
    """An option that cannot be right would be found out by the registry, or never."""
    with pytest.raises(UsageError):
        parse(**more)


@pytest.mark.parametrize("host", ["registry.example", "10.0.0.1:5001", "127.0.0.1.evil.example:1"])
def test_insecure_hosts_are_on_this_machine(host: str) -> None:
    """A token service elsewhere would get the password in the clear."""
    with pytest.raises(UsageError, match="not on this machine"):
        parse(insecure_host=["127.0.0.1:5001", host])


@pytest.mark.parametrize("text", ["team/app:v1", "registry.example/team/app:v1"])
def test_image(text: str) -> None:
    """An image could not be named both ways."""
    assert str(parse(image=text).image) == "registry.example/team/app:v1"


def test_image_elsewhere() -> None:
    """The proof would be made at another registry than the credential is for."""
    with pytest.raises(UsageError, match="does not lie at"):
        parse(image="gcr.io/team/app:v1")


def test_there_and_back(tmp_path: Path) -> None:
    """A rotation would read other settings from the ledger than the bootstrap wrote."""
    (tmp_path / "ca.pem").write_text("")
    settings = parse(
        "http://localhost:5000",
        ca_file=str(tmp_path / "ca.pem"),
        insecure_host=["127.0.0.1:5001", "127.0.0.1:5002"],
        accept_stronger=True,
        image="team/app",
        reader="two",
    )
    assert Settings.of(settings.to_reader()) == settings
    assert (settings.to_reader().unproven, parse().to_reader().unproven) == (True, False)


def test_the_reader_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger would get the password instead of the place where it is."""
    monkeypatch.setenv("READER_PASSWORD", "hunter2")
    reader: Reader = parse().to_reader()
    assert (reader.id, reader.options["password"]) == ("private:registry.example/docker-reader", PASSWORD)
