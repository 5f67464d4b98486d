"""The Akka Container Registry: its table, and whether docker really gets a credential."""

from __future__ import annotations

import importlib.resources
import json

import pytest

from pullgrant.errors import NotSignedIn, SinkFailed, UsageError
from pullgrant.kit.process import Finished
from pullgrant.sinks.akka_registry import AkkaRegistry, RegistryHost

FOLDER = importlib.resources.files("pullgrant.sandbox.platforms")
HOSTS = ("acr.us-east-1.akka.io", "acr.us-east-2.akka.io")


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """The path of docker's config.json, not there yet."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker" / "config.json"


@pytest.fixture
def registry(docker, tmp_path, monkeypatch, install):
    install("akka", FOLDER.joinpath("akka_program.py").read_text())
    for name in ("akka-container-registry", "docker-credential-akka"):
        install(name, FOLDER.joinpath("akka_registry_program.py").read_text())
    monkeypatch.setenv("AKKA_TOKEN", "sandbox")
    monkeypatch.setenv("FAKE_AKKA_STATE", str(tmp_path / "akka.json"))
    return AkkaRegistry()


def test_hosts(registry):
    """Hosts would be missing or invented, or docker be said to be ready when it is not."""
    assert registry.hosts() == (
        RegistryHost(host=HOSTS[0], region="gcp-us-east1"),
        RegistryHost(host=HOSTS[0], region="gcp-us-east1", organization="acme"),
        RegistryHost(host=HOSTS[1], region="aws-us-east-2", organization="acme"),
    )


def test_configure(registry, docker):
    """A user would be told that docker is ready without a look."""
    docker.parent.mkdir()
    docker.write_text('{"auths": {"gcr.io": {"auth": "dTpw"}}}')
    assert {one.host for one in registry.configure() if one.answers} == set(HOSTS)
    assert json.loads(docker.read_text())["auths"] == {"gcr.io": {"auth": "dTpw"}}


def test_the_default_answer_of_its_menu(registry, monkeypatch):
    """A menu that was answered with No would pass for a configuration."""
    monkeypatch.setenv("FAKE_AKKA_CONFIGURE", "no")
    with pytest.raises(SinkFailed, match=r"no credential for acr\.us-east-1\.akka\.io, acr\.us-east-2\.akka\.io") as caught:
        registry.configure()
    assert "at a terminal and choose Yes" in caught.value.hint


@pytest.mark.parametrize(
    ("config", "answering"),
    [
        ({"credHelpers": {HOSTS[0]: "akka"}}, {HOSTS[0]}),
        ({"credHelpers": {HOSTS[0]: "missing"}}, set()),
        ({"credHelpers": {HOSTS[0]: "akka", HOSTS[1]: ""}, "auths": {HOSTS[1]: {"auth": "dTpw"}}}, set(HOSTS)),
        ({"credsStore": "akka"}, set(HOSTS)),
        ({"auths": {"acr.us-east-1.akka.io.evil.example": {"auth": "dTpw"}}}, set()),
    ],
)
def test_what_docker_would_use(registry, docker, config, answering):
    """An entry that docker does not use would count as a credential, or one that it uses would not."""
    docker.parent.mkdir()
    docker.write_text(json.dumps(config))
    assert {one.host for one in registry.hosts() if one.answers} == answering


def test_a_helper_that_says_no(registry, docker, monkeypatch):
    """A helper without a sign-in would count as a credential."""
    docker.parent.mkdir()
    docker.write_text('{"credHelpers": {"acr.us-east-1.akka.io": "akka"}}')
    monkeypatch.setenv("AKKA_TOKEN", "expired")
    with pytest.raises(NotSignedIn):
        registry.hosts()


@pytest.mark.parametrize(
    "printed",
    ["", "nothing here\n", "PROVIDER   CLOUD       REGION          ORGANIZATION   ORGANIZATION_ID   AKKA CONTAINER REGISTRY\n",
     "PROVIDER CLOUD REGION ORGANIZATION ORGANIZATION_ID AKKA CONTAINER REGISTRY\ngcp a b PUBLIC NONE acr.x.akka.io.evil.test\n"],
)  # fmt: skip
def test_a_table_that_is_not_known(registry, printed):
    """Hosts would be guessed from a table of another form, or a look-alike be taken for Akka's."""

    def run(argv, *, timeout, keep):
        return Finished(returncode=0, stdout=printed if "list" in argv else "x", stderr="")

    with pytest.raises(SinkFailed, match="prints a table that is not known"):
        AkkaRegistry(run).hosts()


def test_without_the_program(docker, tmp_path, monkeypatch):
    """A user would get a traceback."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="'akka' is not on PATH"):
        AkkaRegistry().hosts()
