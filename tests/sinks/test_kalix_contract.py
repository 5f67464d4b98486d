"""The contract of sinks, kept by Kalix in both eras and by Akka Serverless, on the fake that Akka's own tests use."""

from __future__ import annotations

import contextlib
import importlib.resources
import json

import pytest

from pullgrant.model.image import canonical_host, server_url
from pullgrant.sinks.akka_place import secret_name
from pullgrant.sinks.kalix import AkkaServerless, Kalix
from pullgrant.testing.sink_contract import SinkContract, make_credential

PROGRAM = importlib.resources.files("pullgrant.sandbox.platforms").joinpath("akka_program.py").read_text()
EMPTY = {"projects": {"sample": {"secrets": {}, "registries": [], "entries": []}}, "signed_in": True}


class FamilyContract(SinkContract):
    family: type[Kalix] = Kalix
    era = "secret"

    @pytest.fixture
    def state(self, tmp_path, monkeypatch):
        file = tmp_path / "state.json"
        monkeypatch.setenv("FAKE_AKKA_STATE", str(file))
        monkeypatch.setenv("FAKE_AKKA_ERA", self.era)
        file.write_text(json.dumps(EMPTY))
        return file

    @pytest.fixture
    def project(self, state):
        @contextlib.contextmanager
        def change():
            kept = json.loads(state.read_text())
            yield kept["projects"]["sample"]
            state.write_text(json.dumps(kept))

        return change

    @pytest.fixture
    def sink(self, state, install):
        install(self.family.dialect.program, PROGRAM)
        return self.family()

    @pytest.fixture
    def slot(self):
        return self.family.slot("sample", server="registry.example.com")

    @pytest.fixture
    def refuse_writes(self, state):
        @contextlib.contextmanager
        def refuse(slot):
            state.write_text(json.dumps({**json.loads(state.read_text()), "refuses": True}))
            yield
            state.write_text(json.dumps({**json.loads(state.read_text()), "refuses": False}))

        return refuse

    @pytest.fixture
    def vanish(self, project):
        def remove(slot):
            with project() as known:
                known |= {"registries": [], "secrets": {}, "entries": []}

        return remove


def login_of(slot):
    login = {"username": "somebody", "email": "somebody@example.com", "password": "foreign-secret"}
    return {"server": server_url(slot.server), **login}


class TestNamedSecrets(FamilyContract):
    @pytest.fixture
    def put_foreign(self, project):
        def put(slot):
            with project() as known:
                known["secrets"][secret_name(slot.server)] = {"type": "docker", "keys": ["credentials"], **login_of(slot)}
                known["registries"].append(secret_name(slot.server))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, project):
        def read(slot):
            with project() as known:
                assert set(known["registries"]) == set(known["secrets"])
                found = known["secrets"].get(secret_name(slot.server))
            return (found["username"], found["password"]) if found else None

        return read


class TestEntriesWithIds(FamilyContract):
    era = "uuid"

    @pytest.fixture
    def put_foreign(self, project):
        def put(slot):
            with project() as known:
                known["entries"].append({"id": "11111111-2222-3333-4444-555555555555", **login_of(slot)})
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, project):
        def read(slot):
            with project() as known:
                here = [one for one in known["entries"] if canonical_host(one["server"]) == canonical_host(slot.server)]
            assert len([one for one in here if one["username"] != "somebody"]) <= 1
            return (here[-1]["username"], here[-1]["password"]) if here else None

        return read


class TestAkkaServerless(TestEntriesWithIds):
    family = AkkaServerless
    era = "secret"  # the program has no such era
