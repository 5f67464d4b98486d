"""Registries by name, host and resource id."""

import pytest

from pullgrant.errors import UsageError
from pullgrant.providers.azure import hosts

GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/my-Group"
ID = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/Demo"


@pytest.mark.parametrize(
    ("text", "cloud", "host"),
    [
        ("demo", "", "demo.azurecr.io"),
        ("Demo", "usgov", "demo.azurecr.us"),
        ("demo.azurecr.io", "public", "demo.azurecr.io"),
        ("https://demo.azurecr.cn/", "", "demo.azurecr.cn"),
        ("demo-abc123.azurecr.io", "", "demo-abc123.azurecr.io"),
        (ID, "", "demo.azurecr.io"),
    ],
)
def test_forms(text: str, cloud: str, host: str) -> None:
    """If it failed, a registry that users write in a usual way could not be named."""
    place = hosts.resolve(text, cloud=cloud)
    assert (place.host, place.name) == (host, "demo")


def test_resource_id_gives_all() -> None:
    """If it failed, the id's subscription and group would be asked for again, or searched."""
    place = hosts.resolve(ID)
    assert (place.subscription, place.group) == ("11111111-2222-3333-4444-555555555555", "my-Group")


@pytest.mark.parametrize(
    "text",
    [
        "demo.azurecr.io.evil.example",
        "demo.azurecr.io@evil.example",
        "evil.example/demo.azurecr.io",
        "demoazurecr.io",
        "demo.azurecr.io:8443",
        "a.b.azurecr.io",
        "demo.azurecr.de",
        "demo-abc",
        "-demo.azurecr.io",
        "démo.azurecr.io",
        "demo\n.azurecr.io",
        "",
        ID.replace("Microsoft.ContainerRegistry", "Microsoft.Compute"),
        f"{ID}/tokens/x",
    ],
)
def test_look_alikes_are_refused(text: str) -> None:
    """If it failed, a credential could be proven at, and registered for, somebody else's host."""
    with pytest.raises(UsageError):
        hosts.resolve(text)


def test_cloud_and_host_must_agree() -> None:
    """If it failed, tokens of one cloud would be asked for a registry of another."""
    with pytest.raises(UsageError, match="lies in the cloud usgov") as raised:
        hosts.resolve("demo.azurecr.us", cloud="public")
    assert raised.value.hint == "Give --cloud usgov."


def test_contradictions_and_wrong_ids() -> None:
    """If it failed, a mistyped subscription would be sent to Azure, or silently ignored."""
    for wrong in ({"subscription": "x"}, {"group": "a/b"}, {"cloud": "mars"}):
        with pytest.raises(UsageError):
            hosts.resolve("demo", **wrong)
    with pytest.raises(UsageError, match="contradicts"):
        hosts.resolve(ID, group="other")
    assert hosts.resolve(ID, group="MY-GROUP").group == "my-Group"


def test_gov_scope_is_not_made_of_the_address() -> None:
    """If it failed, sign-in at the US government cloud would ask for a token of the wrong audience."""
    assert hosts.CLOUDS["usgov"].scope == "https://management.core.usgovcloudapi.net/.default"


def test_images_of_the_registry() -> None:
    """If it failed, a proof could be made with an image of another registry."""
    place = hosts.resolve("demo")
    assert str(place.image("team/app:v1")) == "demo.azurecr.io/team/app:v1"
    assert str(place.image("demo.azurecr.io/team/app:v1")) == "demo.azurecr.io/team/app:v1"
    for foreign in ("other.azurecr.io/app:v1", "docker.io/app", "demo.azurecr.io:444/app", "UPPER"):
        with pytest.raises(UsageError):
            place.image(foreign)
