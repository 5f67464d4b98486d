"""Roles, conditions and scopes."""

from pullgrant.providers.azure import condition

ONE = (
    "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'})"
    " AND !(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/metadata/read'}))"
    " OR (@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase 'hello-world'))"
)


def test_condition_of_one_repository() -> None:
    """If it failed, Azure would read the condition otherwise than its documentation writes it."""
    assert condition.condition(["hello-world"]) == ONE


def test_several_repositories_are_alternatives() -> None:
    """If it failed, a reader of two repositories could pull neither, or everything."""
    name = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]"
    assert condition.condition(["a", "b/*"]) == ONE.replace(
        f"{name} StringEqualsIgnoreCase 'hello-world'",
        f"{name} StringEqualsIgnoreCase 'a' OR {name} StringStartsWithIgnoreCase 'b/'",
    )


def test_prefix_keeps_its_slash() -> None:
    """If it failed, `backend/*` would let backend2 in."""
    assert "StringStartsWithIgnoreCase 'backend/'" in condition.condition(["backend/*"])
    assert condition.covers(["backend/*"], "backend/api")
    assert not condition.covers(["backend/*"], "backend2/api")
    assert not condition.covers(["backend"], "backend/api")
    assert condition.covers([], "anything")


def test_role_follows_the_mode() -> None:
    """If it failed, a registry in ABAC mode would get AcrPull, which does nothing there."""
    assert condition.wanted(abac=False, repositories=[]) == condition.Wanted(role="7f951dda-4ed3-4680-a7ca-43fe172d538d")
    assert condition.wanted(abac=True, repositories=[]) == condition.Wanted(role="b93aa761-3e63-49ed-ac28-beffa264f7ac")
    assert condition.wanted(abac=True, repositories=["hello-world"]).condition == ONE


def test_same_condition_over_lines() -> None:
    """If it failed, a condition that the portal wrote would be written again each time."""
    assert condition.same(ONE, ONE.replace(" ", "\n  "))
    assert not condition.same(ONE, "")
    assert not condition.same(ONE, condition.condition(["hello-world2"]))


def test_actions_of_a_scope_map() -> None:
    """If it failed, a token could not pull, or could do more."""
    assert condition.actions(["team/app", "lib/*"]) == (
        "repositories/team/app/content/read",
        "repositories/team/app/metadata/read",
        "repositories/lib/*/content/read",
        "repositories/lib/*/metadata/read",
    )
    assert condition.actions([]) == ("repositories/*/content/read", "repositories/*/metadata/read")
