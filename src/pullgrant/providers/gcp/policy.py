"""IAM policies as values: who holds what, and the same policy with one member more or less.

Rules of the discovery document cloudresourcemanager.v3, Policy: the etag goes back as it came; a policy with a condition is
written as version 3, also when the last condition leaves it; an empty binding is not allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

Policy: TypeAlias = Mapping[str, Any]
VERSION = 3
EVERYBODY = "allUsers"
SIGNED_IN = "allAuthenticatedUsers"


def member_of(email: str) -> str:
    """Return how a policy names a service account."""
    return f"serviceAccount:{email}"


def holds(policy: Policy, role: str, member: str) -> bool:
    """Say whether the member holds the role without a condition."""
    return any(member in members(binding) for binding in _plain(policy, role))


def roles_of(policy: Policy, email: str) -> tuple[str, ...]:
    """Return the roles of a service account in this policy, with or without conditions, sorted."""
    member = member_of(email)
    return tuple(sorted({str(binding.get("role")) for binding in bindings(policy) if member in members(binding)}))


def is_public(policy: Policy, roles: Collection[str]) -> bool:
    """Say whether one of the roles is given to everybody, signed in or not, without a condition."""
    return any(holds(policy, role, EVERYBODY) for role in roles)


def is_open(policy: Policy) -> bool:
    """Say whether any role at all is given to everybody, or to everybody who is signed in, with a condition or without."""
    return any({EVERYBODY, SIGNED_IN} & set(members(binding)) for binding in bindings(policy))


def with_member(policy: Policy, role: str, member: str) -> tuple[Policy, bool]:
    """Return the policy in which `member` holds `role` without a condition, and whether that is a change.

    Conditional bindings of the same role stay as they are: a binding is known by (role, condition).
    """
    if holds(policy, role, member):
        return policy, False
    plain = _plain(policy, role)
    kept = list(bindings(policy))
    if plain:
        place = next(index for index, binding in enumerate(kept) if binding is plain[0])
        kept[place] = {**plain[0], "members": [*members(plain[0]), member]}
    else:
        kept.append({"role": role, "members": [member]})
    return _rewritten(policy, kept), True


def without_member(policy: Policy, email: str, *, roles: Collection[str] | None = None) -> tuple[Policy, bool]:
    """Return the policy in which the account holds none of `roles` (None: nothing at all), and whether that is a change.

    The form that a member takes when its account was deleted, `deleted:serviceAccount:EMAIL?uid=N`, goes as well.
    """
    kept: list[Mapping[str, Any]] = []
    changed = False
    for binding in bindings(policy):
        stay = [member for member in members(binding) if not _is(member, email)]
        if len(stay) == len(members(binding)) or (roles is not None and binding.get("role") not in roles):
            kept.append(binding)
            continue
        changed = True
        if stay:
            kept.append({**binding, "members": stay})
    return (_rewritten(policy, kept), True) if changed else (policy, False)


def bindings(policy: Policy) -> tuple[Mapping[str, Any], ...]:
    """Return the bindings of a policy."""
    return tuple(policy.get("bindings") or ())


def members(binding: Mapping[str, Any]) -> list[str]:
    """Return the members of a binding."""
    return list(binding.get("members") or ())


def _plain(policy: Policy, role: str) -> list[Mapping[str, Any]]:
    return [binding for binding in bindings(policy) if binding.get("role") == role and not binding.get("condition")]


def _is(member: str, email: str) -> bool:
    gone = f"deleted:{member_of(email)}"
    return member in (member_of(email), gone) or member.startswith(f"{gone}?uid=")


def _rewritten(policy: Policy, kept: list[Mapping[str, Any]]) -> Policy:
    conditional = any(binding.get("condition") for binding in (*bindings(policy), *kept))
    return {**policy, "bindings": kept, **({"version": VERSION} if conditional else {})}
