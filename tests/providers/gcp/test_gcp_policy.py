"""Policies as values: what must never change, for any policy."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from pullgrant.providers.gcp import policy

EMAIL = "reader@demo.iam.gserviceaccount.com"
ME = f"serviceAccount:{EMAIL}"
ROLE = "roles/artifactregistry.reader"
OTHERS = ["user:a@example.com", "allUsers", "serviceAccount:other@demo.iam.gserviceaccount.com", f"{ME}.evil.example"]
MINE = [ME, f"deleted:{ME}?uid=7", f"deleted:{ME}"]
bindings = st.fixed_dictionaries(
    {
        "role": st.sampled_from([ROLE, "roles/owner", "roles/storage.objectViewer"]),
        "members": st.lists(st.sampled_from(OTHERS + MINE), min_size=1, unique=True),
    },
    optional={"condition": st.sampled_from([{"expression": "true"}, {"expression": "false", "title": "t"}])},
)
documents = st.fixed_dictionaries(
    {"etag": st.text(min_size=1)},
    optional={
        "version": st.sampled_from([1, 3]),
        "bindings": st.lists(bindings),
        "auditConfigs": st.just([{"service": "x"}]),
    },
)


def rights(document, *, without=()):
    return sorted(
        (binding["role"], str(binding.get("condition")), member)
        for binding in policy.bindings(document)
        for member in policy.members(binding)
        if member not in without
    )


def rest(document):
    return {name: value for name, value in document.items() if name not in ("bindings", "version")}


@given(documents)
def test_adding_changes_nothing_else(document):
    """Somebody else's right, a condition, the etag or an audit rule would change with ours, or a change be told falsely."""
    before = copy.deepcopy(document)
    after, changed = policy.with_member(document, ROLE, ME)
    assert (document, rest(after), changed) == (before, rest(before), not policy.holds(before, ROLE, ME))
    assert rights(after) == sorted([*rights(before), *([(ROLE, "None", ME)] if changed else [])])
    assert policy.with_member(after, ROLE, ME) == (after, False)


@given(documents, st.sampled_from([None, {ROLE}]))
def test_removing_changes_nothing_else(document, roles):
    """A binding of others would go, an empty one stay, or a member's deleted form survive."""
    before = copy.deepcopy(document)
    after, changed = policy.without_member(document, EMAIL, roles=roles)
    left = [right for right in rights(before) if right[2] not in MINE or (roles is not None and right[0] not in roles)]
    assert (document, rest(after), rights(after)) == (before, rest(before), left)
    assert changed == (rights(before) != rights(after))
    assert all(policy.members(binding) for binding in policy.bindings(after))


@given(documents)
def test_conditions_are_written_as_version_three(document):
    """Google would drop all conditions of the policy."""
    for after, changed in (policy.with_member(document, ROLE, ME), policy.without_member(document, EMAIL)):
        if changed and any(binding.get("condition") for binding in policy.bindings(document)):
            assert after["version"] == 3


def test_a_conditional_binding_is_not_the_grant():
    """A right that holds at times would be taken for the wanted one."""
    document = {"etag": "e", "bindings": [{"role": ROLE, "members": [ME], "condition": {"expression": "x"}}]}
    after, changed = policy.with_member(document, ROLE, ME)
    assert (changed, after["bindings"]) == (True, [*document["bindings"], {"role": ROLE, "members": [ME]}])
