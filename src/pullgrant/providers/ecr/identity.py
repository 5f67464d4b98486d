"""The reader's own role or user in IAM: whose it is, what it may, and how that is made exactly as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import NotFound, OutcomeUnknown, PermissionDenied, PullgrantError, Refused, UsageError
from pullgrant.kit.together import all_of, together
from pullgrant.model.reader import Grant, Ownership
from pullgrant.providers.ecr import policy as policies
from pullgrant.providers.ecr.answers import AlreadyThere
from pullgrant.providers.ecr.found import read_document
from pullgrant.providers.ecr.seam import Seam
from pullgrant.providers.ecr.settings import Settings
from pullgrant.providers.ecr.signin import Caller

LEDGER_TAG, READER_TAG = "pullgrant-ledger", "pullgrant-reader"
DESCRIPTION = "Registry reader (pullgrant)"
LONGEST_SESSION = 43200  # seconds: the API model of sts-2011-06-15, AssumeRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the identity was found. `entity` None: not there. `beyond` are other policies of it that reach registries."""

    caller: Caller
    principal: str = ""
    entity: Mapping[str, Any] | None = None
    own: Mapping[str, Any] | None = None
    beyond: tuple[Grant, ...] = ()

    @property
    def arn(self) -> str:
        """The ARN of the identity, empty when it is not there."""
        return str((self.entity or {}).get("Arn", ""))

    @property
    def trust(self) -> Mapping[str, Any]:
        """Who may assume the role."""
        return read_document((self.entity or {}).get("AssumeRolePolicyDocument") or {})


