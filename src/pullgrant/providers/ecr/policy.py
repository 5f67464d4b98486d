"""Policy documents as values: what a reader is allowed, who may take its tokens, and what another account allows it.

Statements of ours carry a Sid of ours; a document is changed by replacing that statement and keeping all others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from pullgrant.providers.ecr.settings import Settings

Document: TypeAlias = Mapping[str, Any]
VERSION = "2012-10-17"
POLICY_NAME = "pullgrant-pull"
TRUST_SID = "PullgrantRenew"
# docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html: what a pull needs, and nothing else.
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOGIN = "ecr:GetAuthorizationToken"
# ecr-public-2020-10-30 API model, GetAuthorizationToken: it needs both.
PUBLIC_LOGIN = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")


def pull_document(settings: Settings) -> Document:
    """Return the whole policy of the reader: to log in, which works on `*` only, and to pull from the scope."""
    if settings.registry.public:
        return _document([_allow("Login", PUBLIC_LOGIN, ("*",))])
    return _document([_allow("Login", (LOGIN,), ("*",)), _allow("Pull", PULL, settings.scope)])


def trust_document(before: Document | None, principals: Sequence[str]) -> Document:
    """Return a role's trust policy in which our statement trusts these principals, after those that it already trusts."""
    known = trusted(before or {})
    everybody = tuple(dict.fromkeys((*known, *principals)))
    ours = {"Sid": TRUST_SID, "Effect": "Allow", "Principal": {"AWS": list(everybody)}, "Action": "sts:AssumeRole"}
    return with_statement(before, ours)


def trusted(document: Document) -> tuple[str, ...]:
    """Return the principals of our statement. One that was deleted shows as an id without an ARN, and is left out."""
    ours = [one for one in statements(document) if one.get("Sid") == TRUST_SID]
    found = [name for one in ours for name in _listed((one.get("Principal") or {}).get("AWS"))]
    return tuple(name for name in found if name.startswith("arn:"))


def pull_statement(sid: str, principal: str) -> Mapping[str, Any]:
    """Return the statement of a repository's policy that lets one reader of another account pull."""
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(PULL)}


def sid_of(ledger: str, reader: str) -> str:
    """Return our Sid in the policies of another account's repositories: letters and digits, one for each ledger and reader."""
    name = hashlib.sha256(f"{ledger}/{reader}".encode()).hexdigest()[:16]
    return f"Pullgrant{name}"


def statement(document: Document | None, sid: str) -> Mapping[str, Any] | None:
    """Return the statement with a Sid, None when there is none."""
    return next((one for one in statements(document or {}) if one.get("Sid") == sid), None)


def with_statement(document: Document | None, ours: Mapping[str, Any]) -> Document:
    """Return a document with our statement in the place of the one with its Sid, or behind all others."""
    others = [one for one in statements(document or {}) if one.get("Sid") != ours["Sid"]]
    return {**(document or {"Version": VERSION}), "Statement": [*others, ours]}


def without_statement(document: Document, sid: str) -> Document | None:
    """Return a document without the statement of a Sid, None when nothing else is left in it."""
    others = [one for one in statements(document) if one.get("Sid") != sid]
    return {**document, "Statement": others} if others else None


def statements(document: Document) -> list[Mapping[str, Any]]:
    """Return the statements of a document, which may hold a single one without a list."""
    found = document.get("Statement") or []
    return [found] if isinstance(found, Mapping) else [one for one in found if isinstance(one, Mapping)]


def same(one: Document | None, other: Document | None) -> bool:
    """Return whether two documents say the same: order and single values without a list do not count."""
    return one is not None and other is not None and _normal(one) == _normal(other)


def same_statement(one: Mapping[str, Any] | None, other: Mapping[str, Any]) -> bool:
    """Return whether two statements say the same."""
    return one is not None and _plain(one) == _plain(other)


def reaches_registries(document: Document) -> bool:
    """Return whether a document allows anything at ECR, in whatever words: such a policy is more than a reader's own."""
    services = ("ecr:getauthorizationtoken", "ecr:putimage", "ecr:batchgetimage", "ecr-public:putimage")
    for one in statements(document):
        actions = [str(action).lower() for action in _listed(one.get("Action"))]
        named = any(action.startswith(("ecr:", "ecr-public:")) for action in actions)
        by_pattern = any(fnmatchcase(service, action) for service in services for action in actions)
        if one.get("Effect") == "Allow" and (named or by_pattern or "NotAction" in one):
            return True
    return False


def text(document: Document) -> str:
    """Return a document as short as it can be written: IAM limits its size."""
    return json.dumps(document, separators=(",", ":"))


def _document(parts: Sequence[Mapping[str, Any]]) -> Document:
    return {"Version": VERSION, "Statement": list(parts)}


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Mapping[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _normal(document: Document) -> Any:
    return {**document, "Statement": sorted(map(_plain, statements(document)))}


def _plain(one: Mapping[str, Any]) -> str:
    return json.dumps({name: _sorted(value) for name, value in one.items()}, sort_keys=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(each) for name, each in value.items()}
    return sorted(map(str, value)) if isinstance(value, list | tuple) else [value]


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
