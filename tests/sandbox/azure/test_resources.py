"""Subscriptions, resources, registries and role definitions."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from pullgrant.sandbox.azure.roles import ACR_PULL
from sandbox.azure.talk import ARM, AUTHORIZATION, ROLES_VERSION, VERSION, Talk, good, refused

OTHER = "00000000-0000-0000-0000-000000000009"


def test_one_subscription(talk: Talk) -> None:
    """A registry could not be found without --subscription."""
    found = good(talk.send("GET", f"{ARM}/subscriptions?api-version=2022-12-01"))["value"]
    assert [(each["subscriptionId"], each["tenantId"], each["state"]) for each in found] == [
        (talk.subscription, talk.tenant, "Enabled")
    ]
    one = good(talk.send("GET", f"{ARM}/subscriptions/{talk.subscription.upper()}?api-version=2022-12-01"))
    assert one == found[0]


def test_a_reader_sees_no_subscription(talk: Talk) -> None:
    """A principal without any role would see the subscription; one with a role would not."""
    reader = talk.reader()
    token = talk.token_of(reader, ARM)
    url = f"{ARM}/subscriptions?api-version=2022-12-01"
    before = good(talk.send("GET", url, token=token))["value"]
    talk.assign(reader.principal)
    after = good(talk.send("GET", url, token=token))["value"]
    assert (before, [each["subscriptionId"] for each in after]) == ([], [talk.subscription])


def test_the_tenant(talk: Talk) -> None:
    """The tenant could not be listed."""
    assert [each["tenantId"] for each in good(talk.send("GET", f"{ARM}/tenants?api-version=2022-12-01"))["value"]] == [
        talk.tenant
    ]


def resources(talk: Talk, text: str) -> list[str]:
    """The names of the resources of a filter."""
    url = f"{ARM}/subscriptions/{talk.subscription}/resources?api-version=2024-11-01&$filter={quote(text)}"
    return [each["name"] for each in good(talk.send("GET", url))["value"]]


def test_searching_resources(talk: Talk) -> None:
    """A registry could not be found by its name as az does, or the filter would not filter."""
    by_type = "resourceType eq 'Microsoft.ContainerRegistry/registries'"
    assert {"demo", "demoabac"} <= set(resources(talk, by_type))
    assert resources(talk, f"{by_type} and name eq 'DEMO'") == ["demo"]
    assert resources(talk, "resourceType eq 'Microsoft.Compute/virtualMachines'") == []
    url = f"{ARM}/subscriptions/{talk.subscription}/resources?api-version=2024-11-01&$filter=tagName"
    assert refused(talk.send("GET", url)) == (400, "InvalidFilterInQueryString")


def test_groups(talk: Talk) -> None:
    """Resource groups could not be listed or looked at."""
    url = f"{ARM}/subscriptions/{talk.subscription}/resourcegroups"
    names = [each["name"] for each in good(talk.send("GET", f"{url}?api-version=2021-04-01"))["value"]]
    assert names == ["sandbox", "sandbox-denied"]
    assert good(talk.send("GET", f"{url}/SANDBOX?api-version=2021-04-01"))["name"] == "sandbox"
    assert refused(talk.send("GET", f"{url}/none?api-version=2021-04-01")) == (404, "ResourceGroupNotFound")


@pytest.mark.parametrize(
    ("name", "mode", "server"),
    [
        ("demo", "LegacyRegistryPermissions", "demo.azurecr.io"),
        ("demoabac", "AbacRepositoryPermissions", "demoabac.azurecr.io"),
        ("labelled", "LegacyRegistryPermissions", "labelled-e7h2c0b4fjd8.azurecr.io"),
    ],
)
def test_a_registry(talk: Talk, name: str, mode: str, server: str) -> None:
    """The mode of role assignments or the login server of a registry would be wrong."""
    found = good(talk.send("GET", talk.of_registry("", name)))["properties"]
    assert (found["roleAssignmentMode"], found["loginServer"]) == (mode, server)


def test_an_old_api_version_knows_no_mode(talk: Talk) -> None:
    """A client of an old api-version would work here, and miss the mode at Azure."""
    found = good(talk.send("GET", f"{ARM}{talk.registry()}?api-version=2023-07-01"))
    assert "roleAssignmentMode" not in found["properties"]


@pytest.mark.parametrize("version", ["", "?api-version=", "?api-version=latest"])
def test_api_version(talk: Talk, version: str) -> None:
    """A call without an api-version would pass."""
    assert talk.send("GET", f"{ARM}{talk.registry()}{version}").status == 400


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/subscriptions/{other}/resourceGroups/sandbox{provider}/demo", (404, "SubscriptionNotFound")),
        ("/subscriptions/{own}/resourceGroups/sandbox{provider}/nothere", (404, "ResourceNotFound")),
        ("/subscriptions/{own}/resourceGroups/none{provider}/demo", (404, "ResourceGroupNotFound")),
        ("/subscriptions/{own}/resourceGroups/sandbox-denied{provider}/demo", (404, "ResourceNotFound")),
        ("/subscriptions/{other}{provider}", (404, "SubscriptionNotFound")),
        ("/subscriptions/{own}/resourceGroups/none{provider}", (404, "ResourceGroupNotFound")),
    ],
)
def test_what_is_not_there(talk: Talk, path: str, expected: tuple[int, str]) -> None:
    """What does not exist would be answered, or in other words than Azure's."""
    provider = "/providers/Microsoft.ContainerRegistry/registries"
    url = f"{ARM}{path.format(own=talk.subscription, other=OTHER, provider=provider)}?api-version={VERSION}"
    assert refused(talk.send("GET", url)) == expected


