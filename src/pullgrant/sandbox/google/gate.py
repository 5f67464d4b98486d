"""Who may do what at gcr.io and Artifact Registry: the sandbox's registry asks, IAM's state answers.

Refusals in the words of google/ax#140, google-github-actions/auth#50, GoogleCloudPlatform/generative-ai#693 and, for the old
Container Registry, GoogleCloudPlatform/marketplace-k8s-app-tools#160.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pullgrant.sandbox.country import Gate, Visitor
from pullgrant.sandbox.exchange import Response
from pullgrant.sandbox.google.artifact_registry import SERVICE, TITLE
from pullgrant.sandbox.google.callers import (
    CLOUD_PLATFORM,
    CLOUD_PLATFORM_READ,
    STORAGE_FULL,
    STORAGE_READ,
    STORAGE_WRITE,
    Caller,
)
from pullgrant.sandbox.google.desk import Desk
from pullgrant.sandbox.google.keys import public_numbers
from pullgrant.sandbox.google.refusal import service_disabled
from pullgrant.sandbox.google.roles import DOWNLOAD, REMOVE, UPLOAD
from pullgrant.sandbox.google.state import Bucket, Project, Repository

_HOSTS = re.compile(
    r"(?P<gcr>(?:us\.|eu\.|asia\.)?gcr\.io)|(?P<location>[a-z0-9]+(?:-[a-z0-9]+)*)-docker\.pkg\.dev", re.ASCII
)
_LOCATIONS = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
_ON_REPOSITORY = {"pull": DOWNLOAD, "push": UPLOAD, "delete": REMOVE}
_ON_BUCKET = {"pull": "storage.objects.get", "push": "storage.objects.create", "delete": "storage.objects.delete"}
_READING = frozenset({CLOUD_PLATFORM, CLOUD_PLATFORM_READ, STORAGE_READ, STORAGE_WRITE, STORAGE_FULL})
_WRITING = frozenset({CLOUD_PLATFORM, STORAGE_WRITE, STORAGE_FULL})
_OLD_HELP = (
    "To configure permissions, follow instructions at: https://cloud.google.com/container-registry/docs/access-control"
)
_OLD_ANONYMOUS = (
    "You don't have the needed permissions to perform this operation, and you may have invalid credentials. To authenticate "
    "your request, follow the steps in: https://cloud.google.com/container-registry/docs/advanced-authentication"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleVisitor(Visitor):
    """A principal that signed in; `actions` are those that its token's scopes leave open."""

    member: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a repository path of a host leads; `store` is None when nothing is there."""

    project: str
    on_bucket: bool
    resource: str = ""
    store: Repository | Bucket | None


class GoogleGate(Gate):
    """The gate of all of Google's registry hosts."""

    style: Literal["opaque-refusing"] = "opaque-refusing"
    lists_children = True

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def serves(self, host: str) -> bool:
        """Say whether this is one of Google's registry hosts."""
        return _HOSTS.fullmatch(host) is not None

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """Return all images of a host; the same image has another path at gcr.io than at pkg.dev."""
        found = _HOSTS.fullmatch(host)
        if found is None:
            return {}
        with self._desk.world.lock:
            if found["gcr"]:
                return dict(self._gcr_images(host))
            everywhere = (each for project in self._desk.state.projects.values() for each in project.repositories.values())
            return {
                f"{store.project}/{store.id}/{image}": tags
                for store in everywhere
                if store.location == found["location"]
                for image, tags in store.images.items()
            }

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """Return the principal of a JSON key or an access token."""
        with self._desk.world.lock:
            match username:
                case "_json_key":
                    return self._by_key(password)
                case "_json_key_base64":
                    return self._by_key(_decoded(password))
                case "oauth2accesstoken":
                    caller = self._desk.callers.of_token(password)
                    return _visitor(caller) if caller else None
                case _:
                    return None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """Return what the bindings of the repository or bucket, and of its project, allow."""
        with self._desk.world.lock:
            place = self._place(host, repository)
            project = self._desk.state.projects.get(place.project)
            if place.store is None or project is None or self._closed(project, place):
                return frozenset()
            member = visitor.member if isinstance(visitor, GoogleVisitor) else None
            wanted = _ON_BUCKET if place.on_bucket else _ON_REPOSITORY
            policies = [place.store.policy, project.policy]
            allowed = {action for action, right in wanted.items() if self._desk.rights.has(member, right, policies)}
            return frozenset(allowed) & (visitor.actions if isinstance(visitor, GoogleVisitor) else frozenset({"pull"}))

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """Return the refusal of an action, in the same words for a repository that is not there."""
        with self._desk.world.lock:
            place = self._place(host, repository)
            project = self._desk.state.projects.get(place.project)
            if project and self._closed(project, place):
                return _refused("DENIED", service_disabled(TITLE, SERVICE, project.number).message)
            if place.on_bucket:
                return _refused_by_bucket(place.project, visitor, action)
            return _refused_by_repository(place.resource, visitor, _ON_REPOSITORY.get(action, DOWNLOAD))

    def _closed(self, project: Project, place: _Place) -> bool:
        return SERVICE not in project.services and not place.on_bucket

    def _by_key(self, text: str) -> Visitor | None:
        """Check a key file: its account and key live, and its private half is the one that was given out."""
        try:
            file = json.loads(text)
        except ValueError:
            return None
        if not isinstance(file, dict) or file.get("type") != "service_account":
            return None
        account = self._desk.state.account(str(file.get("client_email")))
        key = account.keys.get(str(file.get("private_key_id"))) if account else None
        if account is None or key is None or not self._desk.callers.usable(account, key):
            return None
        if key.numbers is None or public_numbers(str(file.get("private_key"))) != key.numbers:
            return None
        if not self._desk.world.settled(f"google/key/{key.id}"):
            return None
        return _visitor(Caller(member=account.member, scopes=frozenset({CLOUD_PLATFORM})))

    def _place(self, host: str, path: str) -> _Place:
        found = _HOSTS.fullmatch(host)
        project_id, _, rest = path.partition("/")
        project = self._desk.state.projects.get(project_id)
        if found and found["gcr"]:
            location, repository = _LOCATIONS[host], host
            if project and project.on_buckets:
                bucket = project.buckets.get(bucket_of(host, project_id))
                return _Place(project=project_id, on_bucket=True, store=bucket)
        else:
            location, repository = found["location"] if found else "", rest.partition("/")[0]
        resource = f"projects/{project_id}/locations/{location}/repositories/{repository}"
        store = project.repositories.get((location, repository)) if project else None
        return _Place(project=project_id, on_bucket=False, resource=resource, store=store)

    def _gcr_images(self, host: str) -> list[tuple[str, Sequence[str]]]:
        found: list[tuple[str, Sequence[str]]] = []
        for project in self._desk.state.projects.values():
            store = self._place(host, f"{project.id}/").store
            if store:
                found += [(f"{project.id}/{image}", tags) for image, tags in store.images.items()]
        return found


