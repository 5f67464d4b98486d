"""Makes the calls to AWS and decides nothing: a method a call, refusals as errors of this project.

Roles and users have the same calls under two names; `kind` says which. What may be sent twice is repeated when it was throttled or
got no answer; a create is sent once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pullgrant.errors import PullgrantError, RateLimited, Unavailable
from pullgrant.kit.retry import Timer, retrying
from pullgrant.providers.ecr.answers import Step
from pullgrant.providers.ecr.found import Keys, Kind, Token, read_document, read_keys, read_session, read_token
from pullgrant.providers.ecr.hosts import Registry
from pullgrant.providers.ecr.sharing import SharedTokens
from pullgrant.providers.ecr.signin import Answer, Caller, SignIn, sent

PATH = "/pullgrant/"
_PATIENCE = timedelta(seconds=20)
_PAGES = 50


class Pool:
    """What all readers of one run share: a sign-in, with its clients, for each profile, and the tokens of roles."""

    def __init__(self) -> None:
        self.tokens = SharedTokens()
        self._making = threading.Lock()
        self._signed_in: dict[str, SignIn] = {}

    def sign_in(self, profile: str) -> SignIn:
        """Return the sign-in of a profile; nothing is looked for before it is used."""
        with self._making:
            return self._signed_in.setdefault(profile, SignIn(profile))


@dataclass(slots=True, kw_only=True)
class Seam:
    """One operator's calls about one registry."""

    registry: Registry
    sign_in: SignIn
    timer: Timer

    def caller(self) -> Caller:
        """Return who is signed in."""
        return self.sign_in.caller(self.registry.region)

    # Roles and users of the caller's account.

    def get_identity(self, kind: Kind, name: str) -> Mapping[str, Any]:
        """Return the Role or User, with its tags."""
        step = self._iam(f"look for the {kind} {name}", f"Get{kind.title()}", kind, name)
        return self._ask("iam", f"get_{kind}", step, **_named(kind, name))[kind.title()]  # type: ignore[no-any-return]

    def create_identity(self, kind: Kind, name: str, tags: Mapping[str, str], **more: Any) -> Mapping[str, Any]:
        """Return the new Role or User; its tags are on it from the first moment."""
        step = self._iam(f"create the {kind} {name}", f"Create{kind.title()}", kind, name, makes=True)
        found = self._ask("iam", f"create_{kind}", step, **_named(kind, name), Path=PATH, Tags=_tags(tags), **more)
        return found[kind.title()]  # type: ignore[no-any-return]

    def tag_identity(self, kind: Kind, name: str, tags: Mapping[str, str]) -> None:
        """Write tags beside those that are there."""
        step = self._iam(f"mark the {kind} {name}", f"Tag{kind.title()}", kind, name)
        self._ask("iam", f"tag_{kind}", step, **_named(kind, name), Tags=_tags(tags))

    def delete_identity(self, kind: Kind, name: str) -> None:
        """Delete a role or user that has nothing left."""
        step = self._iam(f"delete the {kind} {name}", f"Delete{kind.title()}", kind, name)
        self._ask("iam", f"delete_{kind}", step, **_named(kind, name))

    def set_trust(self, name: str, document: str) -> None:
        """Write a role's trust policy."""
        step = self._iam(f"change who may assume the role {name}", "UpdateAssumeRolePolicy", "role", name)
        self._ask("iam", "update_assume_role_policy", step, RoleName=name, PolicyDocument=document)

    def list_policies(self, kind: Kind, name: str) -> Sequence[str]:
        """Return the names of the inline policies."""
        step = self._iam(f"list the policies of {name}", f"List{kind.title()}Policies", kind, name)
        return self._pages("iam", f"list_{kind}_policies", step, "PolicyNames", **_named(kind, name))

    def get_policy(self, kind: Kind, name: str, policy: str) -> Mapping[str, Any]:
        """Return an inline policy; IAM gives documents with percent escapes, which boto3 has already read."""
        step = self._iam(f"read the policy {policy} of {name}", f"Get{kind.title()}Policy", kind, name)
        found = self._ask("iam", f"get_{kind}_policy", step, **_named(kind, name), PolicyName=policy)
        return read_document(found["PolicyDocument"])

    def put_policy(self, kind: Kind, name: str, policy: str, document: str) -> None:
        """Write an inline policy."""
        step = self._iam(f"give {name} its policy", f"Put{kind.title()}Policy", kind, name)
        self._ask("iam", f"put_{kind}_policy", step, **_named(kind, name), PolicyName=policy, PolicyDocument=document)

    def delete_policy(self, kind: Kind, name: str, policy: str) -> None:
        """Delete an inline policy."""
        step = self._iam(f"take the policy {policy} from {name}", f"Delete{kind.title()}Policy", kind, name)
        self._ask("iam", f"delete_{kind}_policy", step, **_named(kind, name), PolicyName=policy)

    def list_attached(self, kind: Kind, name: str) -> Sequence[str]:
        """Return the ARNs of the managed policies that are attached."""
        step = self._iam(f"list the policies attached to {name}", f"ListAttached{kind.title()}Policies", kind, name)
        found = self._pages("iam", f"list_attached_{kind}_policies", step, "AttachedPolicies", **_named(kind, name))
        return [str(one["PolicyArn"]) for one in found]

    def get_managed(self, arn: str) -> Mapping[str, Any]:
        """Return the document of a managed policy's version in force."""
        step = Step(doing=f"read the policy {arn}", action="iam:GetPolicyVersion", resource=arn, region=self.registry.region)
        policy = self._ask("iam", "get_policy", step, PolicyArn=arn)["Policy"]
        version = self._ask("iam", "get_policy_version", step, PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        return read_document(version["PolicyVersion"]["Document"])

    def detach(self, kind: Kind, name: str, arn: str) -> None:
        """Take a managed policy off."""
        step = self._iam(f"take the policy {arn} from {name}", f"Detach{kind.title()}Policy", kind, name)
        self._ask("iam", f"detach_{kind}_policy", step, **_named(kind, name), PolicyArn=arn)

    # Access keys of a user.

    def list_keys(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the AccessKeyMetadata of a user."""
        step = self._iam(f"list the keys of {name}", "ListAccessKeys", "user", name)
        return self._pages("iam", "list_access_keys", step, "AccessKeyMetadata", UserName=name)

    def create_key(self, name: str) -> Keys:
        """Return a new access key with its secret. Sent once."""
        step = self._iam(f"create a key for {name}", "CreateAccessKey", "user", name, makes=True)
        return read_keys(self._ask("iam", "create_access_key", step, UserName=name)["AccessKey"])

    def delete_key(self, name: str, key_id: str) -> None:
        """Delete an access key."""
        step = self._iam(f"delete the key {key_id} of {name}", "DeleteAccessKey", "user", name)
        self._ask("iam", "delete_access_key", step, UserName=name, AccessKeyId=key_id)

    # Sessions and tokens.

    def assume(self, arn: str, session: str, seconds: int) -> Keys:
        """Return a session of a role, `seconds` long."""
        step = Step(doing=f"act as the role {arn}", action="sts:AssumeRole", resource=arn, region=self.registry.region)
        answer = self._ask("sts", "assume_role", step, RoleArn=arn, RoleSessionName=session, DurationSeconds=seconds)
        return read_session(answer["Credentials"])

    def token(self, keys: Keys) -> Token:
        """Return a registry token of whoever holds these keys."""
        service = "ecr-public" if self.registry.public else "ecr"
        action = f"{service}:GetAuthorizationToken"
        step = Step(doing="take a registry token as the reader", action=action, region=self.registry.region, as_reader=True)
        client = self.sign_in.client_as(service, keys.shown(), **self._place())
        try:
            return read_token(sent(client.get_authorization_token, step), step.doing)
        finally:
            client.close()

    # The registry.

    def list_repositories(self, names: Sequence[str] = ()) -> Sequence[Mapping[str, Any]]:
        """Return the named repositories, or some of all when none is named; raises NotFound for a missing one."""
        words = f"look for {', '.join(names)}" if names else "list the repositories"
        step = self._ecr(f"{words} in {self.registry.host}", "DescribeRepositories", names)
        more: dict[str, Any] = {"repositoryNames": list(names)} if names else {"maxResults": 100}
        return list(self._ask(self._service, "describe_repositories", step, **self._of_account(), **more)["repositories"])

    def list_images(self, repository: str) -> Sequence[Mapping[str, Any]]:
        """Return some images of a repository."""
        step = self._ecr(f"list the images of {repository}", "DescribeImages", (repository,))
        found = self._ask(
            self._service, "describe_images", step, **self._of_account(), repositoryName=repository, maxResults=100
        )
        return list(found["imageDetails"])

    def get_repository_policy(self, repository: str) -> Mapping[str, Any]:
        """Return the policy of a repository; raises NoPolicy when it has none."""
        step = self._ecr(f"read the policy of {repository}", "GetRepositoryPolicy", (repository,))
        found = self._ask("ecr", "get_repository_policy", step, **self._of_account(), repositoryName=repository)
        return read_document(found["policyText"])

    def set_repository_policy(self, repository: str, document: str) -> None:
        """Replace the whole policy of a repository: there is no etag."""
        step = self._ecr(f"change the policy of {repository}", "SetRepositoryPolicy", (repository,))
        self._ask("ecr", "set_repository_policy", step, **self._of_account(), repositoryName=repository, policyText=document)

    def delete_repository_policy(self, repository: str) -> None:
        """Take a repository's policy away."""
        step = self._ecr(f"take away the policy of {repository}", "DeleteRepositoryPolicy", (repository,))
        self._ask("ecr", "delete_repository_policy", step, **self._of_account(), repositoryName=repository)

    @property
    def _service(self) -> str:
        return "ecr-public" if self.registry.public else "ecr"

    def _of_account(self) -> dict[str, str]:
        return {} if self.registry.public else {"registryId": self.registry.account}

    def _place(self) -> dict[str, Any]:
        return {"region": self.registry.region, "fips": self.registry.fips, "dual_stack": self.registry.dual_stack}

    def _ask(self, service: str, method: str, step: Step, **parameters: Any) -> Answer:
        place = self._place() if service.startswith("ecr") else {"region": self.registry.region}

        def once() -> Answer:
            return sent(getattr(self.sign_in.client(service, **place), method), step, **parameters)

        def again(error: PullgrantError) -> bool:
            return isinstance(error, RateLimited) or (type(error) is Unavailable and not step.makes)

        return retrying(once, timer=self.timer, budget=_PATIENCE, when=again)

    def _pages(self, service: str, method: str, step: Step, part: str, **parameters: Any) -> list[Any]:
        found: list[Any] = []
        more: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = self._ask(service, method, step, **parameters, **more)
            found += answer[part]
            if not answer.get("IsTruncated"):
                break
            more = {"Marker": answer["Marker"]}
        return found

    def _iam(self, doing: str, action: str, kind: Kind, name: str, *, makes: bool = False) -> Step:
        arn = f"arn:{self.registry.partition}:iam::*:{kind}/*{name}"  # IAM judges an absent one without its path
        return Step(doing=doing, action=f"iam:{action}", resource=arn, region=self.registry.region, makes=makes)

    def _ecr(self, doing: str, action: str, names: Sequence[str]) -> Step:
        resource = self.registry.arn(names[0] if names else "*") if not self.registry.public else "*"
        return Step(doing=doing, action=f"{self._service}:{action}", resource=resource, region=self.registry.region)


def _named(kind: Kind, name: str) -> dict[str, str]:
    return {f"{kind.title()}Name": name}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
