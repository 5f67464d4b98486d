"""Conditions of role assignments."""

from __future__ import annotations

import pytest

from pullgrant.sandbox.azure.condition import UnreadableError, holds, parse
from sandbox.azure.talk import CONDITION

_BASE = "Microsoft.ContainerRegistry/registries/repositories"
_NAME = f"@Request[{_BASE}:name]"
READ, WRITE = f"{_BASE}/content/read", f"{_BASE}/content/write"
PREFIX = CONDITION.replace("StringEqualsIgnoreCase 'team/app'", "StringStartsWithIgnoreCase 'team/'")
TWO = CONDITION.replace("'team/app'))", f"'team/app' OR {_NAME} StringEqualsIgnoreCase 'app'))")
# As the documentation writes it, over several lines.
LINES = f"""
(
 (
  !(ActionMatches{{'{READ}'}})
  AND
  !(ActionMatches{{'{_BASE}/metadata/read'}})
 )
 OR
 (
  {_NAME} StringEqualsIgnoreCase 'team/app'
 )
)
"""
ANY = CONDITION.replace("StringEqualsIgnoreCase 'team/app'", "ForAnyOfAnyValues:StringEqualsIgnoreCase {'team/app', 'app'}")


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        (CONDITION, {"team/app"}),
        (CONDITION.lower().replace("stringequalsignorecase", "StringEqualsIgnoreCase"), set()),
        (LINES, {"team/app"}),
        (PREFIX, {"team/app", "team/other"}),
        (PREFIX.replace("'team/'", "'team'"), {"team/app", "team/other", "team2/app"}),
        (TWO, {"team/app", "app"}),
        (ANY, {"team/app", "app"}),
        (f"({_NAME} StringLikeIgnoreCase 'TEAM/*')", {"team/app", "team/other"}),
        (f"(!({_NAME} StringEquals 'app'))", {"team/app", "team/other", "team2/app"}),
        (f"(ActionMatches{{'{_BASE}/*'}})", {"app", "team/app", "team/other", "team2/app"}),
        (f"(ActionMatches{{'{WRITE}'}})", set()),
        (CONDITION.replace("content/read", "content/raed"), {"app", "team/app", "team/other", "team2/app"}),
    ],
)
def test_pulls(condition: str, allowed: set[str]) -> None:
    """A condition would let other repositories be pulled than Azure does; a wrong action name lets all of them through."""
    names = ("app", "team/app", "team/other", "team2/app")
    assert {name for name in names if holds(condition, "2.0", action=READ, repository=name)} == allowed


def test_other_actions_pass() -> None:
    """A condition on reading would hold for writing too: the role, not the condition, must refuse that."""
    assert holds(CONDITION, "2.0", action=WRITE, repository="app") is True


def test_names_ignore_case() -> None:
    """A comparison that ignores case would not."""
    assert holds(CONDITION.replace("team/app", "Team/App"), "2.0", action=READ, repository="team/app") is True


def test_without_condition() -> None:
    """An assignment without a condition would grant nothing."""
    assert holds(None, None, action=READ, repository="app") is True


@pytest.mark.parametrize("version", [None, "1.0", "2"])
def test_unknown_versions_grant_nothing(version: str | None) -> None:
    """A condition in an unknown version would be guessed at."""
    assert holds(CONDITION, version, action=READ, repository="team/app") is False


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "()",
        "(",
        "true",
        CONDITION[:-1],
        f"{CONDITION} extra",
        f"({_NAME})",
        f"({_NAME} StringEqualsIgnoreCase)",
        f"({_NAME} StringEqualsIgnoreCase team/app)",
        f"({_NAME} StringMatches 'team/app')",
        f"({_NAME} StringEqualsIgnoreCase 'team/app",
        f"({_NAME} ForAnyOfAnyValues:StringEqualsIgnoreCase 'team/app')",
        f"({_NAME} StringEqualsIgnoreCase {{'team/app'}})",
        f"(@Resource[{_BASE}:name] StringEqualsIgnoreCase 'team/app')",
        "(@Request[Microsoft.Storage/storageAccounts:name] StringEquals 'team/app')",
        "(ActionMatches{})",
        f"(ActionMatches{{'{READ}')",
        f"(AND {_NAME} StringEquals 'team/app')",
        f"({_NAME} StringEquals 'team/app' # comment)",
    ],
)
def test_unreadable_conditions_grant_nothing(condition: str) -> None:
    """A condition that is not understood would let a pull through."""
    with pytest.raises(UnreadableError):
        parse(condition)
    assert holds(condition, "2.0", action=READ, repository="team/app") is False
