"""What Kubernetes does beyond the contract: whose secret it is, conflicts, rights, service accounts, a real kubectl."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pullgrant.errors import MissingExtra, NotSignedIn, SinkFailed, Unavailable, UsageError
from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.kubernetes import Kubernetes as Country
from pullgrant.sandbox.run import Sandbox
from pullgrant.sinks.kubernetes import TYPE, Kubernetes
from pullgrant.sinks.kubernetes_api import Cluster
from pullgrant.testing.sink_contract import make_credential

HOST = "gcr.io"
DOCKER = {"auths": {"ghcr.io": {"auth": base64.b64encode(b"u:p").decode()}}}


@pytest.fixture(scope="module")
def box():
    with Sandbox(factories={"kubernetes": Country}) as sandbox:
        yield sandbox


@pytest.fixture
def cluster(box, monkeypatch):
    """The fake cluster on its first day, with the operator signed in."""
    box.world.reset()
    box.countries["kubernetes"].reset()
    for name, value in box.environment().items():
        monkeypatch.setenv(name, value)
    return box.countries["kubernetes"]


@pytest.fixture
def control(cluster, box):
    return Control(box.url)


def slot_of(target="apps/pull"):
    return Kubernetes.slot(target, server=HOST)


def deliver(target="apps/pull", secret="s3cret"):
    return Kubernetes().deliver(slot_of(target), make_credential(HOST, secret))


def preflight(target="apps/pull", *, ours=False, adopt=False):
    return Kubernetes().preflight(slot_of(target), ours=ours, adopt=adopt)


def put(cluster, name="pull", namespace="apps", manager="kubectl", **more):
    data = {".dockerconfigjson": base64.b64encode(json.dumps(DOCKER).encode()).decode()}
    body = {"metadata": {"name": name}, "type": TYPE, "data": data, **more}
    return cluster.store.create("secrets", namespace, body, manager)


def entries(cluster, namespace="apps"):
    secret = cluster.store.find("secrets", namespace, "pull")
    return set(json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"])


def names(cluster, resource, namespace="apps"):
    return [one["metadata"]["name"] for one in cluster.store.select(resource, namespace)]


def test_our_own_secret_comes_and_goes(cluster):
    """An empty secret would be left behind."""
    deliver()
    made = cluster.store.find("secrets", "apps", "pull")
    assert made["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "pullgrant"}
    Kubernetes().withdraw(slot_of())
    assert names(cluster, "secrets") == []


def test_somebody_elses_secret_stays(cluster):
    """A secret that other people's pods use would be deleted with our entry, or marked as ours."""
    put(cluster)
    deliver()
    assert entries(cluster) == {"ghcr.io", "gcr.io"}
    assert "labels" not in cluster.store.find("secrets", "apps", "pull")["metadata"]
    Kubernetes().withdraw(slot_of())
    assert entries(cluster) == {"ghcr.io"}


def test_fields_are_applied_under_our_name(cluster):
    """Nobody could see in the cluster who writes the secret, or another controller's fields would be taken."""
    put(cluster, metadata={"name": "pull", "labels": {"team": "web"}})
    deliver()
    owners = {one["manager"]: one for one in cluster.store.find("secrets", "apps", "pull")["metadata"]["managedFields"]}
    assert owners["pullgrant"]["operation"] == "Apply"
    assert owners["pullgrant"]["fieldsV1"]["f:data"] == {"f:.dockerconfigjson": {}}
    assert "f:data" not in owners["kubectl"]["fieldsV1"]
    assert owners["kubectl"]["fieldsV1"]["f:metadata"] == {"f:labels": {"f:team": {}}}


def test_another_writer_is_told_of(cluster):
    """A controller that puts its own content back would undo the delivery unseen."""
    put(cluster, manager="external-secrets")
    assert [one for one in preflight() if "'external-secrets' writes apps/pull too" in one] != []


class Racing(Cluster):
    """Lets somebody else act between our read and our write, so many times."""

    def __init__(self, act, times):
        super().__init__()
        self._act, self._times = act, times

    def find(self, resource, namespace, name):
        found = super().find(resource, namespace, name)
        if resource == "secrets" and self._times > 0:
            self._times -= 1
            self._act(self._times)
        return found


def race(cluster, act, times):
    sink = Kubernetes(connect=lambda context: Racing(act, times))
    return sink.deliver(slot_of(), make_credential(HOST, "s3cret"))


def test_somebody_makes_the_secret_first(cluster):
    """What somebody else made in between would be overwritten, or the delivery fail for good."""
    race(cluster, lambda _: put(cluster), 1)
    assert entries(cluster) == {"ghcr.io", "gcr.io"}


def test_somebody_changes_the_secret_in_between(cluster):
    """An entry that was added between our read and our write would be lost."""
    put(cluster)

    def add(turn):
        secret = cluster.store.find("secrets", "apps", "pull")
        document = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
        document["auths"][f"registry-{turn}.example.com"] = {}
        data = {".dockerconfigjson": base64.b64encode(json.dumps(document).encode()).decode()}
        cluster.store.patch("secrets", "apps", "pull", {"data": data}, "kubectl", strategic=False)

    race(cluster, add, 3)
    others = {f"registry-{turn}.example.com" for turn in range(3)}
    assert entries(cluster) == {"ghcr.io", "gcr.io", *others}


