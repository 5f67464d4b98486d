"""A fake AWS behind the seam: it remembers, settles late, and says no for the reasons that AWS has."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pullgrant.errors import NotFound, NotVisibleYet, PermissionDenied, PullgrantError, QuotaReached
from pullgrant.providers.ecr.answers import AlreadyThere, NoPolicy, TooLong, UnknownPrincipal
from pullgrant.providers.ecr.found import Keys, Token
from pullgrant.providers.ecr.hosts import Registry
from pullgrant.providers.ecr.signin import Caller
from pullgrant.secret import Secret
from pullgrant.testing.scene import StageClock

ACCOUNT, NEIGHBOUR = "123456789012", "210987654321"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/op/erator"


@dataclass
class Entity:
    """A role or user."""

    arn: str
    tags: dict[str, str]
    trust: Any = None
    longest: int = 3600
    inline: dict[str, Any] = field(default_factory=dict)
    attached: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


class FakeAws:
    """Implements the methods of the seam. `late` answers of the reader are refused; `faults` maps a method to errors."""

    def __init__(self) -> None:
        self.clock = StageClock()
        self.registry = Registry(account=ACCOUNT, region="us-east-1", host=f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com")
        self.who = Caller(account=ACCOUNT, arn=OPERATOR)
        self.entities: dict[tuple[str, str], Entity] = {}
        self.repositories = {"team/app": ["v1"], "team/other": ["v1"]}
        self.policies: dict[str, Any] = {}
        self.unreadable: set[str] = set()
        self.documents: dict[str, Any] = {}
        self.faults: dict[str, deque[PullgrantError | Callable[[], PullgrantError | None]]] = {}
        self.calls: list[str] = []
        self.late = 0
        self.made = 0
        self.live: dict[str, str] = {}

    def fail(self, method: str, *errors: Any) -> None:
        self.faults.setdefault(method, deque()).extend(errors)

    def _call(self, method: str, *words: str) -> None:
        self.calls.append(" ".join((method, *words)))
        waiting = self.faults.get(method)
        if waiting:
            error = waiting.popleft()
            error = error if isinstance(error, PullgrantError) else error()
            if error is not None:
                raise error

    def _entity(self, kind: str, name: str) -> Entity:
        if (kind, name) not in self.entities:
            raise NotFound(f"no {kind} {name}")
        return self.entities[kind, name]

    def caller(self) -> Caller:
        self._call("caller")
        return self.who

    def get_identity(self, kind: str, name: str) -> Mapping[str, Any]:
        self._call("get_identity", kind, name)
        found = self._entity(kind, name)
        return {
            "Arn": found.arn,
            "Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()],
            **({"AssumeRolePolicyDocument": found.trust} if kind == "role" else {}),
        }

    def create_identity(self, kind: str, name: str, tags: Mapping[str, str], **more: Any) -> Mapping[str, Any]:
        self._call("create_identity", kind, name)
        if (kind, name) in self.entities:
            raise AlreadyThere(f"{kind} {name}")
        trust = json.loads(more["AssumeRolePolicyDocument"]) if kind == "role" else None
        arn = f"arn:aws:iam::{ACCOUNT}:{kind}/pullgrant/{name}"
        self.entities[kind, name] = Entity(arn, dict(tags), trust, more.get("MaxSessionDuration", 3600))
        self._call("after create_identity")
        return {key: value for key, value in self.get_identity(kind, name).items() if kind == "role" or key != "Tags"}

    def tag_identity(self, kind: str, name: str, tags: Mapping[str, str]) -> None:
        self._call("tag_identity", kind, name)
        self._entity(kind, name).tags.update(tags)

    def delete_identity(self, kind: str, name: str) -> None:
        self._call("delete_identity", kind, name)
        found = self._entity(kind, name)
        assert not found.inline
        assert not found.attached
        assert not found.keys
        del self.entities[kind, name]

    def set_trust(self, name: str, document: str) -> None:
        self._call("set_trust", name)
        self._entity("role", name).trust = json.loads(document)

    def list_policies(self, kind: str, name: str) -> Sequence[str]:
        self._call("list_policies")
        return list(self._entity(kind, name).inline)

    def get_policy(self, kind: str, name: str, policy: str) -> Mapping[str, Any]:
        self._call("get_policy", policy)
        inline = self._entity(kind, name).inline
        if policy not in inline:
            raise NotFound(policy)
        found: Mapping[str, Any] = inline[policy]
        return found

    def put_policy(self, kind: str, name: str, policy: str, document: str) -> None:
        self._call("put_policy", policy)
        self._entity(kind, name).inline[policy] = json.loads(document)

    def delete_policy(self, kind: str, name: str, policy: str) -> None:
        self._call("delete_policy", policy)
        if self._entity(kind, name).inline.pop(policy, None) is None:
            raise NotFound(policy)

    def list_attached(self, kind: str, name: str) -> Sequence[str]:
        self._call("list_attached")
        return list(self._entity(kind, name).attached)

    def get_managed(self, arn: str) -> Mapping[str, Any]:
        self._call("get_managed", arn)
        return next(one.attached[arn] for one in self.entities.values() if arn in one.attached)

    def detach(self, kind: str, name: str, arn: str) -> None:
        self._call("detach", arn)
        del self._entity(kind, name).attached[arn]

    def list_keys(self, name: str) -> Sequence[Mapping[str, Any]]:
        self._call("list_keys")
        keys = self._entity("user", name).keys
        return [{"AccessKeyId": key, "Status": status, "CreateDate": self.clock.now()} for key, status in keys.items()]

    def create_key(self, name: str) -> Keys:
        self._call("create_key", name)
        found = self._entity("user", name)
        if len(found.keys) >= 2:
            raise QuotaReached("Cannot exceed quota for AccessKeysPerUser: 2")
        self.made += 1
        key = Keys(id=f"AKIA{self.made}", secret=Secret(f"secret-{self.made}"))
        found.keys[key.id] = "Active"
        self._call("after create_key")
        return key

    def delete_key(self, name: str, key_id: str) -> None:
        self._call("delete_key", key_id)
        if self._entity("user", name).keys.pop(key_id, None) is None:
            raise NotFound(key_id)

    def assume(self, arn: str, session: str, seconds: int) -> Keys:
        self._call("assume", arn, session, str(seconds))
        found = next((one for one in self.entities.values() if one.arn == arn), None)
        if found is None or self.principal() not in _trusted(found.trust):
            raise PermissionDenied("AccessDenied: sts:AssumeRole")
        if seconds > (3600 if self.who.role else found.longest):
            raise TooLong("DurationSeconds")
        self.made += 1
        ends = self.clock.now() + timedelta(seconds=seconds)
        return Keys(id=f"ASIA{self.made}", secret=Secret("s"), session=Secret(arn), expires_at=ends)

    def principal(self) -> str:
        return self.entities["role", self.who.role].arn if self.who.role else self.who.arn

    def token(self, keys: Keys) -> Token:
        self._call("token", keys.id)
        if self.late > 0:
            self.late -= 1
            raise NotVisibleYet("UnrecognizedClientException")
        if keys.session is None:
            holder = next((one for one in self.entities.values() if keys.id in one.keys), None)
        else:
            holder = next(one for one in self.entities.values() if one.arn == keys.session.reveal())
        if holder is None:
            raise NotVisibleYet("UnrecognizedClientException")
        allowed = json.dumps(holder.inline)
        if "ecr:GetAuthorizationToken" not in allowed and "ecr-public" not in allowed:
            raise PermissionDenied("AccessDeniedException: ecr:GetAuthorizationToken")
        self.made += 1
        ends = self.clock.now() + timedelta(hours=12)
        return Token(username="AWS", password=Secret(f"canary-{self.made}"), expires_at=ends)

    def list_repositories(self, names: Sequence[str] = ()) -> Sequence[Mapping[str, Any]]:
        self._call("list_repositories", *names)
        missing = [name for name in names if name not in self.repositories]
        if missing:
            raise NotFound(f"The repository with name '{missing[0]}' does not exist")
        host = self.registry.host
        found: Iterable[str] = names or self.repositories
        return [{"repositoryName": name, "repositoryUri": f"{host}/{name}"} for name in found]

    def list_images(self, repository: str) -> Sequence[Mapping[str, Any]]:
        self._call("list_images", repository)
        return [{"imageTags": [tag], "imageDigest": f"sha256:{tag}"} for tag in self.repositories[repository]]

    def get_repository_policy(self, repository: str) -> Mapping[str, Any]:
        self._call("get_repository_policy", repository)
        if repository in self.unreadable:
            raise PermissionDenied("AccessDeniedException: ecr:GetRepositoryPolicy")
        if repository not in self.policies:
            raise NoPolicy("RepositoryPolicyNotFoundException")
        found: Mapping[str, Any] = self.policies[repository]
        return found

    def set_repository_policy(self, repository: str, document: str) -> None:
        self._call("set_repository_policy", repository)
        if self.late > 0:
            self.late -= 1
            raise UnknownPrincipal("Invalid repository policy provided")
        self.policies[repository] = json.loads(document)
        self._call("after set_repository_policy")

    def delete_repository_policy(self, repository: str) -> None:
        self._call("delete_repository_policy", repository)
        del self.policies[repository]


def _trusted(document: Any) -> list[str]:
    found = []
    for one in document["Statement"]:
        principal = one["Principal"]["AWS"]
        found += principal if isinstance(principal, list) else [principal]
    return found
