"""Quay: options, what stands in the way, and robots that somebody changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.errors import NotFound, PermissionDenied, ProofFailed, Refused, UsageError
from pullgrant.model.reader import Grant
from pullgrant.providers.quay.settings import Settings


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("quay", monkeypatch) as opened:
        yield opened


def parse(**more: Any) -> Settings:
    return Settings.parse(**{"organization": "acme", "repository": ["app"], **more})


@pytest.mark.parametrize(
    "more",
    [
        {"organization": "acme/app"},
        {"repository": []},
        {"repository": ["App"]},
        {"repository": ["../app"]},
        {"reader": "Docker"},
        {"token": "hunter2"},
        {"url": "http://quay.io"},
        {"image": "other:v1"},
        {"ca_file": "/none.pem"},
    ],
)
def test_wrong_options(more: dict[str, Any]) -> None:
    """An option that cannot be right would be found out by Quay, or never."""
    with pytest.raises(UsageError) as caught:
        parse(**more)
    assert "hunter2" not in str(caught.value)


def test_there_and_back() -> None:
    """A rotation would read other settings from the ledger than the bootstrap wrote."""
    settings = parse(repository=["acme/app", "other", "app"], image="acme/other:v1", url="https://quay.example:8443")
    assert (Settings.of(settings.to_reader()), settings.repositories) == (settings, ("app", "other"))
    assert settings.to_reader().repositories == ("acme/app", "acme/other")


def quay(shop: Shop, *repositories: str, **more: Any) -> Any:
    return shop.reader("quay", organization="acme", repository=repositories or ("app",), **more)


def test_what_stands_in_the_way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing repository or scope would leave a robot behind, or not be named."""
    good = shop.environment["QUAY_TOKEN"]
    with pytest.raises(NotFound, match="acme/none"):
        shop.bootstrap(quay(shop, "none"))
    for missing in ("org:admin", "repo:admin"):
        monkeypatch.setenv("QUAY_TOKEN", f"{good}-without-{missing.replace(':', '-')}")
        with pytest.raises(PermissionDenied) as caught:
            shop.bootstrap(quay(shop))
        assert missing in caught.value.hint
    assert shop.country("quay").state.organizations["acme"].robots == {}


def test_robots_switched_off(shop: Shop) -> None:
    """The administrator's decision would be told as a bug."""
    shop.country("quay").state.robots_disallowed = True
    with pytest.raises(Refused, match="Robot accounts have been disabled"):
        shop.bootstrap(quay(shop))


def test_a_refused_grant_takes_the_robot_back(shop: Shop) -> None:
    """A robot without its roles would be left behind with every try."""
    shop.fail("quay.changeUserPermissions", "403", body='{"message": "no"}')
    with pytest.raises(PermissionDenied):
        shop.bootstrap(quay(shop))
    assert shop.country("quay").state.organizations["acme"].robots == {}


def test_a_repository_without_images(shop: Shop) -> None:
    """A robot that could not be proven would be delivered."""
    with pytest.raises(ProofFailed, match="no image in empty yet"):
        shop.bootstrap(quay(shop, "empty"))


def test_a_public_repository_needs_nothing(shop: Shop) -> None:
    """A robot would be made for what everybody may pull."""
    assert "is public" in shop.bootstrap(quay(shop, "open")).plan.why
    assert shop.country("quay").state.organizations["acme"].robots == {}


def test_a_wider_scope_is_a_new_credential(shop: Shop) -> None:
    """A repository that was added would not be reached, or each later run make another robot."""
    shop.bootstrap(quay(shop))
    applied = shop.bootstrap(quay(shop, "app", "other"))
    robots = shop.country("quay").state.organizations["acme"].robots.values()
    assert (len(robots), [one.roles for one in robots]) == (2, [{"app": "read", "other": "read"}] * 2)
    assert applied.receipts != ()
    assert shop.bootstrap(quay(shop, "app", "other")).receipts == ()


def test_a_robot_that_was_widened_is_narrowed(shop: Shop) -> None:
    """A role, a repository or a team that somebody added to our robot would stay."""
    wanted = quay(shop)
    shop.bootstrap(wanted)
    (robot,) = shop.country("quay").state.organizations["acme"].robots.values()
    robot.roles |= {"app": "write", "other": "admin"}
    robot.teams.add("owners")
    with shop.ports(wanted) as ports:
        found = {(one.role, one.resource) for one in ports.provider.observe().excess}
    assert found == {("write", "app"), ("some role", "other"), ("member of a team", "owners")}
    shop.bootstrap(wanted)
    assert (robot.roles, robot.teams) == ({"app": "read"}, set())
    assert shop.bootstrap(wanted).receipts == ()


def test_the_list_is_asked_without_secrets(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look would bring all robots' secrets into this process."""
    from pullgrant.sandbox.quay.api import Api

    seen = []
    shown = Api._list_robots

    def listing(self: Any, token: Any, request: Any, match: Any) -> Any:
        seen.append(request.one("token"))
        return shown(self, token, request, match)

    monkeypatch.setattr(Api, "_list_robots", listing)
    with open_shop("quay", monkeypatch) as other:
        other.bootstrap(quay(other))
    assert set(seen) == {"false"}


def test_grants_are_what_was_asked(shop: Shop) -> None:
    """The plan would speak of another right than the one that is given."""
    with shop.ports(quay(shop, "app", "other")) as ports:
        assert ports.provider.observe().grant == Grant(role="read", resource="acme/app, acme/other")
