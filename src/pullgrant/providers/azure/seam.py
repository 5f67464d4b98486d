"""The seam: everything outside that an Azure reader needs, put together for one operator."""

from __future__ import annotations

import threading
import weakref
from importlib import import_module
from typing import Any

from pullgrant.errors import MissingExtra
from pullgrant.kit.http import Http
from pullgrant.providers.azure.dataplane import DataPlane
from pullgrant.providers.azure.directory import Directory
from pullgrant.providers.azure.hosts import Cloud
from pullgrant.providers.azure.resources import Resources
from pullgrant.providers.azure.signin import SignIn
from pullgrant.providers.azure.tokens import Tokens

_PACKAGES = (
    "azure.core.exceptions",
    "azure.core.pipeline.policies",
    "azure.core.pipeline.transport._requests_basic",
    "azure.core.rest._requests_basic",
    "azure.identity",
    "azure.mgmt.containerregistry.models",
    "azure.mgmt.authorization.v2022_04_01.models",
)


class Seam:
    """The four doors of one cloud. Nothing is opened or signed in before the first call."""

    def __init__(self, cloud: Cloud, http: Http) -> None:
        self._loading = threading.Lock()
        opened: list[Any] = []
        weakref.finalize(self, _close, opened)
        credential = SignIn(cloud, opened)
        self.directory = Directory(credential, cloud.graph, opened)
        self.resources = Resources(credential, cloud, opened)
        self.tokens = Tokens(self.resources.client)
        self.registry = DataPlane(http, credential)

    def ready(self) -> None:
        """Import Azure's packages. Raises MissingExtra.

        One at a time, before any call: they import one another in circles, which two threads would see half-made.
        """
        with self._loading:
            for package in _PACKAGES:
                try:
                    import_module(package)
                except ImportError as error:
                    words = f"the provider azure needs the Python package {error.name}"
                    raise MissingExtra(words, hint="pip install 'pullgrant[azure]'") from None


def _close(opened: list[Any]) -> None:
    """Close the clients' connections: Azure's clients do not when they are forgotten."""
    for client in opened:
        client.close()
