"""IAM: moto keeps the books; who may write in them, who is a principal, quotas and late visibility are judged here.

Quotas: docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pullgrant.sandbox.aws.books import grants_thing, key_thing
from pullgrant.sandbox.aws.calls import AwsCall
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.principals import refuse_strangers
from pullgrant.sandbox.aws.refusal import Refusal
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.aws.simulation import simulate
from pullgrant.sandbox.aws.state import Caller, Identity, new_key_id
from pullgrant.sandbox.exchange import Response

_OF_CALLER = frozenset(
    {"CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey", "GetUser", "UpdateUser", "DeleteUser"}
)
_MOST_INLINE = {"user": 2048, "role": 10240}
_MOST_TRUST = 2048
_CREATED = re.compile(r"(?<=<CreateDate>)[^<]*(?=</CreateDate>)")


class Iam:
    """Answers every operation of IAM that moto has."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, call: AwsCall, caller: Caller) -> Response:
        """Judge a call, let moto do it, and note what changed."""
        call = _for_caller(call, caller)
        entity = self._entity(call, caller)
        self._desk.demand(call, caller, f"iam:{call.operation}", self._resource(call, caller, entity))
        if call.operation == "SimulatePrincipalPolicy":
            return simulate(self._desk, call, caller)
        self._check(call, caller, entity)
        before = self._seen_of(entity)
        done = self._desk.moto.call(call, caller.identity.account)
        if done.status >= 300:
            return done
        done = self._dated(call, caller, done)
        after = self._seen_of(entity or self._entity(call, caller))
        for thing in {**before, **after}:
            if before.get(thing) != after.get(thing):
                self._desk.late.changed(thing, before.get(thing))
        return done

    def _entity(self, call: AwsCall, caller: Caller) -> Identity | None:
        account, books = caller.identity.account, self._desk.books
        if role := call.text("RoleName"):
            return books.role(account, call.partition, role)
        if user := call.text("UserName"):
            return books.user(account, call.partition, user)
        return None

    def _resource(self, call: AwsCall, caller: Caller, entity: Identity | None) -> Resource:
        account = caller.identity.account
        if entity is not None:
            return Resource(arn=entity.arn, account=account, tags=self._desk.books.tags(entity))
        names = (("group", "GroupName"), ("role", "RoleName"), ("user", "UserName"), ("policy", "PolicyName"))
        for kind, parameter in names:
            if name := call.text(parameter):
                path = call.text("Path") or "/"
                return Resource(arn=f"arn:{call.partition}:iam::{account}:{kind}{path}{name}", account=account)
        return Resource(arn=call.text("PolicyArn") or "*", account=account)

    def _check(self, call: AwsCall, caller: Caller, entity: Identity | None) -> None:
        """Refuse what moto would take."""
        creates = call.operation in ("CreateUser", "CreateRole")
        if entity is not None and not creates and not self._desk.visible(entity):
            raise _absent(entity.kind, entity.name)
        if creates:
            self._check_name(call, caller)
        if text := call.text("AssumeRolePolicyDocument") or (
            call.text("PolicyDocument") if call.operation == "UpdateAssumeRolePolicy" else ""
        ):
            self._check_trust(call, text)
        elif entity is not None and call.operation in ("PutUserPolicy", "PutRolePolicy"):
            self._check_size(call, entity)

    def _check_name(self, call: AwsCall, caller: Caller) -> None:
        """Names are unique without regard to case."""
        backend = self._desk.moto.iam(caller.identity.account, call.partition)
        kind = call.operation.removeprefix("Create")
        held = backend.users.values() if kind == "User" else backend.roles.values()
        name = call.text(f"{kind}Name")
        if any(each.name.casefold() == name.casefold() for each in held):
            raise Refusal("EntityAlreadyExists", f"{kind} with name {name} already exists.", 409)

    def _check_trust(self, call: AwsCall, text: str) -> None:
        if _size(text) > _MOST_TRUST:
            raise Refusal("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_MOST_TRUST}", 409)
        _check_words(text)
        for stranger in refuse_strangers(self._desk, text, call.partition):
            words = f'Invalid principal in policy: "AWS":"{stranger}"'
            raise Refusal("MalformedPolicyDocument", words)

    def _check_size(self, call: AwsCall, entity: Identity) -> None:
        backend = self._desk.moto.iam(entity.account, entity.partition)
        books = self._desk.books
        holder = (
            backend.users[entity.name]
            if entity.kind == "user"
            else books.role_entry(entity.account, entity.partition, entity.name)
        )
        policies: Mapping[str, str] = {**holder.policies, call.text("PolicyName"): call.text("PolicyDocument")}
        most = _MOST_INLINE[entity.kind]
        if sum(_size(text) for text in policies.values()) > most:
            words = f"Maximum policy size of {most} bytes exceeded for {entity.kind} {entity.name}"
            raise Refusal("LimitExceeded", words, 409)

    def _seen_of(self, entity: Identity | None) -> dict[str, Any]:
        """Return everything of a user or role that readers may see late."""
        if entity is None:
            return {}
        books = self._desk.books
        grants = books.grants(entity)
        found: dict[str, Any] = {grants_thing(entity.arn): grants}
        found[self._desk.entity_thing(entity.arn)] = grants.id
        if entity.kind == "user":
            return found | {key_thing(key_id): entry for key_id, entry in books.keys(entity).items()}
        role = books.role_entry(entity.account, entity.partition, entity.name)
        return found | {self._desk.trust_thing(entity.arn): role.assume_role_policy_document if role else None}

    def _dated(self, call: AwsCall, caller: Caller, done: Response) -> Response:
        """Let what was made be of the world's time, and users have ids of AWS's form."""
        if call.operation not in ("CreateUser", "CreateRole", "CreateAccessKey"):
            return done
        backend = self._desk.moto.iam(caller.identity.account, call.partition)
        now, body = self._desk.world.now().replace(tzinfo=None, microsecond=0), done.body.decode()
        if call.operation == "CreateRole":
            made = self._desk.books.role_entry(caller.identity.account, call.partition, call.text("RoleName"))
        else:
            made = backend.users[call.text("UserName")]
        if call.operation == "CreateUser":
            old, made.id = made.id, new_key_id("AIDAX")
            body = body.replace(f"<UserId>{old}</UserId>", f"<UserId>{made.id}</UserId>")
        elif call.operation == "CreateAccessKey":
            made = made.access_keys[-1]
        made.create_date = now
        return replace(done, body=_CREATED.sub(f"{now:%Y-%m-%dT%H:%M:%SZ}", body).encode())


def _for_caller(call: AwsCall, caller: Caller) -> AwsCall:
    """Return a call with the caller as its user when it names none. Raises Refusal for a caller that is no user."""
    if call.operation not in _OF_CALLER or call.text("UserName"):
        return call
    if caller.identity.kind != "user":
        raise Refusal("ValidationError", "Must specify userName when calling with non-User credentials")
    return replace(call, parameters={**call.parameters, "UserName": caller.identity.name})


def _check_words(text: str) -> None:
    """Judge a trust policy as moto does when it is changed; when a role is made it takes anything."""
    from moto.core.exceptions import ServiceException
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

    try:
        IAMTrustPolicyDocumentValidator(text).validate()
    except ServiceException as wrong:
        raise Refusal("MalformedPolicyDocument", wrong.message) from None


def _absent(kind: str, name: str) -> Refusal:
    return Refusal("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)


def _size(document: str) -> int:
    """Return the size by which IAM counts: without white space."""
    try:
        return len(json.dumps(json.loads(document), separators=(",", ":")))
    except ValueError:
        return len(document)
