"""The contract of sinks, kept by DockerConfig with a plain file and with a credential helper."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import pytest

from pullgrant.model.credential import Slot
from pullgrant.model.image import docker_key
from pullgrant.sinks.docker_config import DockerConfig
from pullgrant.testing.sink_contract import SinkContract, make_credential
from sinks.killed import KilledContract

HELPER = Path(__file__).with_name("helper_program.py").read_text()


class TestPlainFile(KilledContract, SinkContract):
    @pytest.fixture
    def sink(self):
        return DockerConfig()

    @pytest.fixture
    def file(self, open_folder, monkeypatch):
        for name in ("docker", "run"):
            (open_folder / name).mkdir()
        (open_folder / "run").chmod(0o777)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(open_folder / "run"))
        monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)
        return open_folder / "docker" / "config.json"

    @pytest.fixture
    def slot(self, file):
        return Slot(sink="docker-config", server="registry.example.com", target=str(file))

    @pytest.fixture
    def put_foreign(self, file):
        def put(slot):
            document = json.loads(file.read_text()) if file.exists() else {}
            auth = base64.b64encode(b"somebody:foreign-secret").decode()
            document.setdefault("auths", {})[docker_key(slot.server)] = {"auth": auth}
            file.write_text(json.dumps(document))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, file):
        def read(slot):
            document = json.loads(file.read_bytes()) if file.exists() else {}
            entry = document.get("auths", {}).get(docker_key(slot.server))
            if entry is None:
                return None
            assert list(entry) == ["auth"]
            username, _, secret = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
            return username, secret

        return read

    @pytest.fixture
    def vanish(self, file):
        def remove(slot):
            file.unlink()
            file.parent.rmdir()

        return remove

    @pytest.fixture
    def refuse_writes(self, file, locked):
        return lambda slot: locked(file.parent)


class TestHelper(SinkContract):
    @pytest.fixture
    def sink(self, install):
        install("docker-credential-fake", HELPER)
        return DockerConfig()

    @pytest.fixture
    def state(self, tmp_path, monkeypatch):
        monkeypatch.setenv("FAKE_HELPER_STATE", str(tmp_path / "keychain.json"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        return tmp_path / "keychain.json"

    @pytest.fixture
    def slot(self, state, tmp_path):
        file = tmp_path / "config.json"
        file.write_text('{"credsStore": "fake"}')
        yield Slot(sink="docker-config", server="docker.io", target=str(file))
        assert file.read_text() == '{"credsStore": "fake"}'

    @pytest.fixture
    def put_foreign(self, state):
        def put(slot):
            kept = json.loads(state.read_text()) if state.exists() else {"entries": {}}
            kept["entries"][docker_key(slot.server)] = ["somebody", "foreign-secret"]
            state.write_text(json.dumps(kept))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, state):
        def read(slot):
            kept = json.loads(state.read_text())["entries"] if state.exists() else {}
            entry = kept.get(docker_key(slot.server))
            return tuple(entry) if entry else None

        return read

    @pytest.fixture
    def vanish(self, state):
        return lambda slot: state.unlink()

    @pytest.fixture
    def refuse_writes(self, state):
        @contextlib.contextmanager
        def refuse(slot):
            kept = json.loads(state.read_text())
            state.write_text(json.dumps({**kept, "refuses": True}))
            try:
                yield
            finally:
                state.write_text(json.dumps(kept))

        return refuse