def test_lists_show_what_may_be_seen(talk: Talk) -> None:
    """A puller would see registries and groups in lists that it may not look at one by one."""
    reader = talk.reader()
    talk.assign(reader.principal)
    token, base = talk.token_of(reader, ARM), f"{ARM}/subscriptions/{talk.subscription}"
    paths = ("resources", "resourcegroups", "providers/Microsoft.ContainerRegistry/registries")
    answers = [talk.send("GET", f"{base}/{path}?api-version={VERSION}", token=token) for path in paths]
    assert [good(each)["value"] for each in answers] == [[], [], []]
    assert refused(talk.send("GET", f"{base}/resourceGroups/sandbox?api-version={VERSION}", token=token))[0] == 403


def test_listing_registries(talk: Talk) -> None:
    """Registries could not be listed by subscription and by group."""
    provider = "/providers/Microsoft.ContainerRegistry/registries"
    base = f"{ARM}/subscriptions/{talk.subscription}"
    of_subscription = good(talk.send("GET", f"{base}{provider}?api-version={VERSION}"))["value"]
    of_group = good(talk.send("GET", f"{base}/resourceGroups/sandbox-denied{provider}?api-version={VERSION}"))["value"]
    assert {each["name"] for each in of_subscription} >= {"demo", "demoabac", "denied"}
    assert [each["name"] for each in of_group] == ["denied"]


