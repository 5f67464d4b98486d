"""STS: who am I, and sessions of roles.

Limits and refusals: docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pullgrant.sandbox.aws.calls import AwsCall, answer
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.refusal import Refusal, denied, unknown_operation
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.aws.state import Caller, Identity, Session, new_key_id, new_secret
from pullgrant.sandbox.exchange import Response

_ROLE = re.compile(r"arn:(?P<partition>[a-z-]+):iam::(?P<account>\d{12}):role/(?P<name>[\w+=,.@/-]+)", re.ASCII)
_CHAINED, _DEFAULT = 3600, 3600
_MEMBER = re.compile(r"PolicyArns\.member\.\d+\.arn", re.ASCII)


class Sts:
    """Answers GetCallerIdentity and AssumeRole."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, call: AwsCall, caller: Caller) -> Response:
        """Answer a call."""
        match call.operation:
            case "GetCallerIdentity":
                account = caller.identity.account
                return answer(call, {"Arn": caller.arn, "UserId": caller.user_id, "Account": account})
            case "AssumeRole":
                return self._assume(call, caller)
            case _:
                raise unknown_operation(call.shape, call.operation)

    def _assume(self, call: AwsCall, caller: Caller) -> Response:
        written, name = call.text("RoleArn"), call.text("RoleSessionName")
        found = _ROLE.fullmatch(written)
        if found is None or found["partition"] != call.partition:
            raise _wrong(f"{written} is invalid")
        seconds = int(call.text("DurationSeconds") or _DEFAULT)
        policies = self._policies(call, found["account"])
        role = self._role(call, caller, written)
        self._check_length(seconds, caller, role)
        session = self._open(role, name, seconds, policies)
        return answer(call, _credentials(session, Caller(identity=role, session=session)))

    def _role(self, call: AwsCall, caller: Caller, arn: str) -> Identity:
        """Return the role when the caller may assume it; an absent one is refused in the same words."""
        role = self._desk.books.by_arn(arn)
        words = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        if role is None:
            raise denied(call.shape, words)
        trust = self._desk.books.role_entry(role.account, role.partition, role.name).assume_role_policy_document
        context = {"sts:rolesessionname": call.text("RoleSessionName")}
        if external := call.text("ExternalId"):
            context["sts:externalid"] = external
        resource = Resource(
            arn=arn,
            account=role.account,
            region=call.region,
            thing=self._desk.trust_thing(arn),
            policy=trust,
            tags=self._desk.books.tags(role),
            must_allow=True,
        )
        if not self._desk.rights.decide(caller, "sts:AssumeRole", resource, context).allowed:
            raise denied(call.shape, words)
        return role

    def _check_length(self, seconds: int, caller: Caller, role: Identity) -> None:
        if caller.session is not None and seconds > _CHAINED:
            raise _wrong(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            )
        entry = self._desk.books.role_entry(role.account, role.partition, role.name)
        if seconds > int(entry.max_session_duration or _DEFAULT):
            raise _wrong("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")

    def _policies(self, call: AwsCall, account: str) -> tuple[Mapping[str, Any], ...]:
        texts = [text] if (text := call.text("Policy")) else []
        arns = [str(value) for name, value in call.parameters.items() if _MEMBER.fullmatch(name)]
        texts += [self._desk.books.managed(account, call.partition, arn) for arn in arns]
        try:
            documents = [json.loads(text) for text in texts]
        except ValueError:
            raise Refusal("MalformedPolicyDocument", "Syntax errors in policy.") from None
        if not all(isinstance(document, dict) and "Statement" in document for document in documents):
            raise Refusal("MalformedPolicyDocument", "Syntax errors in policy.")
        return tuple(documents)

    def _open(self, role: Identity, name: str, seconds: int, policies: tuple[Mapping[str, Any], ...]) -> Session:
        now = self._desk.world.now()
        session = Session(
            access_key_id=new_key_id("ASIA"),
            secret=new_secret(),
            token=secrets.token_urlsafe(250),
            identity=role,
            name=name,
            policies=policies,
            issued_at=now,
            expires_at=(now + timedelta(seconds=seconds)).replace(microsecond=0),
        )
        self._desk.state.sessions[session.access_key_id] = session
        return session


def _credentials(session: Session, who: Caller) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": f"{session.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        },
        "AssumedRoleUser": {"AssumedRoleId": who.user_id, "Arn": who.arn},
    }
    return found | ({"PackedPolicySize": 6} if session.policies else {})


def _wrong(words: str) -> Refusal:
    return Refusal("ValidationError", words)
