"""GitLab: options, what stands in the way, and the day on which a token ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.errors import NotFound, PermissionDenied, ProofFailed, UsageError
from pullgrant.model.mark import Mark
from pullgrant.providers.gitlab.settings import Settings
from pullgrant.providers.gitlab.tokens import creation


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("gitlab", monkeypatch) as opened:
        yield opened


@pytest.mark.parametrize(
    "more",
    [
        {"project": ""},
        {"group": "acme"},
        {"project": "acme/../app"},
        {"project": "acme app"},
        {"reader": "gitlab-deploy-token"},
        {"reader": "two words"},
        {"token": "hunter2"},
        {"expires_in": "12h"},
        {"registry": "not a host"},
        {"url": "http://gitlab.example"},
        {"image": "registry.gitlab.com/acme/other:v1"},
        {"image": "registry.gitlab.com/acme/apple:v1"},
    ],
)
def test_wrong_options(more: dict[str, Any]) -> None:
    """An option that cannot be right would be found out by GitLab, or never."""
    with pytest.raises(UsageError) as caught:
        Settings.parse(**{"project": "acme/app", **more})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "host"),
    [
        ({}, "registry.gitlab.com"),
        ({"url": "https://gitlab.example"}, "registry.gitlab.example"),
        ({"url": "https://gitlab.example:8443"}, "registry.gitlab.example"),
        ({"url": "https://gitlab.example", "registry": "gitlab.example:5050"}, "gitlab.example:5050"),
    ],
)
def test_the_registry(more: dict[str, Any], host: str) -> None:
    """A self-managed GitLab's registry would be looked for at another place than it mostly is."""
    settings = Settings.parse(project="Acme/App", **more)
    assert (settings.host, settings.to_reader().repositories) == (host, ("acme/app",))


@pytest.mark.parametrize("scope", [{"project": "acme/app"}, {"group": "acme"}])
def test_there_and_back(scope: dict[str, str]) -> None:
    """A rotation would read other settings from the ledger than the bootstrap wrote."""
    settings = Settings.parse(**scope, expires_in="30d", image="acme/app/worker:v1", reader="two")
    assert Settings.of(settings.to_reader()) == settings


@pytest.mark.parametrize(
    ("now", "ends"),
    [("2026-01-01T00:00:00", "2026-01-09"), ("2026-01-01T23:59:59", "2026-01-09")],
)
def test_a_token_lives_as_long_as_was_asked(now: str, ends: str) -> None:
    """A token would die at the midnight before its time."""
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    mark = Mark(reader="docker-reader", ledger="a", operation="b")
    body = creation(mark, at, timedelta(days=7))
    assert (body["expires_at"], body["scopes"]) == (f"{ends}T00:00:00Z", ["read_registry"])


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"project": "acme/none"}, NotFound, "acme/none"),
        ({"project": "acme/off"}, NotFound, "switched off"),
        ({"group": "none"}, NotFound, "none"),
        ({"project": "acme/app", "registry": "gitlab.com:5050"}, UsageError, "registry.gitlab.com"),
        ({"project": "acme/empty"}, ProofFailed, "no image in registry.gitlab.com/acme/empty yet"),
    ],
)
def test_what_stands_in_the_way(shop: Shop, options: dict[str, str], error: type[Exception], told: str) -> None:
    """A wrong name, a switched-off registry or another host would be found out late, or leave a token behind."""
    with pytest.raises(error) as caught:
        shop.bootstrap(shop.reader("gitlab", **options))
    assert (told in str(caught.value), shop.country("gitlab").state.tokens) == (True, {})


@pytest.mark.parametrize(
    ("who", "options", "role"),
    [("developer", {"project": "acme/app"}, "Maintainer"), ("maintainer", {"group": "acme"}, "Owner")],
)
def test_the_role_that_is_missing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, who: str, options: dict[str, str], role: str
) -> None:
    """An operator without the right would not learn which one."""
    monkeypatch.setenv("GITLAB_TOKEN", f"{shop.environment['GITLAB_TOKEN']}-{who}")
    with pytest.raises(PermissionDenied) as caught:
        shop.bootstrap(shop.reader("gitlab", **options))
    assert f"the role {role}" in caught.value.hint


def test_a_public_project_needs_nothing(shop: Shop) -> None:
    """A token would be made for what everybody may pull."""
    assert "is public" in shop.bootstrap(shop.reader("gitlab", project="acme/open")).plan.why


def test_a_group(shop: Shop) -> None:
    """A group's token would not reach its projects, or the user not be told how wide it is."""
    applied = shop.bootstrap(shop.reader("gitlab", group="acme"))
    assert applied.proof is not None
    assert (applied.proof.verdict, "every project below it" in applied.plan.remarks[0]) == ("proven", True)


def test_a_revoked_token_is_replaced(shop: Shop) -> None:
    """A reader whose token somebody revoked on GitLab's page would be called good."""
    wanted = shop.reader("gitlab", project="acme/app")
    shop.bootstrap(wanted)
    (token,) = shop.country("gitlab").state.tokens.values()
    token.revoked = True
    assert "is disabled" in shop.bootstrap(wanted).plan.why


def test_tokens_on_later_pages_are_found(shop: Shop) -> None:
    """Among many tokens ours would not be found, and another be made each time."""
    from pullgrant.sandbox.gitlab.state import DeployToken

    wanted = shop.reader("gitlab", project="acme/app")
    state = shop.country("gitlab").state
    for number in range(900, 1050):
        state.tokens[number] = DeployToken(
            id=number, owner="acme/app", name="other", username="other", scopes=("read_registry",), expires_at=None
        )
    shop.bootstrap(wanted)
    assert shop.bootstrap(wanted).receipts == ()
    assert len(state.tokens) == 151
