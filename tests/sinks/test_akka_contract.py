"""The contract of sinks, kept by Akka in both eras of its command line."""

from __future__ import annotations

import contextlib
import importlib.resources
import json

import pytest

from pullgrant.model.credential import Slot
from pullgrant.model.image import canonical_host, server_url
from pullgrant.sinks.akka import Akka
from pullgrant.sinks.akka_place import secret_name
from pullgrant.testing.sink_contract import SinkContract, make_credential

PROGRAM = importlib.resources.files("pullgrant.sandbox.platforms").joinpath("akka_program.py").read_text()


class AkkaContract(SinkContract):
    @pytest.fixture
    def state(self, tmp_path, monkeypatch):
        file = tmp_path / "akka.json"
        monkeypatch.setenv("FAKE_AKKA_STATE", str(file))
        monkeypatch.setenv("AKKA_TOKEN", "sandbox")
        monkeypatch.delenv("PULLGRANT_SANDBOX_URL", raising=False)
        monkeypatch.delenv("AKKA_PROJECT", raising=False)
        file.write_text(json.dumps({"projects": {"sample": {"secrets": {}, "registries": [], "entries": []}}}))
        return file

    @pytest.fixture
    def sink(self, state, install):
        install("akka", PROGRAM)
        return Akka()

    @pytest.fixture
    def slot(self):
        return Slot(sink="akka", server="registry.example.com", target="sample")

    @pytest.fixture
    def refuse_writes(self, state):
        @contextlib.contextmanager
        def refuse(slot):
            state.write_text(json.dumps({**json.loads(state.read_text()), "refuses": True}))
            try:
                yield
            finally:
                state.write_text(json.dumps({**json.loads(state.read_text()), "refuses": False}))

        return refuse


def foreign_login(slot):
    login = {"username": "somebody", "email": "somebody@example.com", "password": "foreign-secret"}
    return {"server": server_url(slot.server), **login}


class TestSecretEra(AkkaContract):
    @pytest.fixture
    def put_foreign(self, state):
        def put(slot):
            kept = json.loads(state.read_text())
            project, name = kept["projects"]["sample"], secret_name(slot.server)
            project["secrets"][name] = {"type": "docker", "keys": ["credentials"], **foreign_login(slot)}
            project["registries"].append(name)
            state.write_text(json.dumps(kept))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, state):
        def read(slot):
            project, name = json.loads(state.read_text())["projects"]["sample"], secret_name(slot.server)
            assert set(project["registries"]) == set(project["secrets"])
            if name not in project["registries"]:
                return None
            kept = project["secrets"][name]
            assert kept["server"] == server_url(slot.server)
            return kept["username"], kept["password"]

        return read

    @pytest.fixture
    def vanish(self, state):
        def remove(slot):
            kept = json.loads(state.read_text())
            kept["projects"]["sample"] |= {"registries": [], "secrets": {}}
            state.write_text(json.dumps(kept))

        return remove


class TestUuidEra(AkkaContract):
    @pytest.fixture(autouse=True)
    def era(self, monkeypatch):
        monkeypatch.setenv("FAKE_AKKA_ERA", "uuid")

    @pytest.fixture
    def put_foreign(self, state):
        def put(slot):
            kept = json.loads(state.read_text())
            kept["projects"]["sample"]["entries"].append(
                {"id": "11111111-2222-3333-4444-555555555555", **foreign_login(slot)}
            )
            state.write_text(json.dumps(kept))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, state):
        def read(slot):
            entries = json.loads(state.read_text())["projects"]["sample"]["entries"]
            here = [one for one in entries if canonical_host(one["server"]) == canonical_host(slot.server)]
            assert len([one for one in here if one["username"] != "somebody"]) <= 1
            return (here[-1]["username"], here[-1]["password"]) if here else None

        return read

    @pytest.fixture
    def vanish(self, state):
        def remove(slot):
            kept = json.loads(state.read_text())
            kept["projects"]["sample"]["entries"] = []
            state.write_text(json.dumps(kept))

        return remove
