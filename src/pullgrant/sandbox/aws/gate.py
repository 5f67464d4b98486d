"""Who may do what at ECR's private registries: the sandbox's registry asks, the policies answer, at every request.

Refusals in the words of aws-actions/amazon-ecr-login#232 and ministryofjustice/cloud-platform#7245.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pullgrant.sandbox.aws.addresses import RegistryHost, partition_of, registry_host
from pullgrant.sandbox.aws.desk import Desk, sentence
from pullgrant.sandbox.aws.ecr import Ecr
from pullgrant.sandbox.aws.rights import Resource
from pullgrant.sandbox.aws.state import Caller
from pullgrant.sandbox.country import Visitor
from pullgrant.sandbox.exchange import Response

# docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html and repository-policy-examples.html. An upload is judged by
# its first step.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "pull": ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    "push": (
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:BatchCheckLayerAvailability",
        "ecr:PutImage",
    ),
    "delete": ("ecr:BatchDeleteImage",),
    "image": ("ecr:BatchGetImage",),
    "layer": ("ecr:GetDownloadUrlForLayer",),
    "list": ("ecr:ListImages",),
    "upload": ("ecr:InitiateLayerUpload",),
    "put": ("ecr:PutImage",),
}
_ALL = tuple(dict.fromkeys(name for names in NEEDED.values() for name in names))
_EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsVisitor(Visitor):
    """A caller that signed in with its token."""

    caller: Caller


class EcrGate:
    """The gate of all private registry hosts."""

    style: Literal["basic"] = "basic"
    service = "ecr.amazonaws.com"
    realm_path = "/"
    asks: Mapping[str, str] = {"manifest": "image", "blob": "layer", "tags": "list", "upload": "upload", "put": "put"}

    def __init__(self, desk: Desk, ecr: Ecr) -> None:
        self._desk, self._ecr = desk, ecr

    def serves(self, host: str) -> bool:
        """Say whether this is a private registry host."""
        return registry_host(host) is not None

    def images(self, host: str) -> Mapping[str, Sequence[str]]:
        """Return the repositories of an account in a region."""
        place = _place(host)
        with self._desk.world.lock:
            return dict(self._desk.state.images.get((place.account, place.region), {}))

    def sign_in(self, host: str, username: str, password: str) -> Visitor | None:
        """Return whose token this is, None for any other user name and for a token of another region."""
        with self._desk.world.lock:
            token = self._desk.state.tokens.get(password)
            if username != "AWS" or token is None or token.region != _place(host).region:
                return None
            if token.ends_at <= self._desk.world.now():
                return None
            return AwsVisitor(name=token.caller.arn, caller=token.caller)

    def refused_login(self, host: str, username: str, password: str) -> Response | None:
        """Return the refusal of a token that has ended, None for any other."""
        with self._desk.world.lock:
            token = self._desk.state.tokens.get(password)
        return _refused(_EXPIRED) if username == "AWS" and token and token.region == _place(host).region else None

    def actions(self, host: str, visitor: Visitor | None, repository: str) -> frozenset[str]:
        """Return what the policies allow now."""
        if not isinstance(visitor, AwsVisitor):
            return frozenset()
        with self._desk.world.lock:
            verdicts = self._desk.rights.decide_all(visitor.caller, _ALL, self._repository(host, repository))
        return frozenset(each for each, names in NEEDED.items() if all(verdicts[name].allowed for name in names))

    def refusal(self, host: str, visitor: Visitor | None, repository: str, action: str) -> Response:
        """Return the refusal, which names the first action that is not allowed."""
        if not isinstance(visitor, AwsVisitor):
            return _refused("authentication required", "UNAUTHORIZED", 401)
        with self._desk.world.lock:
            resource = self._repository(host, repository)
            name, decision = self._desk.rights.explain(visitor.caller, NEEDED.get(action, NEEDED["pull"]), resource)
        return _refused(sentence(visitor.caller, name, resource.arn, decision))

    def _repository(self, host: str, name: str) -> Resource:
        place = _place(host)
        return self._ecr.repository(place.account, place.region, partition_of(place.region), name)


def _place(host: str) -> RegistryHost:
    return registry_host(host) or RegistryHost(account="", region="")


def _refused(words: str, code: str = "DENIED", status: int = 403) -> Response:
    return Response(status=status, json={"errors": [{"code": code, "message": words}]})
