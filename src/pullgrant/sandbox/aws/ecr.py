"""ECR's control plane: tokens are ours, repositories and their policies are kept by moto and judged here.

docs.aws.amazon.com/AmazonECR/latest/APIReference.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pullgrant.sandbox.aws import first_day
from pullgrant.sandbox.aws.addresses import domain_of
from pullgrant.sandbox.aws.calls import AwsCall, answer
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.principals import refuse_strangers
from pullgrant.sandbox.aws.refusal import Refusal
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.aws.state import Caller, Token
from pullgrant.sandbox.exchange import Response

LIFE = timedelta(hours=12)
PER_SECOND, BURST = 20.0, 200.0  # docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors.html
_PASSWORD_BYTES = 1200


class Ecr:
    """Answers ECR's operations."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, call: AwsCall, caller: Caller) -> Response:
        """Judge a call and answer it, or let moto answer it."""
        if call.operation == "GetAuthorizationToken":
            return self._token(call, caller)
        account = call.text("registryId") or caller.identity.account
        for resource in self._resources(call, account):
            self._desk.demand(call, caller, f"ecr:{call.operation}", resource)
        if call.operation == "SetRepositoryPolicy":
            self._check_policy(call)
        before = self.policy(account, call.region, call.text("repositoryName"))
        done = self._desk.moto.call(call, account)
        if done.status < 300:
            self._note(call, account, before)
        return _in_partition(done, call.region)

    def policy(self, account: str, region: str, name: str) -> str | None:
        """Return the text of a repository's policy, None when it has none."""
        entry = self._entry(account, region, name)
        return entry.policy if entry else None

    def repository(self, account: str, region: str, partition: str, name: str) -> Resource:
        """Return a repository as the judges know it."""
        arn = f"arn:{partition}:ecr:{region}:{account}:repository/{name}"
        return Resource(
            arn=arn,
            account=account,
            region=region,
            thing=f"aws/repository/{arn}",
            policy=self.policy(account, region, name),
            tags=self._tags(account, region, arn),
        )

    def _token(self, call: AwsCall, caller: Caller) -> Response:
        everything = Resource(arn="*", account=caller.identity.account, region=call.region)
        self._desk.demand(call, caller, "ecr:GetAuthorizationToken", everything)
        self._desk.meter(call, f"ecr/{caller.identity.account}/{call.region}", per_second=PER_SECOND, burst=BURST)
        asked = call.parameters.get("registryIds") or [caller.identity.account]
        given = [self._give(caller, call, str(each)) for each in asked]
        return answer(call, {"authorizationData": given})

    def _give(self, caller: Caller, call: AwsCall, registry: str) -> dict[str, Any]:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        expires_at = (self._desk.world.now() + LIFE).replace(microsecond=0)
        self._desk.state.tokens[password] = Token(caller=caller, region=call.region, expires_at=expires_at)
        return {
            "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": expires_at.timestamp(),
            "proxyEndpoint": f"https://{registry}.dkr.ecr.{call.region}.{domain_of(call.region)}",
        }

    def _resources(self, call: AwsCall, account: str) -> Sequence[Resource]:
        names = call.parameters.get("repositoryNames") or [call.text("repositoryName") or "*"]
        if arn := call.text("resourceArn"):
            names = [arn.partition(":repository/")[2]]
        return [self.repository(account, call.region, call.partition, str(name)) for name in names]

    def _check_policy(self, call: AwsCall) -> None:
        if list(refuse_strangers(self._desk, call.text("policyText"), call.partition)):
            raise _invalid("PolicyText", "Invalid repository policy provided")

    def _note(self, call: AwsCall, account: str, before: str | None) -> None:
        name, images = call.text("repositoryName"), self._desk.state.images
        held = images.setdefault((account, call.region), {})
        if call.operation == "CreateRepository":
            held[name] = ()
        elif call.operation == "DeleteRepository":
            held.pop(name, None)
        resource = self.repository(account, call.region, call.partition, name)
        if resource.policy != before:
            self._desk.late.changed(resource.thing, before)

    def _entry(self, account: str, region: str, name: str) -> Any:
        if account not in first_day.ACCOUNTS:
            return None
        return self._desk.moto.ecr(account, region).repositories.get(name)

    def _tags(self, account: str, region: str, arn: str) -> dict[str, str]:
        if account not in first_day.ACCOUNTS:
            return {}
        tags: dict[str, str] = self._desk.moto.ecr(account, region).tagger.get_tag_dict_for_resource(arn)
        return tags


def _invalid(name: str, words: str) -> Refusal:
    return Refusal("InvalidParameterException", f"Invalid parameter at '{name}' failed to satisfy constraint: '{words}'")


def _in_partition(done: Response, region: str) -> Response:
    """Return an answer with the domain of its partition: moto writes amazonaws.com everywhere."""
    domain = domain_of(region)
    if domain == "amazonaws.com" or b"repositoryUri" not in done.body:
        return done
    text = done.body.decode().replace(f".{region}.amazonaws.com/", f".{region}.{domain}/")
    return replace(done, body=json.dumps(json.loads(text)).encode())