def test_a_race_that_never_ends(cluster):
    """A delivery would be tried for ever, or pass for done."""
    put(cluster)

    def touch(turn):
        cluster.store.patch(
            "secrets", "apps", "pull", {"metadata": {"labels": {"t": str(turn)}}}, "kubectl", strategic=False
        )

    with pytest.raises(SinkFailed, match=r"changed by somebody else 8 times .* the object has been modified"):
        race(cluster, touch, 99)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ({"type": "Opaque", "data": {}}, "is of type Opaque, and a type cannot be changed"),
        ({"immutable": True}, "is immutable"),
    ],
)
def test_a_secret_that_cannot_hold_it(cluster, secret, words):
    """A key would be made for a secret that cannot be changed."""
    put(cluster, **secret)
    with pytest.raises(UsageError, match=words):
        preflight()
    with pytest.raises(UsageError, match=words):
        deliver()


def test_the_servers_own_words(cluster):
    """A refusal of the API server would reach the user without its reason."""
    cluster.store.delete("namespaces", "", "apps", {})
    with pytest.raises(UsageError, match="there is no namespace 'apps'"):
        preflight()
    with pytest.raises(SinkFailed, match=r'secret apps/pull \(404\): namespaces "apps" not found'):
        deliver()
    assert Kubernetes().inspect(slot_of()) is None
    Kubernetes().withdraw(slot_of())


def test_no_right(cluster):
    """A key would be made before it shows that the operator may not write, or the right would not be named."""
    with pytest.raises(SinkFailed, match="does not let this user create secrets in the namespace apps") as caught:
        preflight("apps/pull,context=sandbox-viewer")
    assert caught.value.hint == "Check: kubectl auth can-i create secrets -n apps"
    with pytest.raises(SinkFailed, match=r'"viewer@example.com" cannot create resource "secrets"'):
        deliver("apps/pull,context=sandbox-viewer")


def test_service_accounts(cluster):
    """Pods would not use the secret, or a service account lose what it names for others."""
    cluster.store.patch(
        "serviceaccounts", "apps", "default", {"imagePullSecrets": [{"name": "theirs"}]}, "kubectl", strategic=False
    )
    cluster.store.create("serviceaccounts", "apps", {"metadata": {"name": "builder"}}, "kubectl")
    for _ in range(2):
        deliver("apps/pull,serviceaccounts=default+builder")
    found = {
        name: cluster.store.find("serviceaccounts", "apps", name)["imagePullSecrets"] for name in ("default", "builder")
    }
    assert found == {"default": [{"name": "theirs"}, {"name": "pull"}], "builder": [{"name": "pull"}]}
    Kubernetes().withdraw(slot_of("apps/pull,serviceaccounts=default+builder"))
    found = {
        name: cluster.store.find("serviceaccounts", "apps", name)["imagePullSecrets"] for name in ("default", "builder")
    }
    assert found == {"default": [{"name": "theirs"}], "builder": []}


def test_a_service_account_that_is_not_there(cluster):
    """A typing error would leave pods without the secret."""
    with pytest.raises(UsageError, match="no service account 'nobody'"):
        preflight("apps/pull,serviceaccounts=nobody")
    with pytest.raises(SinkFailed, match="no service account 'nobody'"):
        deliver("apps/pull,serviceaccounts=nobody")


def test_no_namespace_has_the_label(cluster):
    """A delivery to nowhere would be called done."""
    for act in (preflight, deliver):
        with pytest.raises(UsageError, match="no namespace has the labels team=none"):
            act("*/pull,selector=team=none")


def test_one_namespace_of_two_refuses(cluster):
    """The other namespaces would not get the credential, or the refusal would be lost."""
    put(cluster, namespace="shop", type="Opaque", data={})
    with pytest.raises(SinkFailed, match=r"shop/pull is of type Opaque.* \(1 of 2 namespaces\)"):
        deliver("*/pull,selector=team=web")
    assert entries(cluster) == {"gcr.io"}
    held = Kubernetes().inspect(slot_of("*/pull,selector=team=web"))
    assert held.credential.secret.reveal() == ""


def test_several_labels(cluster):
    """A selector of two labels would choose by one of them."""
    deliver("*/pull,selector=team=web+stage=production")
    assert (names(cluster, "secrets", "shop"), names(cluster, "secrets", "apps")) == (["pull"], [])


@pytest.mark.parametrize(
    "target",
    ["", "apps", "apps/", "/pull", "*/pull", "apps/pull,selector=a=b", "Apps/pull", "apps/pull/x", "apps/-x", "*/pull,selector=a",
     "apps/pull,serviceaccounts=a+", "apps/pull,force=yes"],
)  # fmt: skip
def test_a_target_that_cannot_be_right(target):
    """A typing error would name another object of the cluster."""
    with pytest.raises(UsageError):
        slot_of(target)


