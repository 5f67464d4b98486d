"""Secrets Manager: moto keeps the secrets, the policies are judged here."""

from __future__ import annotations

from pullgrant.sandbox.aws.calls import AwsCall
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.aws.state import Caller
from pullgrant.sandbox.exchange import Response


class SecretsManager:
    """Answers every operation of Secrets Manager that moto has."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, call: AwsCall, caller: Caller) -> Response:
        """Judge a call and let moto answer it."""
        account = caller.identity.account
        action = f"secretsmanager:{call.operation}"
        self._desk.demand(call, caller, action, self._resource(call, account))
        return self._desk.moto.call(call, account)

    def _resource(self, call: AwsCall, account: str) -> Resource:
        name = call.text("SecretId") or call.text("Name")
        held = self._desk.moto.secrets(account, call.region).secrets.get(name) if name else None
        if held is not None:
            tags = {tag["Key"]: tag["Value"] for tag in held.tags or []}
            return Resource(arn=held.arn, account=account, region=call.region, tags=tags)
        if name and not name.startswith("arn:"):
            # A secret's ARN ends in six random characters, which policies cover by `-??????`.
            name = f"arn:{call.partition}:secretsmanager:{call.region}:{account}:secret:{name}-AbCdEf"
        return Resource(arn=name or "*", account=account, region=call.region)
