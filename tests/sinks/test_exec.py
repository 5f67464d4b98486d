"""What Exec does beyond the contract: how the command is run, and what it is told."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pullgrant.errors import SinkFailed, UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks.exec import Exec
from pullgrant.testing.sink_contract import make_credential

HOST = "us.gcr.io"


def slot_of(target):
    return Slot(sink="exec", server=HOST, target=target)


def test_the_command_gets_all_there_is_to_know(tmp_path):
    """A command could not tell the registry, or when its credential dies."""
    (tmp_path / "take.py").write_text("import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())")
    seen = tmp_path / "seen.json"
    ends = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    credential = dataclasses.replace(make_credential(HOST, "s3cret"), expires_at=ends)
    receipt = Exec().deliver(slot_of(f"{sys.executable} {tmp_path}/take.py {seen}"), credential)
    assert json.loads(seen.read_text()) == {
        "action": "deliver", "server": HOST, "server_url": "https://us.gcr.io", "username": "reader", "password": "s3cret",
        "expires_at": "2030-01-02T03:04:05+00:00",
    }  # fmt: skip
    assert receipt.reference == sys.executable


def test_there_is_no_shell(tmp_path):
    """A `;`, a `$` or a `>` in a slot would be obeyed."""
    (tmp_path / "show.py").write_text("import sys; sys.exit('|'.join(sys.argv[1:]))")
    with pytest.raises(SinkFailed) as caught:
        Exec().deliver(slot_of(f"{sys.executable} {tmp_path}/show.py '$HOME;id' > x"), make_credential(HOST, "s3cret"))
    assert "$HOME;id|>|x" in caught.value.message


def test_the_ledgers_address_stays_here(tmp_path, monkeypatch):
    """The password of the ledger's database would be handed to any command."""
    monkeypatch.setenv("PULLGRANT_LEDGER", "postgresql://user:pass@db/ledger")
    monkeypatch.setenv("VAULT_TOKEN", "the-users-own")
    (tmp_path / "env.py").write_text(
        "import os, sys; sys.exit(str('PULLGRANT_LEDGER' in os.environ) + os.environ['VAULT_TOKEN'])"
    )
    with pytest.raises(SinkFailed) as caught:
        Exec().deliver(slot_of(f"{sys.executable} {tmp_path}/env.py"), make_credential(HOST, "s3cret"))
    assert "Falsethe-users-own" in caught.value.message


def test_status_is_the_receipt():
    """A command that failed would pass for a delivery."""
    with pytest.raises(SinkFailed, match=r"ended with status 3 on deliver for us\.gcr\.io"):
        Exec().deliver(slot_of(f"{sys.executable} -c 'raise SystemExit(3)'"), make_credential(HOST, "s3cret"))


@pytest.mark.parametrize("target", ["", "  ", "'unclosed"])
def test_a_target_that_cannot_be_right(target):
    """A typing error would only show after a key was made."""
    with pytest.raises(UsageError):
        Exec.slot(target, server=HOST)


def test_a_program_that_is_not_there():
    """A key would be made that nobody can take."""
    with pytest.raises(UsageError, match="no-such-program"):
        Exec().preflight(slot_of("no-such-program --x"), ours=False, adopt=False)


def test_a_path_is_kept_absolute(tmp_path, monkeypatch):
    """A renewal from another folder would run another program, or none."""
    monkeypatch.chdir(tmp_path)
    assert Exec.slot("./take 'a b'", server=HOST).target == f"{Path.cwd()}/take 'a b'"


def test_nothing_can_be_read_back():
    """A slot would look empty, and every run would make a new key for it."""
    held = Exec().inspect(slot_of("take it"))
    assert (held.credential, held.words) == (None, "cannot be read back")
