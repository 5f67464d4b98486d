"""The REST calls of the fake API server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pullgrant.sandbox.exchange import Answering, Request, Response, Route, route
from pullgrant.sandbox.kubernetes.refusal import Json, RefusalError, bad, forbidden, success
from pullgrant.sandbox.kubernetes.store import KINDS, Store
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

Handler: TypeAlias = Callable[[str, "Target", Request], Json]

_READING = frozenset({"get", "list", "watch"})
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_CREATED = 201
_APPLY = "application/apply-patch+yaml"
_MERGES = {"application/merge-patch+json": False, "application/strategic-merge-patch+json": True}


class Target:
    """What a path names."""

    def __init__(self, match: re.Match[str]) -> None:
        named = match.groupdict()
        self.resource = named.get("resource") or "namespaces"
        self.namespace, self.name = named.get("namespace") or "", named.get("name") or ""


class Api:
    """Answers for one host. `users` are tokens with the user's name; a name with `viewer` in it may read only.

    `denied` holds (verb, resource) that nobody may for now.
    """

    def __init__(self, store: Store, world: World, users: Mapping[str, str], host: str) -> None:
        self._store, self._world, self._users, self._host = store, world, users, host
        self.denied: set[tuple[str, str]] = set()

    def reset(self) -> None:
        """Give all rights back."""
        self.denied.clear()

    def routes(self) -> Sequence[Route]:
        """Return the routes: discovery, access reviews, and all verbs on the three resources."""
        found = [self._route(kind, "GET", path, _constant(document)) for kind, path, document in _discovery()]
        reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        found.append(self._route("SelfSubjectAccessReview", "POST", reviews, self._review))
        inside = r"/api/v1/namespaces/(?P<namespace>[^/]+)/(?P<resource>secrets|serviceaccounts)"
        everywhere = r"/api/v1/(?P<resource>secrets|serviceaccounts)"
        cluster = "/api/v1/namespaces"
        name = "/(?P<name>[^/]+)"
        for kind, base in (("Namespace", cluster), ("Object", inside)):
            found += [
                self._route(f"List{kind}", "GET", base, self._list),
                self._route(f"Create{kind}", "POST", base, self._create),
                self._route(f"Get{kind}", "GET", base + name, self._get),
                self._route(f"Update{kind}", "PUT", base + name, self._update),
                self._route(f"Patch{kind}", "PATCH", base + name, self._patch),
                self._route(f"Delete{kind}", "DELETE", base + name, self._delete),
            ]
        return [*found, self._route("ListAll", "GET", everywhere, self._list)]

    def _route(self, kind: str, method: str, path: str, handler: Handler) -> Route:
        return route(f"kubernetes.{kind}", method, re.escape(self._host), path, self._endpoint(handler))

    def _endpoint(self, handler: Handler) -> Answering:
        def answer(request: Request, match: re.Match[str]) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            user = self._users.get(token, "") if scheme.lower() == "bearer" else ""
            named = {PRINCIPAL: user}
            try:
                if not user:
                    raise RefusalError(401, "Unauthorized")
                with self._world.lock:
                    document = handler(user, Target(match), request)
            except RefusalError as refusal:
                response = refusal.response()
                return Response(status=response.status, json=response.json, headers=named)
            return Response(status=_CREATED if request.method == "POST" else 200, json=document, headers=named)

        return answer

    def _may(self, user: str, verb: str, resource: str) -> bool:
        return (verb in _READING or "viewer" not in user) and (verb, resource) not in self.denied

    def _demand(self, user: str, target: Target, verb: str) -> None:
        if not self._may(user, verb, target.resource):
            raise forbidden(user, verb, target.resource, target.namespace, target.name)

    def _list(self, user: str, target: Target, request: Request) -> Json:
        self._demand(user, target, "list")
        wanted = dict(
            part.partition("=")[::2] for part in request.one("labelSelector").replace("==", "=").split(",") if part
        )
        items = [
            one
            for one in self._store.select(target.resource, target.namespace)
            if wanted.items() <= one["metadata"].get("labels", {}).items()
        ]
        kind = KINDS[target.resource]
        return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {"resourceVersion": self._store.list_version()},
                "items": items}  # fmt: skip

    def _get(self, user: str, target: Target, request: Request) -> Json:
        self._demand(user, target, "get")
        return self._store.find(target.resource, target.namespace, target.name)

    def _create(self, user: str, target: Target, request: Request) -> Json:
        self._demand(user, target, "create")
        return self._store.create(target.resource, target.namespace, _body(request), _manager(request), dry=_dry(request))

    def _update(self, user: str, target: Target, request: Request) -> Json:
        self._demand(user, target, "update")
        body = _body(request)
        return self._store.replace(
            target.resource, target.namespace, target.name, body, _manager(request), dry=_dry(request)
        )

    def _patch(self, user: str, target: Target, request: Request) -> Json:
        self._demand(user, target, "patch")
        kind = request.headers.get("content-type", "").partition(";")[0]
        where = (target.resource, target.namespace, target.name)
        if kind == _APPLY:
            if not request.one("fieldManager"):
                raise bad("PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch")
            return self._store.apply(
                *where, _body(request), _manager(request), force=request.one("force") == "true", dry=_dry(request)
            )
        if kind not in _MERGES:
            raise RefusalError(415, f"the body of the request was in an unknown format - {kind}")
        patch = _body(request, any_kind=True)
        return self._store.patch(*where, patch, _manager(request), strategic=_MERGES[kind], dry=_dry(request))

    def _delete(self, user: str, target: Target, request: Request) -> Json:
        self._demand(user, target, "delete")
        wanted = (_body(request, any_kind=True) if request.body else {}).get("preconditions") or {}
        return success(target.resource, self._store.delete(target.resource, target.namespace, target.name, wanted))

    def _review(self, user: str, target: Target, request: Request) -> Json:
        body = _body(request, any_kind=True)
        asked = body.get("spec", {}).get("resourceAttributes", {})
        allowed = self._may(user, str(asked.get("verb")), str(asked.get("resource")))
        return {**body, "kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}}


def _body(request: Request, *, any_kind: bool = False) -> Json:
    kind = request.headers.get("content-type", "").partition(";")[0]
    if "protobuf" in kind:
        raise RefusalError(415, f"the body of the request was in an unknown format - {kind}")
    try:
        document = request.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("metadata", {}), dict):
        raise bad(
            "the object provided is unrecognized (must be of type Status): couldn't get version/kind; json parse error"
        )
    if not any_kind and not document.get("kind"):
        raise bad("Object 'Kind' is missing")
    return document


def _manager(request: Request) -> str:
    return request.one("fieldManager") or request.headers.get("user-agent", "unknown").partition("/")[0]


def _dry(request: Request) -> bool:
    return request.one("dryRun") == "All"


def _constant(document: Json) -> Handler:
    return lambda *_: document


def _discovery() -> Sequence[tuple[str, str, Json]]:
    verbs = ["create", "delete", "get", "list", "patch", "update"]
    resources = [
        {
            "name": name,
            "singularName": name.removesuffix("s"),
            "namespaced": name != "namespaces",
            "kind": kind,
            "verbs": verbs,
        }
        for name, kind in KINDS.items()
    ]
    review = {"name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview", "namespaced": False,
              "kind": "SelfSubjectAccessReview", "verbs": ["create"]}  # fmt: skip
    version = {"groupVersion": "authorization.k8s.io/v1", "version": "v1"}
    group = {"name": "authorization.k8s.io", "versions": [version], "preferredVersion": version}
    return (
        ("Version", "/version", {"major": "1", "minor": "32", "gitVersion": "v1.32.4", "platform": "linux/amd64"}),
        ("Versions", "/api", {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ("Groups", "/apis", {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}),
        ("Resources", "/api/v1", {"kind": "APIResourceList", "groupVersion": "v1", "resources": resources}),
        ("Reviews", "/apis/authorization.k8s.io/v1",
         {"kind": "APIResourceList", "groupVersion": "authorization.k8s.io/v1", "resources": [review]}),
    )  # fmt: skip
