"""What the fake cluster holds, with a version for every write."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any

from pullgrant.sandbox.kubernetes import fields
from pullgrant.sandbox.kubernetes.refusal import Json, absent, exists, stale
from pullgrant.sandbox.kubernetes.rules import check, fill_secret
from pullgrant.sandbox.world import World

KINDS = {"namespaces": "Namespace", "secrets": "Secret", "serviceaccounts": "ServiceAccount"}


@dataclass(slots=True, kw_only=True)
class Stored:
    """One object, and who owns its fields."""

    document: Json
    owners: fields.Owners = field(default_factory=dict)


class Store:
    """Objects by resource, namespace and name. The caller holds the world's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._version = 100
        self._held: dict[tuple[str, str, str], Stored] = {}

    def clear(self) -> None:
        """Forget all objects. Versions go on, so that a writer from before is told."""
        self._held.clear()

    def find(self, resource: str, namespace: str, name: str) -> Json:
        """Return an object. Raises a refusal when it is not there."""
        return self._shown(self._stored(resource, namespace, name))

    def select(self, resource: str, namespace: str) -> list[Json]:
        """Return all objects of a namespace, or with an empty one of the cluster."""
        wanted = [one for key, one in sorted(self._held.items(), key=lambda item: item[0])
                  if key[0] == resource and namespace in ("", key[1])]  # fmt: skip
        return [self._shown(one) for one in wanted]

    def list_version(self) -> str:
        """Return the version of a list read now."""
        return str(self._version)

    def create(self, resource: str, namespace: str, body: Json, manager: str, *, dry: bool = False) -> Json:
        """Store a new object. Raises a refusal when it is there, or breaks a rule, or its namespace is not there."""
        name = str(body.get("metadata", {}).get("name", ""))
        if namespace and ("namespaces", "", namespace) not in self._held:
            raise absent("namespaces", namespace)
        if (resource, namespace, name) in self._held:
            raise exists(resource, name)
        new = self._filled(resource, body)
        check(KINDS[resource], new, None)
        new["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": f"{self._world.now():%Y-%m-%dT%H:%M:%SZ}"}
        new["metadata"] |= {"namespace": namespace} if namespace else {}
        return self._keep(resource, namespace, new, fields.updated({}, new, {}, manager), dry=dry)

    def replace(self, resource: str, namespace: str, name: str, body: Json, manager: str, *, dry: bool = False) -> Json:
        """Store another content. Raises a refusal for a version that is not the last."""
        old = self._stored(resource, namespace, name)
        self._check_version(resource, name, body, old.document)
        new = self._filled(resource, body)
        new["metadata"] = {**new["metadata"], **{key: old.document["metadata"][key] for key in ("uid", "creationTimestamp")}}
        check(KINDS[resource], new, old.document)
        return self._keep(resource, namespace, new, fields.updated(old.document, new, old.owners, manager), dry=dry)

    def patch(
        self, resource: str, namespace: str, name: str, patch: Json, manager: str, *, strategic: bool, dry: bool = False
    ) -> Json:
        """Merge a patch into an object."""
        old = self._stored(resource, namespace, name)
        self._check_version(resource, name, patch, old.document)
        new = fields.merged(old.document, patch, strategic=strategic)
        return self.replace(resource, namespace, name, {**new, "metadata": {**new["metadata"], "resourceVersion": ""}},
                            manager, dry=dry)  # fmt: skip

    def apply(
        self, resource: str, namespace: str, name: str, body: Json, manager: str, *, force: bool, dry: bool = False
    ) -> Json:
        """Apply fields under a manager, making the object when it is not there."""
        if (resource, namespace, name) not in self._held:
            made = self.create(resource, namespace, body, manager, dry=dry)
            if not dry:
                kept = self._held[(resource, namespace, name)]
                kept.owners = {path: {(manager, "Apply")} for path in kept.owners}
            return made
        old = self._stored(resource, namespace, name)
        self._check_version(resource, name, body, old.document)
        new, owners = fields.applied(old.document, body, old.owners, manager, force=force)
        new = self._filled(resource, new)
        check(KINDS[resource], new, old.document)
        return self._keep(resource, namespace, new, owners, dry=dry)

    def delete(self, resource: str, namespace: str, name: str, wanted: Json) -> Json:
        """Remove an object; `wanted` are the preconditions. Returns what was there."""
        old = self._stored(resource, namespace, name)
        for key in ("uid", "resourceVersion"):
            if wanted.get(key) and wanted[key] != old.document["metadata"][key]:
                raise stale(resource, name)
        self._held = {
            key: one
            for key, one in self._held.items()
            if key != (resource, namespace, name) and not (resource == "namespaces" and key[1] == name)
        }
        return old.document

    def _stored(self, resource: str, namespace: str, name: str) -> Stored:
        found = self._held.get((resource, namespace, name))
        if found is None:
            raise absent(resource, name)
        return found

    def _check_version(self, resource: str, name: str, body: Json, old: Json) -> None:
        given = body.get("metadata", {}).get("resourceVersion")
        if given and given != old["metadata"]["resourceVersion"]:
            raise stale(resource, name)

    def _filled(self, resource: str, body: Json) -> Json:
        new: dict[str, Any] = copy.deepcopy({**body, "apiVersion": "v1", "kind": KINDS[resource]})
        new["metadata"] = {key: value for key, value in new.get("metadata", {}).items() if key != "managedFields"}
        return fill_secret(new) if resource == "secrets" else new

    def _keep(self, resource: str, namespace: str, new: Json, owners: fields.Owners, *, dry: bool) -> Json:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        stored = Stored(document=new, owners=owners)
        if not dry:
            self._held[(resource, namespace, new["metadata"]["name"])] = stored
        return self._shown(stored)

    def _shown(self, stored: Stored) -> Json:
        shown: Json = copy.deepcopy(stored.document)
        shown["metadata"]["managedFields"] = fields.managed(stored.owners)
        return shown
