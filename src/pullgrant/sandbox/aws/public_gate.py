"""Who may do what at public.ecr.aws: everybody pulls, a caller's own policies say who pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pullgrant.sandbox.aws import first_day
from pullgrant.sandbox.aws.desk import Desk, sentence
from pullgrant.sandbox.aws.ecr_public import repository as public_repository
from pullgrant.sandbox.aws.gate import AwsVisitor
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.country import Visitor
from pullgrant.sandbox.exchange import Response

_HOSTS = ("public.ecr.aws", "ecr-public.aws.com")
_PUSH = "ecr-public:InitiateLayerUpload"


class PublicGate:
    """The gate of the public registry."""

    style: Literal["opaque"] = "opaque"
    realm_path = "/token/"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def serves(self, host: str) -> bool:
        """Say whether this is the public registry."""
        return host in _HOSTS

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """Return alias/repository -> tags."""
        return first_day.PUBLIC_IMAGES

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """Return whose token this is, None for one that was made for private registries."""
        with self._desk.world.lock:
            token = self._desk.state.tokens.get(password)
            if username != "AWS" or token is None or token.region or token.ends_at <= self._desk.world.now():
                return None
            return AwsVisitor(name=token.caller.arn, caller=token.caller)

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """Return `pull` for everybody, and all for who may push."""
        if not isinstance(visitor, AwsVisitor):
            return frozenset({"pull"})
        with self._desk.world.lock:
            pushes = self._desk.rights.decide(visitor.caller, _PUSH, _resource(repository)).allowed
        return frozenset({"pull", "push"}) if pushes else frozenset({"pull"})

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """Return the refusal of a push."""
        if not isinstance(visitor, AwsVisitor):
            return _refused("UNAUTHORIZED", "Not Authorized", 401)
        resource = _resource(repository)
        with self._desk.world.lock:
            name, decision = self._desk.rights.explain(visitor.caller, [_PUSH], resource)
        return _refused("DENIED", sentence(visitor.caller, name, resource.arn, decision), 403)


def _resource(path: str) -> Resource:
    alias, _, name = path.partition("/")
    account = next((each for each, held in first_day.PUBLIC_ALIASES.items() if held == alias), "")
    return public_repository(account, name)


def _refused(code: str, words: str, status: int) -> Response:
    return Response(status=status, json={"errors": [{"code": code, "message": words}]})
