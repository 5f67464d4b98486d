"""ECR Public: a token for public.ecr.aws, and the account's own registry there; the API lives in two regions.

docs.aws.amazon.com/AmazonECRPublic/latest/APIReference and docs.aws.amazon.com/general/latest/gr/ecr-public.html.
"""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta

from pullgrant.sandbox.aws import first_day
from pullgrant.sandbox.aws.calls import AwsCall, answer
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.refusal import Refusal, unknown_operation
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.aws.state import Caller, Token
from pullgrant.sandbox.exchange import Response

REGIONS = ("us-east-1", "us-west-2")
_LIFE = timedelta(hours=12)
_PASSWORD_BYTES = 1200


class EcrPublic:
    """Answers GetAuthorizationToken, DescribeRegistries and DescribeRepositories."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, call: AwsCall, caller: Caller) -> Response:
        """Answer a call."""
        if call.region not in REGIONS:
            raise Refusal("UnsupportedCommandException", f"{call.operation} command is only supported in us-east-1.")
        match call.operation:
            case "GetAuthorizationToken":
                return self._token(call, caller)
            case "DescribeRegistries":
                return self._registries(call, caller)
            case "DescribeRepositories":
                return self._repositories(call, caller)
            case _:
                raise unknown_operation(call.shape, call.operation)

    def _token(self, call: AwsCall, caller: Caller) -> Response:
        for action in ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"):
            self._desk.demand(call, caller, action, self._all(caller, call))
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        expires_at = (self._desk.world.now() + _LIFE).replace(microsecond=0)
        self._desk.state.tokens[password] = Token(caller=caller, region="", expires_at=expires_at)
        encoded = base64.b64encode(f"AWS:{password}".encode()).decode()
        return answer(call, {"authorizationData": {"authorizationToken": encoded, "expiresAt": expires_at.timestamp()}})

    def _registries(self, call: AwsCall, caller: Caller) -> Response:
        self._desk.demand(call, caller, "ecr-public:DescribeRegistries", self._all(caller, call))
        account = caller.identity.account
        alias = first_day.PUBLIC_ALIASES.get(account)
        named = {"status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}
        registry = {
            "registryId": account,
            "registryArn": f"arn:aws:ecr-public::{account}:registry/{account}",
            "registryUri": f"public.ecr.aws/{alias}" if alias else "",
            "verified": False,
            "aliases": [{"name": alias, **named}] if alias else [],
        }
        return answer(call, {"registries": [registry]})

    def _repositories(self, call: AwsCall, caller: Caller) -> Response:
        account = call.text("registryId") or caller.identity.account
        alias = first_day.PUBLIC_ALIASES.get(account, "")
        held = [name for name in first_day.PUBLIC_IMAGES if alias and name.startswith(f"{alias}/")]
        asked = call.parameters.get("repositoryNames") or [name.partition("/")[2] for name in held]
        for name in asked:
            self._desk.demand(call, caller, "ecr-public:DescribeRepositories", repository(account, str(name)))
            if f"{alias}/{name}" not in held:
                words = f"The repository with name '{name}' does not exist in the registry with id '{account}'"
                raise Refusal("RepositoryNotFoundException", words)
        return answer(call, {"repositories": [_described(account, alias, str(name)) for name in asked]})

    def _all(self, caller: Caller, call: AwsCall) -> Resource:
        return Resource(arn="*", account=caller.identity.account, region=call.region)


def repository(account: str, name: str) -> Resource:
    """Return a public repository as the judges know it; public registries have no region."""
    return Resource(arn=f"arn:aws:ecr-public::{account}:repository/{name}", account=account)


def _described(account: str, alias: str, name: str) -> dict[str, object]:
    return {
        "repositoryArn": f"arn:aws:ecr-public::{account}:repository/{name}",
        "registryId": account,
        "repositoryName": name,
        "repositoryUri": f"public.ecr.aws/{alias}/{name}",
    }
