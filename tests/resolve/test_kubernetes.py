"""What Kubernetes manifests pull, and what their pull secrets are good for."""

import base64
import json

import pytest

from pullgrant.resolve.files import contents

CANARY = "c2VjcmV0OmNhbmFyeQ=="


def pod(image, **more):
    return {"containers": [{"name": "app", "image": image}], **more}


def secret(keys, *, form="data", name="regcred", **metadata):
    body = json.dumps({"auths": {key: {"auth": CANARY} for key in keys}})
    value = body if form == "stringData" else base64.b64encode(body.encode()).decode()
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": name, **metadata}, form: {".dockerconfigjson": value},
    }  # fmt: skip


def read(*objects):
    return contents(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), "all.json", {})


def test_pods_and_templates_of_every_kind():
    """Images of init containers, cron jobs, custom resources or volumes would be missed."""
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  initContainers: [{name: init, image: reg.example/init}]
  containers:
    - {name: app, image: reg.example/app}
    - {name: none}
  ephemeralContainers: [{name: debug, image: reg.example/debug}]
  volumes:
    - name: files
      image: {reference: reg.example/files}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: two}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: job, image: reg.example/job}]}}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: three}
spec: {template: {spec: {containers: [{name: r, image: reg.example/r}]}}}
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: four}
data: {image: reg.example/not-one}
"""
    assert [(one.text, one.where) for one in contents(text, "k.yaml", {}).found] == [
        ("reg.example/app", "k.yaml:7 Pod one, container app"),
        ("reg.example/init", "k.yaml:5 Pod one, init container init"),
        ("reg.example/debug", "k.yaml:9 Pod one, debug container debug"),
        ("reg.example/files", "k.yaml:12 Pod one, volume files"),
        ("reg.example/job", "k.yaml:17 CronJob two, container job"),
        ("reg.example/r", "k.yaml:22 Rollout three, container r"),
    ]


@pytest.mark.parametrize("form", ["data", "stringData"])
@pytest.mark.parametrize(
    ("keys", "note"),
    [
        (["https://reg.example"], "pull secret regcred has the key https://reg.example for it"),
        (["us.reg.example", "other"], "pull secret regcred has no key that matches it, only us.reg.example, other"),
        ([], "pull secret regcred has no key that matches it, only none at all"),
    ],
)
def test_pull_secrets_in_the_same_file(form, keys, note):
    """A pull secret for the wrong host would not be noticed."""
    spec = pod("reg.example/app", imagePullSecrets=[{"name": "regcred"}])
    found = read(secret(keys, form=form), {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    assert [one.note for one in found.found] == [note]
    assert CANARY not in repr(found)


def test_a_pull_secret_of_another_namespace_or_file():
    """A secret that the pod cannot see would be counted."""
    spec = pod("reg.example/app", imagePullSecrets=[{"name": "regcred"}, {"name": "other"}])
    one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": spec}
    found = read(secret(["reg.example"], namespace="b"), one)
    assert [each.note for each in found.found] == [
        "pull secret regcred is not in this file; pull secret other is not in this file"
    ]


def test_no_pull_secret():
    """A pod that relies on its service account would look as if it had no way to a credential."""
    found = read({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod("reg.example/app")})
    assert [one.note for one in found.found] == ["no pull secret is named: the service account's are used"]


@pytest.mark.parametrize("value", ["%%%", base64.b64encode(b"{").decode(), base64.b64encode(b"[]").decode(), None])
def test_a_broken_pull_secret_has_no_key(value):
    """A secret that cannot be decoded would end the whole command, or be shown."""
    broken = secret([]) | {"data": {".dockerconfigjson": value}}
    spec = pod("reg.example/app", imagePullSecrets=[{"name": "regcred"}])
    found = read(broken, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    assert [one.note for one in found.found] == ["pull secret regcred has no key that matches it, only none at all"]


def test_aliases_that_would_be_a_tree_without_end():
    """A small file of aliases would keep the command busy for ever."""
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
        + "\n".join(levels)
        + "\nspec: {containers: [{image: reg.example/app}]}\n"
    )
    assert [one.text for one in contents(text, "k.yaml", {}).found] == ["reg.example/app"]