def test_paths_ignore_case(talk: Talk) -> None:
    """A resource id in another spelling would not be found."""
    url = f"{ARM}{talk.registry().lower().replace('sandbox', 'SANDBOX')}?api-version={VERSION}"
    assert good(talk.send("GET", url))["id"] == talk.registry()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/tokens", None),
        ("PUT", "/tokens/mytoken", {"properties": {}}),
        ("PATCH", "/tokens/mytoken", {"properties": {}}),
        ("DELETE", "/tokens/mytoken", None),
        ("GET", "/scopeMaps", None),
        ("PUT", "/scopeMaps/mymap", {"properties": {"actions": ["repositories/a/content/read"]}}),
        ("PATCH", "/scopeMaps/mymap", {"properties": {}}),
        ("DELETE", "/scopeMaps/mymap", None),
        ("POST", "/generateCredentials", {"tokenId": "x"}),
        ("GET", f"/{AUTHORIZATION}/roleAssignments", None),
        ("GET", f"/{AUTHORIZATION}/roleAssignments/{OTHER}", None),
        ("PUT", f"/{AUTHORIZATION}/roleAssignments/{OTHER}", {"properties": {}}),
        ("DELETE", f"/{AUTHORIZATION}/roleAssignments/{OTHER}", None),
        ("GET", f"/{AUTHORIZATION}/roleDefinitions", None),
        ("GET", f"/{AUTHORIZATION}/roleDefinitions/{ACR_PULL}", None),
    ],
)
def test_a_puller_may_not_manage(talk: Talk, method: str, path: str, body: object) -> None:
    """AcrPull would open Resource Manager: a leaked pull credential could make more credentials."""
    reader = talk.reader()
    assert talk.assign(reader.principal).status == 201
    token = talk.token_of(reader, ARM)
    answer = talk.send(method, talk.of_registry(path), body, token=token)
    assert refused(answer) == (403, "AuthorizationFailed")
    assert f"object id '{reader.principal}'" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/tokens/mytoken", {"properties": {}}),
        ("POST", "/generateCredentials", {"tokenId": "x"}),
        ("PUT", f"/{AUTHORIZATION}/roleAssignments/{OTHER}", {"properties": {}}),
    ],
)
def test_the_denied_world(talk: Talk, method: str, path: str, body: object) -> None:
    """The operator could change a registry on which it is only a reader."""
    assert talk.send("GET", talk.of_registry("", "denied")).status == 200
    assert refused(talk.send(method, talk.of_registry(path, "denied"), body)) == (403, "AuthorizationFailed")


def test_role_definitions(talk: Talk) -> None:
    """A role could not be found by its name, whatever its case, or by its GUID."""
    base = f"{ARM}{talk.registry()}/{AUTHORIZATION}/roleDefinitions"
    wanted = quote("roleName eq 'acrpull'")
    found = good(talk.send("GET", f"{base}?api-version={ROLES_VERSION}&$filter={wanted}"))["value"]
    assert [(each["name"], each["properties"]["roleName"]) for each in found] == [(ACR_PULL, "AcrPull")]
    assert found[0]["id"] == f"/subscriptions/{talk.subscription}/{AUTHORIZATION}/roleDefinitions/{ACR_PULL}"
    assert good(talk.send("GET", f"{ARM}{found[0]['id']}?api-version={ROLES_VERSION}")) == found[0]
    assert len(good(talk.send("GET", f"{base}?api-version={ROLES_VERSION}"))["value"]) > 10
    assert refused(talk.send("GET", f"{base}/{OTHER}?api-version={ROLES_VERSION}")) == (404, "RoleDefinitionDoesNotExist")
    assert refused(talk.send("GET", f"{base}?api-version={ROLES_VERSION}&$filter=x")) == (400, "InvalidFilter")


def test_permissions(talk: Talk) -> None:
    """A caller could not ask what it may do before it tries."""
    reader = talk.reader()
    talk.assign(reader.principal)
    url = talk.of_registry(f"/{AUTHORIZATION}/permissions")
    mine = good(talk.send("GET", url))["value"]
    theirs = good(talk.send("GET", url, token=talk.token_of(reader, ARM)))["value"]
    assert ["*"] in [each["actions"] for each in mine]
    assert [each["actions"] for each in theirs] == [["Microsoft.ContainerRegistry/registries/pull/read"]]


def test_the_cloud_describes_itself(talk: Talk) -> None:
    """`az cloud register` would not learn where to sign in."""
    answer = good(talk.send("GET", f"{ARM}/metadata/endpoints?api-version=2022-09-01", token=""))
    found = answer["authentication"]["loginEndpoint"], answer["suffixes"]["acrLoginServer"]
    assert found == ("https://login.microsoftonline.com", "azurecr.io")
    assert isinstance(good(talk.send("GET", f"{ARM}/metadata/endpoints?api-version=2019-05-01", token="")), list)
