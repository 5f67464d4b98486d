"""A Google Cloud in memory behind the seam: it remembers, keeps etags, can say no for each reason and can lose answers."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pullgrant.errors import NotFound, NotVisibleYet, OutcomeUnknown, PullgrantError
from pullgrant.providers.gcp.answers import AlreadyThere, Conflict
from pullgrant.secret import Secret
from pullgrant.testing.scene import StageClock

PROJECT = "demo"
REPOSITORY = "projects/demo/locations/us/repositories/gcr.io"
BUCKET = "artifacts.demo.appspot.com"
EMAIL = "docker-reader@demo.iam.gserviceaccount.com"
MEMBER = f"serviceAccount:{EMAIL}"
OURS = "pullgrant ledger=0123456789ab"
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
SETTINGS = "REDIRECTION_FROM_GCR_IO_ENABLED"


@dataclass(slots=True)
class FakeGoogle:
    """Its methods are those of the seam. `refuse` answers a method always, `once` its next calls before they act."""

    clock: StageClock = field(default_factory=StageClock)
    accounts: dict[str, SimpleNamespace] = field(default_factory=dict)
    keys: dict[str, SimpleNamespace] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=lambda: {REPOSITORY: {}, PROJECT: {}})
    redirection: str = SETTINGS
    services: dict[str, str] = field(default_factory=dict)
    enforced: set[str] = field(default_factory=set)
    images: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse: dict[str, PullgrantError] = field(default_factory=dict)
    once: dict[str, list[PullgrantError]] = field(default_factory=dict)
    lose: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    deleted_keys: list[str] = field(default_factory=list)
    serial: int = 0
    edits: int = 0

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.once.get(name):
            raise self.once[name].pop(0)
        if name in self.refuse:
            raise self.refuse[name]

    def _leave(self, name: str) -> None:
        if name in self.lose:
            self.lose.discard(name)
            raise OutcomeUnknown(f"{name}: no answer")

    def _account(self, email: str) -> SimpleNamespace:
        if email not in self.accounts:
            raise NotFound(f"{email} is not there")
        return self.accounts[email]

    def account(self, email: str, description: str = "") -> None:
        self.accounts[email] = SimpleNamespace(email=email, description=description, display_name="theirs", disabled=False)

    def key(self) -> SimpleNamespace:
        self.serial += 1
        key = SimpleNamespace(
            name=f"projects/demo/serviceAccounts/x/keys/k{self.serial}",
            valid_after_time=self.clock.now(), valid_before_time=NEVER, disabled=False,
        )  # fmt: skip
        self.keys[f"k{self.serial}"] = key
        return key

    def bind(self, resource: str, role: str, *members: str, **more: Any) -> None:
        self.policies[resource].setdefault("bindings", []).append({"role": role, "members": list(members), **more})

    def get_account(self, email: str) -> Any:
        self._enter("get_account")
        return self._account(email)

    def create_account(self, name: str, display_name: str, description: str) -> Any:
        self._enter("create_account")
        email = f"{name}@demo.iam.gserviceaccount.com"
        if email in self.accounts:
            raise AlreadyThere(f"{email} exists")
        self.account(email, description)
        self._leave("create_account")
        return self.accounts[email]

    def describe_account(self, email: str, description: str) -> None:
        self._enter("describe_account")
        self._account(email).description = description

    def disable_account(self, email: str) -> None:
        self._enter("disable_account")
        self._account(email).disabled = True

    def delete_account(self, email: str) -> None:
        self._enter("delete_account")
        self._account(email)
        del self.accounts[email]
        self.keys.clear()

    def list_keys(self, email: str) -> Any:
        self._enter("list_keys")
        self._account(email)
        return list(self.keys.values())

    def create_key(self, email: str) -> Any:
        self._enter("create_key")
        self._account(email)
        made = self.key()
        self._leave("create_key")
        return made, Secret('{"private_key": "canary"}')

    def delete_key(self, email: str, key_id: str) -> None:
        self._enter("delete_key")
        if key_id not in self.keys:
            raise NotFound(f"{key_id} is not there")
        del self.keys[key_id]
        self.deleted_keys.append(key_id)

    def generate_token(self, email: str, lifetime: int) -> Any:
        self._enter("generate_token")
        self._account(email)
        return Secret("ya29.canary"), self.clock.now() + timedelta(seconds=lifetime)

    def _get(self, resource: str) -> dict[str, Any]:
        if resource not in self.policies:
            raise NotFound(f"{resource} is not there")
        return {"etag": f"e{self.edits}"} | copy.deepcopy(self.policies[resource])

    def _set(self, resource: str, policy: Any) -> None:
        if "etag" not in policy:
            raise AssertionError("whatever is there would be written over")
        if policy["etag"] != f"e{self.edits}":
            raise Conflict("There were concurrent policy changes.")
        if any(b.get("condition") for b in self.policies[resource].get("bindings", ())) and policy.get("version") != 3:
            raise AssertionError("conditions would be lost")
        if any(not binding["members"] for binding in policy["bindings"]):
            raise AssertionError("an empty binding")
        self.edits += 1
        self.policies[resource] = {name: value for name, value in policy.items() if name != "etag"}

    def get_repository_policy(self, repository: str) -> Any:
        self._enter("get_repository_policy")
        return self._get(repository)

    def set_repository_policy(self, repository: str, policy: Any) -> None:
        self._enter("set_repository_policy")
        self._set(repository, policy)

    def get_bucket_policy(self, bucket: str) -> Any:
        self._enter("get_bucket_policy")
        return self._get(bucket)

    def set_bucket_policy(self, bucket: str, policy: Any) -> None:
        self._enter("set_bucket_policy")
        self._set(bucket, policy)

    def get_project_policy(self, project: str) -> Any:
        self._enter("get_project_policy")
        return self._get(project)

    def set_project_policy(self, project: str, policy: Any) -> None:
        self._enter("set_project_policy")
        self._set(project, policy)

    def get_project_settings(self, project: str) -> Any:
        self._enter("get_project_settings")
        return {"legacyRedirectionState": self.redirection} if self.redirection else {}

    def list_repositories(self, project: str, location: str) -> Any:
        self._enter("list_repositories")
        return [{"name": name, "format": "DOCKER"} for name in self.policies if "/repositories/" in name]

    def list_images(self, repository: str) -> Any:
        self._enter("list_images")
        if repository not in self.policies:
            raise NotFound(f"{repository} is not there")
        return self.images.get(repository, [])

    def get_services(self, project: str, services: Any) -> Any:
        self._enter("get_services")
        return {name: self.services.get(f"{project}/{name}", self.services.get(name, "ENABLED")) for name in services}

    def get_effective_policy(self, project: str, constraint: str) -> Any:
        self._enter("get_effective_policy")
        return {"spec": {"rules": [{"enforce": constraint in self.enforced}]}}

    def list_children(self, host: str, path: str) -> Any:
        self._enter("list_children")
        return self.tags.get(path, {})

    def not_visible(self, method: str, times: int) -> None:
        self.once[method] = [NotVisibleYet("Service account x does not exist.") for _ in range(times)]
