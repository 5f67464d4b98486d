"""The seam to a Kubernetes API server: a few calls of the official client, each answer as JSON; decides nothing."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any, TypeAlias

from pullgrant.errors import MissingExtra, NotSignedIn, PullgrantError, SinkFailed, Unavailable
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret

Json: TypeAlias = dict[str, Any]

MANAGER = "pullgrant"
_TIMEOUT = 20
_LIST_PAGE = 500
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_CORE = "/api/v1"
_KUBECONFIG = "~/.kube/config"
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class ConflictError(Exception):
    """Somebody else wrote first: look again."""


class Cluster:
    """One cluster, as one context of a kubeconfig or the pod that this runs in. Connects at the first call.

    All calls raise SinkFailed with the server's words, NotSignedIn for 401, Unavailable when it cannot be reached or is
    throttled, and ConflictError where they write.
    """

    def __init__(self, context: str = "") -> None:
        self._context = context
        self._making = threading.Lock()
        self._client: Any = None

    def check_ready(self) -> str:
        """Return which server this is. Raises MissingExtra, and NotSignedIn when there is no kubeconfig and no pod."""
        return str(self._open().configuration.host)

    def may(self, verb: str, resource: str, namespace: str, name: str = "") -> bool:
        """Return whether the operator has a right."""
        asked = {"verb": verb, "group": "", "resource": resource, "namespace": namespace, "name": name}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        answer = self._ask("POST", _REVIEW, f"whether {resource} may be changed", body=body) or {}
        return bool(answer.get("status", {}).get("allowed"))

    def namespaces(self, selector: str) -> tuple[str, ...]:
        """Return the names of the namespaces with these labels."""
        names: list[str] = []
        following = ""
        while True:
            query = {"labelSelector": selector, "limit": str(_LIST_PAGE)} | ({"continue": following} if following else {})
            page = self._ask("GET", f"{_CORE}/namespaces", "namespaces", query=query) or {}
            names += [str(one["metadata"]["name"]) for one in page.get("items", [])]
            following = page.get("metadata", {}).get("continue") or ""
            if not following:
                return tuple(names)

    def find(self, resource: str, namespace: str, name: str) -> Json | None:
        """Return a namespace, secret or service account, None when it or its namespace is not there."""
        return self._ask("GET", _path(resource, namespace, name), _shown(resource, namespace, name), absent_is_none=True)

    def create_secret(self, namespace: str, secret: Json, known: Secret) -> None:
        """Make a secret."""
        path, shown = f"{_CORE}/namespaces/{namespace}/secrets", _shown("secret", namespace, secret["metadata"]["name"])
        self._ask("POST", path, shown, body=secret, query={"fieldManager": MANAGER}, known=known)

    def apply_secret(self, namespace: str, secret: Json, known: Secret | None) -> None:
        """Apply our fields of a secret on the server's side, over those of other managers."""
        name = secret["metadata"]["name"]
        query = {"fieldManager": MANAGER, "force": "true"}
        path, shown = _path("secrets", namespace, name), _shown("secret", namespace, name)
        self._ask("PATCH", path, shown, body=secret, query=query, content=_APPLY, known=known)

    def merge(self, resource: str, namespace: str, name: str, patch: Json) -> None:
        """Merge a patch into an object."""
        path, shown = _path(resource, namespace, name), _shown(resource, namespace, name)
        self._ask("PATCH", path, shown, body=patch, query={"fieldManager": MANAGER}, content=_MERGE)

    def delete_secret(self, namespace: str, name: str, version: str) -> None:
        """Delete a secret if it still has this version; absent is done."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": version}}
        path, shown = _path("secrets", namespace, name), _shown("secret", namespace, name)
        self._ask("DELETE", path, shown, body=body, absent_is_none=True)

    def _ask(
        self,
        method: str,
        path: str,
        shown: str,
        *,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        content: str = "application/json",
        absent_is_none: bool = False,
        known: Secret | None = None,
    ) -> Json | None:
        client = self._open()
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json", "Content-Type": content}
        error: PullgrantError | ConflictError
        try:
            answer: Json = client.call_api(
                path, method, {}, list((query or {}).items()), headers, body=body, response_type="object",
                auth_settings=["BearerToken"], _return_http_data_only=True, _request_timeout=_TIMEOUT,
            )  # fmt: skip
            return answer
        except ApiException as refusal:
            if refusal.status == 404 and absent_is_none:
                return None
            error = _error(refusal, method, shown, known)
        except HTTPError as broken:
            error = Unavailable(f"the Kubernetes API at {client.configuration.host} did not answer: {type(broken).__name__}")
        raise error

    def _open(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = _connect(self._context)
            return self._client


def _connect(context: str) -> Any:
    try:
        from kubernetes import client, config
        from yaml import YAMLError
    except ModuleNotFoundError:
        raise MissingExtra("kubernetes needs the package kubernetes", hint="pip install 'pullgrant[kubernetes]'") from None
    # It logs whole answers at DEBUG, secrets included; a level could be set again, a filter stays.
    logging.getLogger("kubernetes.client.rest").addFilter(_silence)
    wrong = ""
    try:
        if context or _has_kubeconfig() or "KUBERNETES_SERVICE_HOST" not in os.environ:
            file = os.environ.get("KUBECONFIG") or _KUBECONFIG  # the library remembers the one of its import
            return config.new_client_from_config(file, context or None, persist_config=False)
        inside = client.Configuration()
        config.load_incluster_config(client_configuration=inside)
        return client.ApiClient(inside)
    except (config.ConfigException, YAMLError, OSError, ValueError, KeyError, TypeError) as error:
        shown = str(error) if isinstance(error, config.ConfigException) else type(error).__name__  # a parser quotes the file
        wrong = redact(shown, limit=200)
    raise NotSignedIn(
        f"no Kubernetes cluster can be reached with this kubeconfig: {wrong}",
        hint="Set KUBECONFIG, or check: kubectl config get-contexts",
    )


def _has_kubeconfig() -> bool:
    return bool(os.environ.get("KUBECONFIG")) or Path(_KUBECONFIG).expanduser().exists()


def _silence(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _error(refusal: Any, method: str, shown: str, known: Secret | None) -> PullgrantError | ConflictError:
    words = _words(refusal, known)
    status = refusal.status
    if status == 409:
        return ConflictError(words)
    if status == 401:
        return NotSignedIn(f"Kubernetes does not know this user: {words}", hint="Sign in again, or choose another context.")
    if status == 403:
        return SinkFailed(f"Kubernetes refuses {method} of {shown}: {words}", hint=_HOW_TO_ALLOW)
    if status in (0, 429, 500, 502, 503, 504):
        return Unavailable(f"Kubernetes could not answer {method} of {shown} ({status}): {words}")
    return SinkFailed(f"Kubernetes refuses {method} of {shown} ({status}): {words}")


_HOW_TO_ALLOW = (
    "The user needs get, create, patch and delete on secrets of that namespace; with serviceaccounts= also get and patch on "
    "serviceaccounts, with selector= list on namespaces."
)


def _words(refusal: Any, known: Secret | None) -> str:
    import json

    secrets = (known,) if known else ()
    try:
        told = json.loads(refusal.body or "")["message"]
    except (ValueError, KeyError, TypeError):
        told = refusal.reason or "no words"
    return redact(str(told), *secrets, limit=300)


def _path(resource: str, namespace: str, name: str) -> str:
    if resource == "namespaces":
        return f"{_CORE}/namespaces/{name}"
    return f"{_CORE}/namespaces/{namespace}/{resource}/{name}"


def _shown(resource: str, namespace: str, name: str) -> str:
    kind = {"namespaces": "namespace", "secrets": "secret", "serviceaccounts": "service account"}.get(resource, resource)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
