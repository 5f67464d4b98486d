"""Start and stop, and what is missing or taken."""

from __future__ import annotations

import logging
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from pullgrant.errors import MissingExtra, PullgrantError
from pullgrant.sandbox.countries import COUNTRIES, load
from pullgrant.sandbox.run import Sandbox
from sandbox.toy import Toy


def test_every_country_of_the_table_starts() -> None:
    """A country of the table would be missing or broken."""
    with Sandbox() as sandbox:
        assert list(sandbox.countries) == list(COUNTRIES)
        assert {country.name for country in sandbox.countries.values()} == set(COUNTRIES)


def test_a_country_without_its_package_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One missing optional package would take every fake down."""
    (tmp_path / "needy_country.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with caplog.at_level(logging.WARNING):
        found = load({"needy": "needy_country:Needy", "toy": "sandbox.toy:Toy"})
    assert list(found) == ["toy"]
    assert caplog.messages == ["the sandbox goes without needy: no module no_such_package_at_all"]


def test_a_missing_module_of_our_own_is_a_bug() -> None:
    """A misspelt name in the table would go unnoticed."""
    with pytest.raises(ModuleNotFoundError):
        load({"lost": "pullgrant.sandbox.lost:Lost"})


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without the optional packages would get a traceback."""
    monkeypatch.delitem(sys.modules, "pullgrant.sandbox.authority")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtra, match="the sandbox needs the Python package cryptography") as caught:
        Sandbox().start()
    assert caught.value.hint == "pip install 'pullgrant[sandbox]'"


def test_a_taken_port_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed start would leave a folder with a sign-in on the disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=taken.getsockname()[1], factories={"toy": Toy}).start()
    assert list(tmp_path.iterdir()) == []


def test_a_wanted_port_is_used() -> None:
    """`--port` would be ignored."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Sandbox(port=port, factories={"toy": Toy}) as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{port}"


def test_a_stopped_sandbox_says_so() -> None:
    """A use before the start, or two starts, would fail in the dark."""
    sandbox = Sandbox(factories={"toy": Toy})
    for ask in (lambda: sandbox.url, lambda: sandbox.folder, lambda: sandbox.registry, sandbox.environment):
        with pytest.raises(PullgrantError, match="not running"):
            ask()
    with sandbox, pytest.raises(PullgrantError, match="already running"):
        sandbox.start()
