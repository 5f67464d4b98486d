"""The pull secrets that a service account names for its pods; the list is one field, so it is read, changed and written."""

from __future__ import annotations

from pullgrant.errors import SinkFailed
from pullgrant.sinks.kubernetes_api import Cluster, Json


def name_in(cluster: Cluster, namespace: str, account: str, secret: str) -> None:
    """Let a service account name a secret, behind those that it names. Pods that run already do not see it."""
    found = cluster.find("serviceaccounts", namespace, account)
    if found is None:
        raise SinkFailed(f"there is no service account {account!r} in the namespace {namespace}")
    named = found.get("imagePullSecrets") or []
    if {"name": secret} not in named:
        _write(cluster, namespace, account, [*named, {"name": secret}], found)


def take_from(cluster: Cluster, namespace: str, account: str, secret: str) -> None:
    """Let a service account no longer name a secret; absent is done."""
    found = cluster.find("serviceaccounts", namespace, account)
    named = (found or {}).get("imagePullSecrets") or []
    if found is not None and {"name": secret} in named:
        _write(cluster, namespace, account, [one for one in named if one != {"name": secret}], found)


def _write(cluster: Cluster, namespace: str, account: str, named: list[Json], found: Json) -> None:
    version = found["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "imagePullSecrets": named}
    cluster.merge("serviceaccounts", namespace, account, patch)
