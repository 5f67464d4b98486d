"""moto inside this process: reached without a socket, loaded at the first call, filled with the first day.

moto's backends belong to the process. Of two sandboxes in one process, the one that asks takes them from the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from pullgrant.sandbox.aws import first_day
from pullgrant.sandbox.aws.addresses import home_of
from pullgrant.sandbox.aws.calls import AwsCall
from pullgrant.sandbox.aws.refusal import Refusal
from pullgrant.sandbox.aws.state import new_key_id
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.registry.images import MANIFEST_TYPE, build
from pullgrant.sandbox.world import World

_SERVICES: tuple[Literal["iam", "ecr", "secretsmanager"], ...] = ("iam", "ecr", "secretsmanager")
_OWNER = "pullgrant_sandbox"
_PASSED = ("authorization", "content-type", "x-amz-target")


class Moto:
    """The backends and the HTTP face of moto. `keys` are user -> (access key id, secret) of the first day, by account."""

    def __init__(self, world: World, keys: dict[str, dict[str, tuple[str, str]]]) -> None:
        self._world, self._keys = world, keys
        self._clients: dict[str, Any] = {}
        self._era = object()

    def iam(self, account: str, partition: str) -> Any:
        """Return moto's IAM of an account."""
        self._load()
        from moto.iam.models import iam_backends

        return self._ours(iam_backends[account][partition], lambda backend: self._fill_iam(backend, account))

    def ecr(self, account: str, region: str) -> Any:
        """Return moto's ECR of an account in a region. Raises Refusal for a region that moto does not know."""
        self._load()
        from moto.ecr.models import ecr_backends

        held = first_day.REPOSITORIES.get((account, region), {})
        return self._ours(_in_region(ecr_backends[account], region), lambda backend: _fill_ecr(backend, held))

    def secrets(self, account: str, region: str) -> Any:
        """Return moto's Secrets Manager of an account in a region. Raises Refusal for a region that moto does not know."""
        self._load()
        from moto.secretsmanager.models import secretsmanager_backends

        return self._ours(_in_region(secretsmanager_backends[account], region), lambda _: None)

    def call(self, call: AwsCall, account: str) -> Response:
        """Return moto's answer to a call in an account. Raises Refusal for what moto has not built."""
        self._prepare(call, account)
        region = home_of(call.region) if call.service == "iam" else call.region
        prefix = "api.ecr" if call.service == "ecr" else call.service
        headers = {name: call.request.headers[name] for name in _PASSED if name in call.request.headers}
        try:
            done = self._clients[call.service].post(
                "/",
                base_url=f"http://{prefix}.{region}.amazonaws.com",
                data=call.request.body,
                headers=headers | {"x-moto-account-id": account},
            )
        except NotImplementedError:
            raise Refusal("NotImplemented", f"the sandbox has no {call.service}:{call.operation}", 501) from None
        kept = {
            name.lower(): value for name, value in done.headers.items() if name.lower().startswith(("content-type", "x-"))
        }
        return Response(status=done.status_code, body=_without_nulls(done.data), headers=kept)

    def forget(self) -> None:
        """Return to the first day: what is in moto is not ours any more, and is emptied when it is next asked."""
        self._era = object()

    def _prepare(self, call: AwsCall, account: str) -> None:
        match call.service:
            case "iam":
                self.iam(account, call.partition)
            case "ecr":
                self.ecr(account, call.region)
            case _:
                self.secrets(account, call.region)

    def _ours(self, backend: Any, fill: Callable[[Any], None]) -> Any:
        """Return a backend, emptied and filled when it holds what another sandbox, or we before a reset, left there."""
        if getattr(backend, _OWNER, None) is not self._era:
            backend.reset()
            setattr(backend, _OWNER, self._era)
            fill(backend)
        return backend

    def _load(self) -> None:
        if self._clients:
            return
        from moto.moto_server.werkzeug_app import create_backend_app
        from werkzeug.test import Client

        self._clients = {service: Client(create_backend_app(service)) for service in _SERVICES}

    def _fill_iam(self, backend: Any, account: str) -> None:
        _add_managed_policies(backend, account)
        for user, (key_id, secret) in self._keys.get(account, {}).items():
            entity = backend.create_user(backend.partition, user)
            entity.id = new_key_id("AIDAX")
            key = backend.create_access_key(user)
            del backend.access_keys[key.access_key_id]
            key.access_key_id, key.secret_access_key = key_id, secret
            key.create_date = self._world.now().replace(tzinfo=None)
            backend.access_keys[key_id] = key
        if account in first_day.ACCOUNTS:
            document = json.dumps(first_day.OPERATOR_POLICY)
            backend.put_user_policy(first_day.OPERATOR, "operate", document)


def _without_nulls(body: bytes) -> bytes:
    """Return a JSON answer without its nulls, which moto writes and AWS does not; XML as it is."""
    if not body.startswith(b"{") or b"null" not in body:
        return body
    full = json.loads(body, object_hook=lambda held: {name: value for name, value in held.items() if value is not None})
    return json.dumps(full).encode()


def _in_region(backends: Any, region: str) -> Any:
    try:
        return backends[region]
    except KeyError:
        raise Refusal("UnknownRegion", f"the sandbox knows no region {region}", 404) from None


def _add_managed_policies(backend: Any, account: str) -> None:
    """Add AWS's own policies about registries: all of them would take seconds."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    for name, written in json.loads(aws_managed_policies_data).items():
        if "ContainerRegistry" in name:
            policy = AWSManagedPolicy.from_data(name, account, backend.region_name, written)
            backend.managed_policies[policy.arn] = policy


def _fill_ecr(backend: Any, repositories: Any) -> None:
    for name, tags in repositories.items():
        backend.create_repository(
            repository_name=name,
            registry_id=None,
            encryption_config=None,
            image_scan_config=None,
            image_tag_mutability=None,
            tags=[],
        )
        for tag in tags:
            manifest = build(name, tag).manifest
            backend.put_image(name, manifest.body.decode(), tag, MANIFEST_TYPE)
