"""The contract of sinks as far as any command can keep it: what it holds is its own affair."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys

import pytest

from pullgrant.sinks.exec import Exec
from pullgrant.testing.sink_contract import DeliveryContract

# Keeps what it is given in the file of its first argument; refuses when there is a file `refuse` beside it.
COMMAND = """
import fcntl, json, os, sys, pathlib
store = pathlib.Path(sys.argv[1])
asked = json.load(sys.stdin)
if (store.parent / "refuse").exists():
    sys.exit(f"not allowed: {asked.get('password', '')}")
assert os.environ["PULLGRANT_ACTION"] == asked["action"]
with open(f"{store}.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    kept = json.loads(store.read_text()) if store.exists() else {}
    kept.pop(asked["server"], None)
    if asked["action"] == "deliver":
        kept[asked["server"]] = asked
    store.write_text(json.dumps(kept))
"""


class TestExec(DeliveryContract):
    @pytest.fixture
    def sink(self):
        return Exec()

    @pytest.fixture
    def store(self, tmp_path):
        return tmp_path / "it's a store.json"

    @pytest.fixture
    def slot(self, store):
        command = store.parent / "take.py"
        command.write_text(COMMAND)
        return Exec.slot(shlex.join([sys.executable, str(command), str(store)]), server="registry.example.com")

    @pytest.fixture
    def read_back(self, store):
        def read(slot):
            kept = json.loads(store.read_text()) if store.exists() else {}
            one = kept.get(slot.server)
            return (one["username"], one["password"]) if one else None

        return read

    @pytest.fixture
    def refuse_writes(self, store):
        @contextlib.contextmanager
        def refuse(slot):
            (store.parent / "refuse").touch()
            try:
                yield
            finally:
                (store.parent / "refuse").unlink()

        return refuse

    def test_withdraw(self, sink, slot, other, read_back):
        """The command would not be told that the credential is dead, or would be told of another registry's."""
        from pullgrant.testing.sink_contract import make_credential

        for one in (slot, other):
            sink.deliver(one, make_credential(one.server, "first-secret"))
        for _ in range(2):
            sink.withdraw(slot)
        assert (read_back(slot), read_back(other)) == (None, ("reader", "first-secret"))
