"""Images to prove with, and finding the registry."""

from collections.abc import Callable

import pytest

from providers.azure.fake import SUBSCRIPTION, FakeAzure, registry
from pullgrant import errors
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.azure.provider import Provider

Build = Callable[..., Provider]


def image(repository: str, tag: str) -> Image:
    return Image(host="demo.azurecr.io", repository=repository, reference=tag)


def test_named_image_needs_no_question(azure: FakeAzure, provider: Build) -> None:
    """If it failed, an operator who may not list could not prove with an image that he names."""
    assert provider(image="app:v9").images() == Images(inside=image("app", "v9"))
    assert azure.calls == []


def test_found_by_listing(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a plain bootstrap would stay unproven."""
    assert provider().images() == Images(inside=image("app", "v1"))


@pytest.mark.parametrize("abac", [True, False])
def test_narrow_scope_has_an_outside(azure: FakeAzure, provider: Build, abac: bool) -> None:
    """If it failed, nobody would ask whether a narrow reader reaches other repositories."""
    azure.registries_there = [registry(abac=abac)]
    narrow = {"repository": ["team/app"]}
    assert provider(**narrow).images() == Images(inside=image("team/app", "v2"), outside=image("app", "v1"))
    assert provider(**narrow, image="team/app:x").images() == Images(
        inside=image("team/app", "x"), outside=image("app", "v1")
    )
    assert provider(repository=["team/*"]).images() == Images(inside=image("team/app", "v2"), outside=image("app", "v1"))


def test_empty_repositories_are_passed_over(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a repository without tags would hide the others."""
    azure.shelves = {"app": (), "beta": ("b",)}
    assert provider().images() == Images(inside=image("beta", "b"))


def test_nothing_pushed(azure: FakeAzure, provider: Build) -> None:
    """If it failed, an empty registry would give no reason."""
    azure.shelves = {}
    assert provider().images().why == "nothing that this reader may pull has been pushed to demo.azurecr.io yet"


@pytest.mark.parametrize("call", ["enter", "pass_for", "repositories"])
def test_refused_listing_is_a_reason(azure: FakeAzure, provider: Build, call: str) -> None:
    """If it failed, an operator who may not list could make no reader at all."""
    azure.refused[call] = errors.PermissionDenied("may not list")
    assert provider().images() == Images(why="no image was found: may not list")
    narrow = provider(repository=["team/app"], image="team/app:v2").images()
    assert narrow == Images(inside=image("team/app", "v2"))


def test_only_subscription_is_taken(azure: FakeAzure, provider: Build) -> None:
    """If it failed, --subscription would be needed where there is one alone."""
    assert provider().observe().grant.resource == registry().id
    assert azure.calls.count("subscriptions") == 1


def test_several_subscriptions_are_searched(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a reader could not be renewed any more once its operator sees a second subscription."""
    azure.subscriptions_seen = {SUBSCRIPTION: "One", "2": "Two"}
    assert provider().observe().grant.resource == registry().id
    assert provider(resource_group="GROUP").observe().grant.resource == registry().id
    assert isinstance(provider(resource_group="far").observe().cannot_issue, errors.NotFound)


def test_many_subscriptions_are_named(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a large tenant would be searched for minutes, or the user would not learn what to choose from."""
    azure.subscriptions_seen = {SUBSCRIPTION: "One", **{f"2{number:02}": "Other" for number in range(10)}}
    with pytest.raises(errors.UsageError, match="sees 11 subscriptions: 11111111"):
        provider().observe()
    assert provider(subscription=SUBSCRIPTION).observe().grant.resource == registry().id


def test_no_subscription_and_no_registry(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a user of the wrong tenant would get a traceback."""
    for method in ("service-principal", "token"):
        seen = provider(registry="other", method=method).observe()
        assert isinstance(seen.cannot_issue, errors.NotFound)
        assert "no registry other" in seen.cannot_issue.message
    azure.subscriptions_seen = {}
    refusal = provider().observe().cannot_issue
    assert isinstance(refusal, errors.NotFound)
    assert "sees no subscription" in refusal.message


@pytest.mark.parametrize("group", ["", "group"])
def test_login_server_of_another_name(azure: FakeAzure, provider: Build, group: str) -> None:
    """If it failed, a credential would be registered for a host where the registry is not."""
    azure.registries_there = [registry(login_server="demo-abc123.azurecr.io")]
    with pytest.raises(errors.UsageError, match="reached at demo-abc123") as raised:
        provider(subscription=SUBSCRIPTION, resource_group=group).observe()
    assert raised.value.hint == (
        f"Give --registry demo-abc123.azurecr.io --subscription {SUBSCRIPTION} --resource-group group"
    )
    found = provider(registry="demo-abc123.azurecr.io", subscription=SUBSCRIPTION, resource_group=group)
    assert found.observe().grant.resource == registry().id


def test_namesakes_are_told_by_their_login_server(azure: FakeAzure, provider: Build) -> None:
    """If it failed, the reader would be granted on another registry of the same name."""
    far = registry(id=registry().id.replace("/group/", "/far/"), login_server="demo-far.azurecr.io")
    azure.registries_there = [far, registry()]
    assert provider().observe().grant.resource == registry().id
    assert provider(registry="demo-far.azurecr.io").observe().grant.resource == far.id
