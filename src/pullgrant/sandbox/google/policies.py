"""Reads and writes IAM policies the way every service of Google does: version, etag, members that must exist."""

from __future__ import annotations

import re

from pullgrant.sandbox.google.policy import Policy, decode_etag, encode_etag, new_etag, parse_bindings, refuse_unknown
from pullgrant.sandbox.google.refusal import Json, Refusal, invalid
from pullgrant.sandbox.google.rights import change_of
from pullgrant.sandbox.google.roles import ROLES
from pullgrant.sandbox.google.state import State
from pullgrant.sandbox.world import World

_OTHER_MEMBER = re.compile(
    r"all(?:Authenticated)?Users|(?:user|group):[^\s@:]+@[^\s@:]+|domain:[^\s@:]+|project(?:Owner|Editor|Viewer):[^\s:]+"
    r"|principal(?:Set)?://[^\s]+",
    re.ASCII,
)
_FIELDS = ("version", "bindings", "auditConfigs", "etag")
_STORAGE_FIELDS = ("kind", "resourceId")


class Policies:
    """The one reader and writer of policies."""

    def __init__(self, state: State, world: World) -> None:
        self._state = state
        self._world = world

    def read(self, policy: Policy, version: object = None) -> Json:
        """Return a policy for a reader who understands `version`. Raises Refusal for a version that does not exist."""
        return policy.json(_version(version))

    def write(self, policy: Policy, document: object, *, mask: str = "") -> Json:
        """Replace a policy and return the new one.

        Raises Refusal: ABORTED for an etag that is no longer current, INVALID_ARGUMENT for a document, role or member that
        cannot be. Without a mask only bindings change (discovery document cloudresourcemanager.v3, SetIamPolicyRequest).
        """
        if not isinstance(document, dict):
            raise invalid("Invalid value at 'policy'.")
        refuse_unknown(document, (*_FIELDS, *_STORAGE_FIELDS), "policy")
        self._check_etag(policy, document)
        bindings = parse_bindings(document.get("bindings") or [])
        version = _version(document.get("version"))
        if any(binding.condition for binding in bindings) and version < 3:
            raise invalid("A policy with conditional role bindings must have version 3.")
        for binding in bindings:
            if binding.role not in ROLES:
                raise invalid(f"Role {binding.role} is not supported for this resource.")
            for member in binding.members:
                self._check_member(member, policy)
        if self._world.settled(change_of(policy)):
            policy.before = policy.bindings
        if not mask or "bindings" in mask:
            policy.bindings = bindings
        if "auditConfigs" in mask or "audit_configs" in mask:
            policy.audit_configs = document.get("auditConfigs") or []
        policy.etag = new_etag()
        self._world.changed(change_of(policy))
        return policy.json(version)

    def _check_etag(self, policy: Policy, document: Json) -> None:
        """Refuse a lost race, and a writer of an older version that would lose conditions that it could not see."""
        etag = decode_etag(document.get("etag"))
        if etag is None:
            return
        if etag != policy.etag:
            raise Refusal(
                "ABORTED",
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. "
                f"The request's ETag '{encode_etag(etag)}' did not match the current policy's ETag "
                f"'{encode_etag(policy.etag)}'.",
            )
        if policy.conditional and _version(document.get("version")) < 3:
            raise invalid("The policy contains conditional role bindings: set its version to 3 to change it.")

    def _check_member(self, member: str, policy: Policy) -> None:
        if member in policy.members:
            return
        kind, _, email = member.partition(":")
        if kind == "serviceAccount":
            account = self._state.account(email)
            # An account is seen by IAM's policy store later than by IAM itself
            # (hashicorp/vault-plugin-secrets-gcp plugin/role_set.go).
            if account is None or account.email != email or not self._world.settled(f"google/member/{account.unique_id}"):
                raise invalid(f"Service account {email} does not exist.")
        elif not _OTHER_MEMBER.fullmatch(member):
            raise invalid(f"The member {member} is of an unknown type. Please set a valid type prefix for the member.")
        elif policy.resource.startswith("project/") and member in ("allUsers", "allAuthenticatedUsers"):
            raise invalid(f"Member {member} is not supported for this resource.")


def _version(version: object) -> int:
    if version in (None, "", 0, "0", 1, "1"):
        return 1
    if version in (3, "3"):
        return 3
    raise invalid(f"Invalid policy version {version}: valid versions are 0, 1 and 3.")
