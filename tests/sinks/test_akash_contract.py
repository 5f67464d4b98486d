"""The contract of sinks, kept by Akash with the secret in the SDL file and with it in a file beside a template."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from pullgrant.model.image import server_url
from pullgrant.sinks import akash_env
from pullgrant.sinks.akash import Akash
from pullgrant.testing.sink_contract import OTHER_SERVER, SinkContract, make_credential
from sinks.killed import KilledContract

HOSTS = (
    "registry.example.com",
    OTHER_SERVER,
    "acr.us-east-1.akka.io.evil.example",
    "xacr.us-east-1.akka.io",
    "acr.a.b.akka.io",
    "acr.akka.io",
)
SDL = 'version: "2.1"\nservices:\n' + "".join(
    f"  service-{number}:\n    image: {host}/team/app:v1  # of {host}\n    count: 1\n" for number, host in enumerate(HOSTS)
)


class AkashContract(KilledContract, SinkContract):
    unholdable = frozenset({"outer blanks"})  # providers trim them
    options = ""

    @pytest.fixture
    def sink(self):
        return Akash()

    @pytest.fixture
    def file(self, open_folder, monkeypatch):
        for name in ("sdl", "run"):
            (open_folder / name).mkdir()
        (open_folder / "run").chmod(0o777)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(open_folder / "run"))
        file = open_folder / "sdl" / "deploy.yaml"
        file.write_text(SDL)
        return file

    @pytest.fixture
    def slot(self, file):
        return Akash.slot(f"{file}{self.options}", server=HOSTS[0])

    def text(self, file):
        return file.read_text()

    @pytest.fixture
    def put_foreign(self, file, slot):
        def put(where):
            block = f"    credentials:\n      host: {server_url(where.server)}\n      username: somebody\n"
            line = f"    image: {where.server}/team/app:v1  # of {where.server}\n"
            file.write_text(file.read_text().replace(line, f"{line}{block}      password: foreign-secret\n"))
            return make_credential(where.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, file):
        def read(slot):
            document = YAML(typ="safe").load(self.text(file))
            credentials = document["services"][f"service-{HOSTS.index(slot.server)}"].get("credentials")
            if credentials is None:
                return None
            assert set(credentials) == {"host", "username", "password"}
            assert credentials["host"] == server_url(slot.server)
            return credentials["username"], credentials["password"]

        return read

    @pytest.fixture
    def vanish(self, file):
        return lambda slot: file.write_text(SDL)

    @pytest.fixture
    def refuse_writes(self, file, locked):
        return lambda slot: locked(file.parent)


class TestInTheFile(AkashContract):
    def test_the_file_is_closed_to_others(self, sink, slot, file):
        """Every user of the machine could read the secret."""
        file.chmod(0o644)
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        assert file.stat().st_mode & 0o777 == 0o600


class TestViaEnv(AkashContract):
    options = ",via-env"

    def text(self, file):
        text = file.read_text()
        return akash_env.fill(file, {}) if "${" in text else text

    @pytest.fixture
    def vanish(self, file):
        def remove(slot):
            file.write_text(SDL)
            akash_env.env_file(file).unlink()

        return remove

    def test_the_template_holds_no_secret(self, sink, slot, file):
        """A template that goes into git would carry the secret there."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        assert "first-secret" not in file.read_text()
        assert "first-secret" in akash_env.env_file(file).read_text()
        assert akash_env.env_file(file).stat().st_mode & 0o777 == 0o600
