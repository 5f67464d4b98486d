"""The fake Google Cloud as one country of the sandbox: all of its services over one state."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pullgrant.sandbox.country import Country, Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.google import first_day, iam_rest
from pullgrant.sandbox.google.account_keys import AccountKeys
from pullgrant.sandbox.google.accounts import Accounts, Operation
from pullgrant.sandbox.google.artifact_registry import ArtifactRegistry
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM
from pullgrant.sandbox.google.desk import Desk
from pullgrant.sandbox.google.gate import GoogleGate
from pullgrant.sandbox.google.iam_credentials import IamCredentials
from pullgrant.sandbox.google.keys import KeyPool
from pullgrant.sandbox.google.oauth import OAuth
from pullgrant.sandbox.google.operator import REFRESH_TOKEN, Operator
from pullgrant.sandbox.google.org_policy import OrgPolicy
from pullgrant.sandbox.google.resource_manager import ResourceManager
from pullgrant.sandbox.google.secret_manager import SecretManager
from pullgrant.sandbox.google.service_usage import ServiceUsage
from pullgrant.sandbox.google.state import State
from pullgrant.sandbox.google.storage import Storage
from pullgrant.sandbox.registry.images import build
from pullgrant.sandbox.world import World

if TYPE_CHECKING:
    from pullgrant.sandbox.google.iam_grpc import IamServer


class Certifies(Protocol):
    """The part of an authority that the gRPC server needs."""

    def leaf(self, host: str) -> tuple[bytes, bytes]:
        """Return a certificate and its private key, both PEM."""


class Google(Country):
    """Google Cloud. The operator signs in with a service account's key, which outlives `reset`.

    A `pool` that is handed in may serve several clouds and is not closed with this one.
    """

    name = "google"

    def __init__(self, world: World, authority: Certifies, *, pool: KeyPool | None = None) -> None:
        self.state = State()
        self._world = world
        self._authority = authority
        self._owns_pool = pool is None
        self._pool = pool or KeyPool()
        self._desk = Desk(self.state, world)
        accounts = Accounts(self._desk)
        keys = AccountKeys(self._desk, accounts, self._pool)
        self._operations: dict[str, Operation] = accounts.operations() | keys.operations()
        self._operator = Operator(world, self._pool)
        self._starting = threading.Lock()
        self._grpc: IamServer | None = None
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the routes of all services."""
        desk = self._desk
        registry = ArtifactRegistry(desk, lambda repository, tag: build(repository, tag).manifest.digest)
        services = (
            registry,
            IamCredentials(desk),
            OAuth(desk),
            OrgPolicy(desk),
            ResourceManager(desk),
            SecretManager(desk),
            ServiceUsage(desk),
            Storage(desk),
        )
        return [*iam_rest.routes(desk, self._operations), *(each for service in services for each in service.routes())]

    def gates(self) -> Sequence[Gate]:
        """Return the gate of gcr.io and Artifact Registry."""
        return [GoogleGate(self._desk)]

    def programs(self) -> Mapping[str, str]:
        """Return nothing: gcloud is not faked, a real one can be pointed here."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return where IAM's gRPC server listens; it starts when it is first asked for."""
        from pullgrant.sandbox.google.iam_grpc import HOST, IamServer

        with self._starting:
            if self._grpc is None:
                self._grpc = IamServer(self._desk, self._operations, *self._authority.leaf(HOST))
            return {HOST: self._grpc.port}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Write the operator's key, a person's sign-in and a token for gcloud; return the variables that lead there."""
        scopes = frozenset({CLOUD_PLATFORM})
        with self._world.lock:
            token = self._desk.callers.mint(self._operator.member, self._operator.unique_id, scopes, None)
        return self._operator.sign_in(folder, url, token)

    def delete_keys(self, reader: str) -> int:
        """Delete all keys of the service accounts of this name, and count them."""
        accounts = [
            account
            for project in self.state.projects.values()
            for account in project.accounts.values()
            if account.email.partition("@")[0] == reader
        ]
        gone = [(account, key) for account in accounts for key in account.keys.values() if key.user_managed]
        for account, key in gone:
            del account.keys[key.id]
        return len(gone)

    def reset(self) -> None:
        """Return to the first day; what signs the operator in stays valid."""
        with self._world.lock:
            kept = {text: token for text, token in self.state.tokens.items() if token.expires_at is None}
            self.state.projects.clear()
            self.state.tokens.clear()
            self.state.tokens.update(kept)
            self.state.refresh_tokens[REFRESH_TOKEN] = first_day.PERSON
            first_day.fill(self.state, self._operator.account())

    def close(self) -> None:
        """Stop the gRPC server and the making of keys."""
        with self._starting:
            if self._grpc is not None:
                self._grpc.close()
                self._grpc = None
        if self._owns_pool:
            self._pool.close()
