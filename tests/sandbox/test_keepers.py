"""Each platform finds its own credentials for an image, and no others."""

from __future__ import annotations

import base64
import json
import os

import pytest

from pullgrant.sandbox.kubernetes import Kubernetes
from pullgrant.sandbox.platforms import Platforms
from pullgrant.sandbox.platforms.keepers import logins
from pullgrant.sandbox.world import World

IMAGE = "gcr.io/demo/app:v1"
AUTH = base64.b64encode(b"user:password").decode()
SDL = """version: "2.1"
services:
  web: {image: gcr.io/demo/app:v1, credentials: {host: "https://gcr.io", username: " user ", password: "password\\n"}}
  short: {image: gcr.io/demo/short:v1, credentials: {host: gcr.io, username: u, password: five5}}
  other: {image: gcr.io/demo/other:v1, credentials: {host: ghcr.io, username: u, password: password}}
  none: {image: gcr.io/demo/none:v1}
"""


class Authority:
    """Enough of one for a cluster."""

    file = None


@pytest.fixture
def countries():
    world = World()
    return {"platforms": Platforms(world, Authority()), "kubernetes": Kubernetes(world, Authority())}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"auths": {"gcr.io": {"auth": AUTH}}}, [("user", "password")]),
        ({"auths": {"gcr.io.evil.example": {"auth": AUTH}}}, []),
        ({"auths": {"gcr.io": {"auth": AUTH}}, "credHelpers": {"gcr.io": "fake"}}, [("helped", "s3cret")]),
        ({"auths": {"gcr.io": {"auth": AUTH}}, "credsStore": "fake", "credHelpers": {"gcr.io": ""}}, [("user", "password")]),
        (None, []),
    ],
)
def test_docker(countries, tmp_path, monkeypatch, config, found):
    """docker would be said to use an entry that its credential helper hides, or another host's."""
    helper = tmp_path / "docker-credential-fake"
    helper.write_text("""#!/bin/sh\necho '{"Username": "helped", "Secret": "s3cret"}'\n""")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    file = tmp_path / "config.json"
    if config is not None:
        file.write_text(json.dumps(config))
    assert logins(countries, f"docker-config:{file}", IMAGE) == found


def test_docker_hub_has_three_names(countries, tmp_path):
    """A credential for Docker Hub would not be found under the key that docker writes."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": AUTH}}}))
    assert logins(countries, f"docker-config:{file}", "docker.io/team/app:v1") == [("user", "password")]


def test_akash(countries, tmp_path):
    """A service would pull with another one's credentials, or with what Akash refuses."""
    file = tmp_path / "deploy.yaml"
    file.write_text(SDL)
    assert logins(countries, f"akash:{file}", IMAGE) == [("user", "password")]
    for name in ("other", "none"):
        assert logins(countries, f"akash:{file}", f"gcr.io/demo/{name}:v1") == []
    for platform, image, words in (
        (f"akash:{file}", "gcr.io/demo/short:v1", "missing or too short"),
        (f"akash:{file}", "gcr.io/demo/nobody:v1", "no service"),
        (f"akash:{file}:none", IMAGE, "no service"),
        (f"akash:{file}.none", IMAGE, "no SDL file"),
    ):
        with pytest.raises(ValueError, match=words):
            logins(countries, platform, image)
    file.write_text(SDL.replace("2.1", "3.0"))
    with pytest.raises(ValueError, match="unsupported version"):
        logins(countries, f"akash:{file}", IMAGE)


def test_kubelet(countries):
    """A pod would pull with a secret that nothing names, or with that of another namespace."""
    store = countries["kubernetes"].store
    document = json.dumps({"auths": {"gcr.io": {"auth": AUTH}}}).encode()
    data = {".dockerconfigjson": base64.b64encode(document).decode()}
    secret = {"metadata": {"name": "pull"}, "type": "kubernetes.io/dockerconfigjson", "data": data}
    store.create("secrets", "apps", secret, "kubectl")
    assert logins(countries, "kubernetes:apps", IMAGE) == []
    assert logins(countries, "kubernetes:apps/pull", IMAGE) == [("user", "password")]
    assert logins(countries, "kubernetes:shop/pull", IMAGE) == []
    patch = {"imagePullSecrets": [{"name": "pull"}]}
    store.patch("serviceaccounts", "apps", "default", patch, "kubectl", strategic=True)
    assert logins(countries, "kubernetes:apps", IMAGE) == [("user", "password")]