def test_a_name_given_apart():
    """`--secret-name` would have no meaning here."""
    slot = Kubernetes.slot("apps,serviceaccounts=default", server=HOST, name="pull")
    assert slot.target == "apps/pull,serviceaccounts=default"


def test_a_cluster_that_is_down(cluster, control):
    """A cluster that cannot answer now would pass for one that refuses for good."""
    for how in (503, 429):
        control.fail("kubernetes.GetObject", how)
        with pytest.raises(Unavailable, match="Kubernetes could not answer GET of secret"):
            deliver()
    control.fail("kubernetes.GetObject", "half", times=9)
    with pytest.raises(Unavailable, match="did not answer"):
        deliver()


def test_not_signed_in(cluster, tmp_path, monkeypatch):
    """A user without a cluster would get a traceback."""
    document = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
    document["users"][0]["user"]["token"] = "wrong"
    (tmp_path / "config").write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(NotSignedIn, match="does not know this user"):
        deliver()
    for target, content in (
        ("apps/pull", "not: [yaml"),
        ("apps/pull", "{}"),
        ("apps/pull,context=none", json.dumps(document)),
    ):
        (tmp_path / "config").write_text(content)
        with pytest.raises(NotSignedIn, match="kubeconfig"):
            preflight(target)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(NotSignedIn, match="kubeconfig"):
        preflight()


def test_inside_a_pod(cluster, tmp_path, monkeypatch, box):
    """A scheduled renewal inside the cluster would look for a kubeconfig."""
    from kubernetes.config import incluster_config

    (tmp_path / "token").write_text("sandbox-operator")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(box.ca_file))
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "kubernetes.sandbox")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    deliver()
    assert entries(cluster) == {"gcr.io"}


def test_without_the_package(cluster, monkeypatch):
    """A user would get a traceback in place of the command that installs it."""
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(MissingExtra, match="needs the package kubernetes"):
        preflight()


def kubectl(*words, stdin=""):
    done = subprocess.run(["kubectl", *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.real("kubectl")
class TestRealKubectl:
    def test_it_reads_and_deletes_what_was_delivered(self, cluster):
        """The secret would be one that only this project understands."""
        deliver("apps/pull,serviceaccounts=default")
        path = r"{.type} {.data.\.dockerconfigjson}"
        status, shown, _ = kubectl("get", "secret", "pull", "-n", "apps", "-o", f"jsonpath={path}")
        kind, _, data = shown.partition(" ")
        assert (status, kind) == (0, TYPE)
        auth = base64.b64encode(b"reader:s3cret").decode()
        assert json.loads(base64.b64decode(data)) == {"auths": {"gcr.io": {"auth": auth}}}
        account = kubectl("get", "serviceaccount", "default", "-n", "apps", "-o", "jsonpath={.imagePullSecrets}")
        assert account == (0, '[{"name":"pull"}]', "")
        assert kubectl("delete", "secret", "pull", "-n", "apps") == (0, 'secret "pull" deleted', "")
        assert Kubernetes().inspect(slot_of()) is None

    def test_it_applies_and_we_merge(self, cluster):
        """What kubectl applied would be lost, or our fields be taken without a word."""
        login = ["--docker-server=ghcr.io", "--docker-username=u", "--docker-password=p"]
        _, manifest, _ = kubectl(
            "create", "secret", "docker-registry", "pull", "-n", "apps", *login, "--dry-run=client", "-o", "json"
        )
        assert kubectl("apply", "--server-side", "--validate=false", "-f", "-", stdin=manifest)[0] == 0
        deliver()
        assert entries(cluster) == {"ghcr.io", "gcr.io"}
        status, _, words = kubectl("apply", "--server-side", "--validate=false", "-f", "-", stdin=manifest)
        assert status == 1
        assert 'conflict with "pullgrant"' in words
        assert entries(cluster) == {"ghcr.io", "gcr.io"}

    def test_the_fake_says_no_as_a_server_does(self, cluster):
        """A fake that takes everything would prove nothing."""
        bad = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": "apps"}, "type": TYPE}
        words = {}
        for name, change in {
            "json": {"data": {".dockerconfigjson": base64.b64encode(b"{").decode()}},
            "missing": {},
            "base64": {"data": {".dockerconfigjson": "%"}},
            "namespace": {"metadata": {"name": "pull", "namespace": "none"}},
        }.items():
            status, _, words[name] = kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps({**bad, **change}))
            assert status == 1
        assert 'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>"' in words["json"]
        assert "data[.dockerconfigjson]: Required value" in words["missing"]
        assert "illegal base64 data" in words["base64"]
        assert 'namespaces "none" not found' in words["namespace"]
        put(cluster, type="Opaque", data={}, manager="other")
        opaque = json.dumps({**bad, "data": {".dockerconfigjson": base64.b64encode(b"{}").decode()}})
        forced = ("apply", "--server-side", "--force-conflicts", "--validate=false", "-f", "-")
        assert "field is immutable" in kubectl(*forced, stdin=opaque)[2]
        assert "AlreadyExists" in kubectl("create", "--validate=false", "--raw", "/api/v1/namespaces/apps/secrets", "-f", "-",
                                          stdin=opaque)[2]  # fmt: skip
