"""Kubernetes as a sink: an entry in a secret of type kubernetes.io/dockerconfigjson, in one namespace or in several.

The secret's other registries stay. It is read, merged and applied on the server's side under the field manager `pullgrant`,
with the version that was read, so that nobody's change in between is lost. A secret that this sink made carries its label
and goes when its last entry goes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from functools import partial

from pullgrant.errors import NotOurs, PullgrantError, SinkFailed, UsageError
from pullgrant.kit.together import all_of
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import docker_key
from pullgrant.sinks import docker_document as text
from pullgrant.sinks import kubernetes_target
from pullgrant.sinks.checks import check_credential
from pullgrant.sinks.kubernetes_accounts import name_in, take_from
from pullgrant.sinks.kubernetes_api import MANAGER, Cluster, ConflictError, Json
from pullgrant.sinks.kubernetes_target import Where
from pullgrant.sinks.several import agreed

TYPE = "kubernetes.io/dockerconfigjson"
_KEY = ".dockerconfigjson"
_LABEL = {"app.kubernetes.io/managed-by": MANAGER}
_TRIES = 8


class Kubernetes:
    """Implements ports.Sink. A slot's `target` is that of kubernetes_target; `connect` makes a cluster of a context."""

    def __init__(self, connect: Callable[[str], Cluster] = Cluster) -> None:
        self._connect = connect
        self._clusters: dict[str, Cluster] = {}

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot; a name given apart is that of the secret, where the target names none."""
        place, comma, options = target.partition(",")
        if name and "/" not in place:
            target = f"{place}/{name}{comma}{options}"
        where = kubernetes_target.read(Slot(sink="kubernetes", server=server, target=target))
        return Slot(sink="kubernetes", server=where.host, target=target)

    def check_ready(self) -> str:
        """Return which cluster the current context is. Raises MissingExtra and NotSignedIn."""
        return f"cluster {self._connect('').check_ready()}"

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; asks the server whether the operator may, and refuses secrets that cannot hold the entry."""
        where = kubernetes_target.read(slot)
        cluster = self._cluster(where)
        at = f"cluster {cluster.check_ready()}"
        remarks: list[str] = []
        for namespace in self._namespaces(cluster, where):
            remarks += _check_namespace(cluster, where, namespace)
            found = _held(where, cluster.find("secrets", namespace, where.secret))
            if found is not None and not ours and not adopt:
                raise NotOurs(
                    f"the secret {namespace}/{where.secret} already holds a credential for {where.host} that this ledger did "
                    f"not put there: user {found.username!r}",
                    hint="Give --adopt to replace it, or name another secret.",
                )
        return (at, *remarks)

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink; one credential, and `words`, where the namespaces do not all hold the same one."""
        where = kubernetes_target.read(slot)
        cluster = self._cluster(where)
        names = self._namespaces(cluster, where, need=False)

        def look(name: str) -> Held | None:
            return _held(where, cluster.find("secrets", name, where.secret))

        found = all_of(look, names)
        return agreed(where.host, _reference(where), found)

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; every namespace is tried, then the first refusal is raised."""
        check_credential(slot, credential)
        where = kubernetes_target.read(slot)
        cluster = self._cluster(where)

        def put(namespace: str) -> None:
            _repeat(partial(_put, cluster, where, namespace, credential), f"{namespace}/{where.secret}")
            for account in where.accounts:
                _repeat(partial(name_in, cluster, namespace, account, where.secret), f"{namespace}/{account}")

        _everywhere(put, self._namespaces(cluster, where))
        return Receipt(slot=slot, reference=_reference(where))

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; the service accounts forget a secret only when it goes."""
        where = kubernetes_target.read(slot)
        cluster = self._cluster(where)

        def take(namespace: str) -> None:
            gone = _repeat(partial(_take, cluster, where, namespace), f"{namespace}/{where.secret}")
            for account in where.accounts if gone else ():
                _repeat(partial(take_from, cluster, namespace, account, where.secret), f"{namespace}/{account}")

        _everywhere(take, self._namespaces(cluster, where, need=False))

    def _cluster(self, where: Where) -> Cluster:
        return self._clusters.setdefault(where.context, self._connect(where.context))

    def _namespaces(self, cluster: Cluster, where: Where, *, need: bool = True) -> Sequence[str]:
        if not where.selector:
            return (where.namespace,)
        names = cluster.namespaces(where.selector)
        if need and not names:
            raise UsageError(
                f"no namespace has the labels {where.selector}", hint="See: kubectl get namespaces --show-labels"
            )
        return names


def _check_namespace(cluster: Cluster, where: Where, namespace: str) -> list[str]:
    """Raise UsageError for what cannot be; SinkFailed for what the operator may not."""
    secret = cluster.find("secrets", namespace, where.secret)
    if secret is None and not where.selector and cluster.find("namespaces", "", namespace) is None:
        raise UsageError(f"there is no namespace {namespace!r}", hint=f"Make it: kubectl create namespace {namespace}")
    _check_secret(where, namespace, secret)
    needed = [("create" if secret is None else "patch", "secrets", where.secret)]
    needed += [("patch", "serviceaccounts", account) for account in where.accounts]
    for verb, resource, name in needed:
        if not cluster.may(verb, resource, namespace, "" if verb == "create" else name):
            raise SinkFailed(
                f"Kubernetes does not let this user {verb} {resource} in the namespace {namespace}",
                hint=f"Check: kubectl auth can-i {verb} {resource} -n {namespace}",
            )
    for account in where.accounts:
        if cluster.find("serviceaccounts", namespace, account) is None:
            raise UsageError(f"there is no service account {account!r} in the namespace {namespace}")
    others = _other_managers(secret)
    return [f"{others[0]!r} writes {namespace}/{where.secret} too, and may undo this delivery"] if others else []


def _check_secret(where: Where, namespace: str, secret: Json | None) -> None:
    if secret is None:
        return
    name = f"{namespace}/{where.secret}"
    if secret.get("type") != TYPE:
        raise UsageError(
            f"the secret {name} is of type {secret.get('type')}, and a type cannot be changed",
            hint=f"Name another secret: one of type {TYPE} is made when there is none.",
        )
    if secret.get("immutable"):
        raise UsageError(f"the secret {name} is immutable", hint="Name another secret, or delete it and deliver again.")
    _document(secret, name)


def _other_managers(secret: Json | None) -> list[str]:
    fields = (secret or {}).get("metadata", {}).get("managedFields", [])
    return [
        str(one.get("manager"))
        for one in fields
        if f"f:{_KEY}" in one.get("fieldsV1", {}).get("f:data", {}) and one.get("manager") != MANAGER
    ]


def _document(secret: Json | None, name: str) -> text.Document:
    data = (secret or {}).get("data") or {}
    try:
        content = base64.b64decode(data.get(_KEY, ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        content = b"?"
    return text.parse(content, f"the secret {name}")


def _held(where: Where, secret: Json | None) -> Held | None:
    if secret is None:
        return None
    name = str(secret["metadata"]["name"])
    if secret.get("type") != TYPE:
        return Held(reference=name, words=f"a secret of type {secret.get('type')}")
    return text.held(_document(secret, name), docker_key(where.host), where.host)


def _put(cluster: Cluster, where: Where, namespace: str, credential: Credential) -> None:
    found = cluster.find("secrets", namespace, where.secret)
    _check_secret(where, namespace, found)
    before = _document(found, where.secret)
    after = text.with_entry(before, docker_key(where.host), credential.username, credential.secret)
    if found is None:
        cluster.create_secret(namespace, _secret(where, namespace, after, labels=_LABEL), credential.secret)
    elif after != before:
        cluster.apply_secret(namespace, _secret(where, namespace, after, version=_version(found)), credential.secret)


def _take(cluster: Cluster, where: Where, namespace: str) -> bool:
    """Take our entry out; return whether the secret is gone."""
    found = cluster.find("secrets", namespace, where.secret)
    if found is None or found.get("type") != TYPE:
        return found is None
    before = _document(found, where.secret)
    after = text.without_entry(before, docker_key(where.host))
    made_here = _LABEL.items() <= (found["metadata"].get("labels") or {}).items()
    if made_here and not after.get("auths"):
        cluster.delete_secret(namespace, where.secret, _version(found))
        return True
    if after != before:
        cluster.apply_secret(namespace, _secret(where, namespace, after, version=_version(found)), None)
    return False


def _secret(where: Where, namespace: str, document: text.Document, *, version: str = "", labels: Json | None = None) -> Json:
    metadata: Json = {"name": where.secret, "namespace": namespace}
    metadata |= {"resourceVersion": version} if version else {}
    metadata |= {"labels": labels} if labels else {}
    data = {_KEY: base64.b64encode(text.render(document, None)).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": TYPE, "data": data}


def _version(found: Json) -> str:
    return str(found["metadata"].get("resourceVersion", ""))


def _reference(where: Where) -> str:
    return f"{where.namespace or '*'}/{where.secret}"


def _repeat(act: Callable[[], bool | None], name: str) -> bool | None:
    """Do a read, merge and write again as long as somebody else writes in between."""
    words = ""
    for _ in range(_TRIES):
        try:
            return act()
        except ConflictError as conflict:
            words = str(conflict)
    raise SinkFailed(
        f"{name} was changed by somebody else {_TRIES} times while it was to be written: {words}", hint="Try again."
    )


def _everywhere(act: Callable[[str], None], namespaces: Sequence[str]) -> None:
    """Do it in every namespace, then raise the first error, as SinkFailed where there are several namespaces."""
    errors: list[PullgrantError] = []
    for namespace in namespaces:
        try:
            act(namespace)
        except PullgrantError as error:
            errors.append(error)
    if errors and len(namespaces) == 1:
        raise errors[0]
    if errors:
        words = f"{errors[0].message} ({len(errors)} of {len(namespaces)} namespaces)"
        raise SinkFailed(words, hint=errors[0].hint) from None
