"""Harbor: options, what stands in the way, and robots that somebody changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.errors import NotFound, PermissionDenied, ProofFailed, UsageError
from pullgrant.model.reader import Grant
from pullgrant.providers.harbor.settings import Settings

ACCESS = "robot$acme+"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("harbor", monkeypatch) as opened:
        yield opened


def parse(**more: Any) -> Settings:
    return Settings.parse(**{"project": "acme", "url": "https://harbor.example", "username": "operator", **more})


@pytest.mark.parametrize(
    "more",
    [
        {"project": "Acme"},
        {"project": "*"},
        {"url": ""},
        {"username": ""},
        {"url": "http://harbor.example"},
        {"url": "https://harbor.example/harbor"},
        {"reader": "Docker_Reader"},
        {"reader": "a--b"},
        {"expires_in": "12h"},
        {"expires_in": "never"},
        {"password": "hunter2"},
        {"ca_file": "/none.pem"},
        {"image": "harbor.example/other/app:v1"},
    ],
)
def test_wrong_options(more: dict[str, Any]) -> None:
    """An option that cannot be right would be found out by Harbor, or never."""
    with pytest.raises(UsageError) as caught:
        parse(**more)
    assert "hunter2" not in str(caught.value)


def test_there_and_back(tmp_path: Path) -> None:
    """A rotation would read other settings from the ledger than the bootstrap wrote."""
    (tmp_path / "ca.pem").write_text("")
    settings = parse(expires_in="36h", ca_file=str(tmp_path / "ca.pem"), image="app:v1", reader="two")
    assert (Settings.of(settings.to_reader()), settings.days) == (settings, 2)


def test_the_environment_stands_in(shop: Shop) -> None:
    """The address would not be found where it is, or a later run depend on it being there."""
    reader = shop.reader("harbor", project="acme")
    assert (reader.account, reader.options["url"], reader.host) == (
        "harbor.example/acme",
        "https://harbor.example",
        "harbor.example",
    )


@pytest.mark.parametrize(("project", "error"), [("none", NotFound), ("denied", PermissionDenied)])
def test_what_stands_in_the_way(shop: Shop, project: str, error: type[Exception]) -> None:
    """A project that is not there, or not the operator's, would be told apart by nobody."""
    with pytest.raises(error) as caught:
        shop.bootstrap(shop.reader("harbor", project=project))
    assert project in str(caught.value)


def test_a_project_without_images(shop: Shop) -> None:
    """A robot that could not be proven would be delivered."""
    with pytest.raises(ProofFailed, match=r"no image in harbor\.example/empty yet"):
        shop.bootstrap(shop.reader("harbor", project="empty"))
    assert shop.country("harbor").state.robots == {}


def test_a_public_project_needs_nothing(shop: Shop) -> None:
    """A robot would be made for what everybody may pull."""
    applied = shop.bootstrap(shop.reader("harbor", project="library"))
    assert ("is public" in applied.plan.why, shop.country("harbor").state.robots) == (True, {})


def test_the_robot(shop: Shop) -> None:
    """A robot would live longer, or be called otherwise, than its options say; or sign in under the wrong name."""
    applied = shop.bootstrap(shop.reader("harbor", project="acme", expires_in="7d"))
    (robot,) = shop.country("harbor").state.robots.values()
    assert applied.operation is not None
    assert (robot.days, robot.access, robot.name) == (
        7,
        (("acme", "repository", "pull"),),
        f"{ACCESS}docker-reader-{applied.operation.id}",
    )


def test_a_robot_that_was_widened_is_narrowed(shop: Shop) -> None:
    """What somebody added to our robot would stay, or its other fields be lost with the narrowing."""
    wanted = shop.reader("harbor", project="acme")
    shop.bootstrap(wanted)
    state = shop.country("harbor").state
    (robot,) = state.robots.values()
    description = robot.description
    robot.access = (*robot.access, ("acme", "repository", "push"))
    with shop.ports(wanted) as ports:
        assert ports.provider.observe().excess == (Grant(role="repository:push", resource="acme"),)
    applied = shop.bootstrap(wanted)
    assert (applied.receipts != (), robot.access, robot.description, robot.days) == (
        True,
        (("acme", "repository", "pull"),),
        description,
        90,
    )
    assert shop.bootstrap(wanted).receipts == ()


def test_a_robot_as_operator(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot with the least rights could not do the work, or be promised what no robot may do."""
    from pullgrant.sandbox.harbor.state import Robot

    state = shop.country("harbor").state
    rights = [("robot", action) for action in ("create", "read", "list", "delete")] + [("repository", "pull")]
    access = tuple(("acme", *right) for right in rights)
    admin = Robot(
        id=900, name="robot$acme+admin", project=2, description="", days=-1, created=shop.world.now(), access=access
    )
    state.robots[900] = admin
    monkeypatch.setenv("HARBOR_PASSWORD", admin.secret)
    wanted = shop.reader("harbor", project="acme", username=admin.name)
    shop.bootstrap(wanted)
    shop.rotate(wanted)
    ours = [robot for robot in state.robots.values() if robot.id != 900]
    assert len(ours) == 2
    ours[0].access = (*ours[0].access, ("acme", "repository", "push"))
    with pytest.raises(PermissionDenied) as caught:
        shop.bootstrap(wanted)
    assert "no robot may change another" in caught.value.hint
    shop.revoke(wanted)
    assert set(state.robots) == {900}


def test_an_expired_robot_is_replaced(shop: Shop) -> None:
    """A reader whose robot somebody disabled would be called good."""
    wanted = shop.reader("harbor", project="acme")
    shop.bootstrap(wanted)
    (robot,) = shop.country("harbor").state.robots.values()
    robot.disabled = True
    assert "is disabled" in shop.bootstrap(wanted).plan.why
