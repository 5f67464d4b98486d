"""The contract of sinks, kept by Kubernetes against an API server that says no, in one namespace and in two."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest

from pullgrant.model.image import docker_key
from pullgrant.sandbox.kubernetes import Kubernetes as Country
from pullgrant.sandbox.run import Sandbox
from pullgrant.sinks.kubernetes import TYPE, Kubernetes
from pullgrant.testing.sink_contract import SinkContract, make_credential


@pytest.fixture(scope="module")
def box():
    with Sandbox(factories={"kubernetes": Country}) as sandbox:
        yield sandbox


class KubernetesContract(SinkContract):
    target = "apps/pull"
    namespaces = ("apps",)

    @pytest.fixture
    def cluster(self, box, monkeypatch):
        country = box.countries["kubernetes"]
        country.reset()
        for name, value in box.environment().items():
            monkeypatch.setenv(name, value)
        return country

    @pytest.fixture
    def sink(self, cluster):
        return Kubernetes()

    @pytest.fixture
    def slot(self):
        return Kubernetes.slot(self.target, server="registry.example.com")

    @pytest.fixture
    def put_foreign(self, cluster):
        def put(slot):
            auth = base64.b64encode(b"somebody:foreign-secret").decode()
            document = {"auths": {docker_key(slot.server): {"auth": auth}}}
            data = {".dockerconfigjson": base64.b64encode(json.dumps(document).encode()).decode()}
            for namespace in self.namespaces:
                secret = {"metadata": {"name": "pull"}, "type": TYPE, "data": data}
                cluster.store.create("secrets", namespace, secret, "kubectl")
            return make_credential(slot.server, "foreign-secret", "somebody")

        return put

    @pytest.fixture
    def read_back(self, cluster):
        def read(slot):
            found = {self._entry(cluster, namespace, slot) for namespace in self.namespaces}
            assert len(found) == 1
            return found.pop()

        return read

    def _entry(self, cluster, namespace, slot):
        named = {one["metadata"]["name"]: one for one in cluster.store.select("secrets", namespace)}
        if "pull" not in named:
            return None
        assert named["pull"]["type"] == TYPE
        document = json.loads(base64.b64decode(named["pull"]["data"][".dockerconfigjson"]))
        entry = document["auths"].get(docker_key(slot.server))
        if entry is None:
            return None
        username, _, secret = base64.b64decode(entry["auth"]).decode().partition(":")
        return username, secret

    @pytest.fixture
    def vanish(self, cluster):
        def remove(slot):
            for namespace in self.namespaces:
                cluster.store.delete("secrets", namespace, "pull", {})

        return remove

    @pytest.fixture
    def refuse_writes(self, cluster):
        @contextlib.contextmanager
        def refuse(slot):
            cluster.api.denied |= {(verb, "secrets") for verb in ("create", "patch", "update", "delete")}
            yield
            cluster.api.reset()

        return refuse


class TestOneNamespace(KubernetesContract):
    pass


class TestNamespacesByLabel(KubernetesContract):
    target = "*/pull,selector=team=web"
    namespaces = ("apps", "shop")