def bucket_of(host: str, project: str) -> str:
    """Return the bucket in which the old Container Registry kept a host's images."""
    return f"{host.removesuffix('gcr.io')}artifacts.{project}.appspot.com"


def _visitor(caller: Caller) -> GoogleVisitor:
    actions = {"pull"} if caller.scopes & _READING else set()
    actions |= {"push", "delete"} if caller.scopes & _WRITING else set()
    return GoogleVisitor(name=caller.email, member=caller.member, actions=frozenset(actions))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _refused(code: str, message: str, status: int = 403) -> Response:
    return Response(status=status, json={"errors": [{"code": code, "message": message}]})


def _refused_by_repository(resource: str, visitor: Visitor | None, permission: str) -> Response:
    if visitor is None:
        return _refused(
            "DENIED",
            f'Unauthenticated request. Unauthenticated requests do not have permission "{permission}" on resource '
            f'"{resource}" (or it may not exist)',
        )
    return _refused("DENIED", f'Permission "{permission}" denied on resource "{resource}" (or it may not exist)')


def _refused_by_bucket(project: str, visitor: Visitor | None, action: str) -> Response:
    if visitor is None:
        return _refused("UNAUTHORIZED", _OLD_ANONYMOUS, 401)
    lacking = "storage.objects.get" if action == "pull" else "storage.buckets.get"
    words = f"Token exchange failed for project '{project}'. Caller does not have permission '{lacking}'. {_OLD_HELP}"
    return _refused("DENIED", words)