class ReaderIdentity:
    """Does in IAM what ports.Provider asks, for one role or user."""

    def __init__(self, settings: Settings, seam: Seam, owner: str) -> None:
        self._settings, self._seam, self._owner = settings, seam, owner
        self._kind, self._name = settings.method, settings.reader
        self.wanted = policies.pull_document(settings)

    def look(self) -> Standing:
        """Look at everything at the same time. Raises UsageError when somebody of another account is signed in."""
        seam, kind, name = self._seam, self._kind, self._name
        (caller, principal), entity, names, own, attached = together(
            self._who,
            _tried(lambda: seam.get_identity(kind, name)),
            _tried(lambda: seam.list_policies(kind, name)),
            _tried(lambda: seam.get_policy(kind, name, policies.POLICY_NAME)),
            _tried(lambda: seam.list_attached(kind, name)),
        )
        self._check_account(caller)
        if isinstance(entity, NotFound):
            return Standing(caller=caller, principal=principal)
        found = _there(entity)
        beyond = self._beyond(_there(names) or (), _there(attached) or ())
        return Standing(caller=caller, principal=principal, entity=found, own=_there(own), beyond=beyond)

    def ownership(self, standing: Standing) -> Ownership:
        """Say whose the identity is, by its tags."""
        if standing.entity is None:
            return Ownership.ABSENT
        tags = {str(one["Key"]): str(one["Value"]) for one in standing.entity.get("Tags") or ()}
        if LEDGER_TAG not in tags:
            return Ownership.UNMARKED
        return Ownership.OURS if tags[LEDGER_TAG] == self._owner else Ownership.OTHER_LEDGER

    def granted(self, standing: Standing) -> bool:
        """Say whether its policy is exactly as wanted, and whoever is signed in may take its tokens."""
        trusts = self._kind == "user" or set(self._principals(standing)) <= set(policies.trusted(standing.trust))
        return policies.same(standing.own, self.wanted) and trusts

    def refusal(self, standing: Standing) -> Refused | None:
        """Return why whoever is signed in could never take a token, None for everybody else."""
        if self._kind == "role" and standing.principal.endswith(":root"):
            return Refused(
                "the root user of an AWS account cannot act as a role",
                hint="Sign in as a user or through IAM Identity Center, or give --method user.",
            )
        return None

    def create(self, standing: Standing) -> tuple[Standing, bool]:
        """Create the identity; return how it stands now, and whether it is new.

        When its name is taken, or no answer came, it is what is there under the name.
        """
        seam, tags = self._seam, {LEDGER_TAG: self._owner, READER_TAG: self._name}
        more: dict[str, Any] = {}
        if self._kind == "role":
            more = {
                "AssumeRolePolicyDocument": policies.text(policies.trust_document(None, self._principals(standing))),
                "MaxSessionDuration": LONGEST_SESSION,
                "Description": DESCRIPTION,
            }
        try:
            made = seam.create_identity(self._kind, self._name, tags, **more)
        except AlreadyThere:
            return self.look(), False
        except OutcomeUnknown as error:
            found = self.look()
            if found.entity is None:
                raise error from None
            return found, True
        told = [{"Key": key, "Value": value} for key, value in tags.items()]
        entity = {**made, "Tags": made.get("Tags") or told}
        return Standing(caller=standing.caller, principal=standing.principal, entity=entity), True

    def mark(self) -> None:
        """Put our mark on it."""
        self._seam.tag_identity(self._kind, self._name, {LEDGER_TAG: self._owner, READER_TAG: self._name})

    def give(self, standing: Standing) -> None:
        """Write its policy and its trust where they differ."""
        if not policies.same(standing.own, self.wanted):
            self._seam.put_policy(self._kind, self._name, policies.POLICY_NAME, policies.text(self.wanted))
        wanted = self._principals(standing)
        if self._kind == "role" and not set(wanted) <= set(policies.trusted(standing.trust)):
            self._seam.set_trust(self._name, policies.text(policies.trust_document(standing.trust or None, wanted)))

    def narrow(self, standing: Standing) -> None:
        """Take off every other policy that reaches registries."""
        for one in standing.beyond:
            kind, _, name = one.role.partition(" ")
            if kind == "inline":
                self._seam.delete_policy(self._kind, self._name, name)
            else:
                self._seam.detach(self._kind, self._name, name)

    def delete(self) -> None:
        """Delete it, after all that IAM wants gone first."""
        seam, kind, name = self._seam, self._kind, self._name
        names, attached = together(lambda: seam.list_policies(kind, name), lambda: seam.list_attached(kind, name))
        for policy in names:
            gone_is_done(lambda policy=policy: seam.delete_policy(kind, name, policy))  # type: ignore[misc]
        for arn in attached:
            gone_is_done(lambda arn=arn: seam.detach(kind, name, arn))  # type: ignore[misc]
        for key in seam.list_keys(name) if kind == "user" else ():
            gone_is_done(lambda key=key: seam.delete_key(name, str(key["AccessKeyId"])))  # type: ignore[misc]
        gone_is_done(lambda: seam.delete_identity(kind, name))

    def _who(self) -> tuple[Caller, str]:
        """Return the caller, and how a trust policy names it: STS leaves the path out of a role's name, IAM knows it."""
        caller = self._seam.caller()
        if not caller.role:
            return caller, caller.arn
        try:
            return caller, str(self._seam.get_identity("role", caller.role)["Arn"])
        except (NotFound, PermissionDenied):
            return caller, f"arn:{self._settings.registry.partition}:iam::{caller.account}:role/{caller.role}"

    def _principals(self, standing: Standing) -> Sequence[str]:
        return tuple(dict.fromkeys((standing.principal, *self._settings.trust)))

    def _check_account(self, caller: Caller) -> None:
        if caller.account != self._settings.account:
            raise UsageError(
                f"you are signed in to the AWS account {caller.account} as {caller.arn}, "
                f"and {self._name} lives in {self._settings.account}",
                hint="Choose the sign-in with --profile at bootstrap, or with AWS_PROFILE.",
            )

    def _beyond(self, names: Sequence[str], attached: Sequence[str]) -> tuple[Grant, ...]:
        seam, kind, name = self._seam, self._kind, self._name
        others = [one for one in names if one != policies.POLICY_NAME]
        inline = all_of(lambda one: seam.get_policy(kind, name, one), others)
        managed = all_of(seam.get_managed, attached)
        found = [(f"inline {policy}", document) for policy, document in zip(others, inline, strict=True)] + [
            (f"managed {arn}", document) for arn, document in zip(attached, managed, strict=True)
        ]
        return tuple(
            Grant(role=role, resource=f"{kind} {name}") for role, document in found if policies.reaches_registries(document)
        )


def gone_is_done(call: Callable[[], None]) -> None:
    """Make a call that takes something away; what is not there any more is done."""
    try:
        call()
    except NotFound:
        return


def _tried(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call with its error as a result: what one look lacks shall not lose what the others saw."""

    def tried() -> Any:
        try:
            return call()
        except PullgrantError as error:
            return error

    return tried


def _there(answer: Any) -> Any:
    """Return the answer, None for what does not exist. Raises any other error."""
    if isinstance(answer, NotFound):
        return None
    if isinstance(answer, PullgrantError):
        raise answer
    return answer
