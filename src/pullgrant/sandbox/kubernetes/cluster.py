"""The fake cluster as a country of the sandbox: who may call, what each call does, and the operator's kubeconfig."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pullgrant.kit.files import replace_private
from pullgrant.sandbox.country import Country, Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.kubernetes.api import Api
from pullgrant.sandbox.kubernetes.refusal import Json
from pullgrant.sandbox.kubernetes.store import Store
from pullgrant.sandbox.world import World

HOST = "kubernetes.sandbox"
OPERATOR_TOKEN = "sandbox-operator"  # noqa: S105  (a fake's)
VIEWER_TOKEN = "sandbox-viewer"  # noqa: S105
_NAMESPACES: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "apps": {"team": "web"},
    "shop": {"team": "web", "stage": "production"},
    "kube-system": {},
}


class Certifies(Protocol):
    """The part of an authority that the kubeconfig needs."""

    file: Path


class Kubernetes(Country):
    """One cluster with four namespaces, each with its service account `default`."""

    name = "kubernetes"

    def __init__(self, world: World, authority: Certifies) -> None:
        self.store = Store(world)
        self.api = Api(self.store, world, {OPERATOR_TOKEN: "operator@example.com", VIEWER_TOKEN: "viewer@example.com"}, HOST)
        self._authority = authority
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of the API server."""
        return self.api.routes()

    def gates(self) -> Sequence[Gate]:
        """Return none: a cluster pulls from the registries of the clouds."""
        return ()

    def programs(self) -> Mapping[str, str]:
        """Return none: a real kubectl can be pointed here."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return none."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Write a kubeconfig with the contexts `sandbox` and `sandbox-viewer`, who may read only."""
        file = folder / "kubeconfig"
        replace_private(file, json.dumps(self._kubeconfig()).encode())
        return {"KUBECONFIG": str(file)}

    def reset(self) -> None:
        """Return to the first day."""
        self.store.clear()
        self.api.reset()
        for name, labels in _NAMESPACES.items():
            metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}
            self.store.create("namespaces", "", {"metadata": metadata}, "kube-apiserver")
            self.store.create("serviceaccounts", name, {"metadata": {"name": "default"}}, "kube-controller-manager")

    def _kubeconfig(self) -> Json:
        users = {"sandbox": OPERATOR_TOKEN, "sandbox-viewer": VIEWER_TOKEN}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "sandbox",
                    "cluster": {"server": f"https://{HOST}", "certificate-authority": str(self._authority.file)},
                }
            ],
            "users": [{"name": name, "user": {"token": token}} for name, token in users.items()],
            "contexts": [{"name": name, "context": {"cluster": "sandbox", "user": name}} for name in users],
            "current-context": "sandbox",
        }
