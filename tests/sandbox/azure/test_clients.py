"""Microsoft's own clients, unpatched, through the sandbox's proxy."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core import AzureClouds
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.authorization.v2022_04_01 import AuthorizationManagementClient
from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistry import models as acr

from pullgrant.sandbox.azure import Azure
from pullgrant.sandbox.azure.roles import ACR_PULL, ACR_PUSH, REPOSITORY_READER
from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.run import Sandbox
from sandbox.azure.talk import CONDITION, claims_of

GRAPH = "https://graph.microsoft.com/v1.0"
ONE, TWO = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


class Clients:
    """The clients of one operator."""

    def __init__(self, box: Sandbox) -> None:
        country = box.countries["azure"]
        assert isinstance(country, Azure)
        self.state = country.state
        self.subscription = next(iter(self.state.subscriptions))
        self.credential = DefaultAzureCredential()
        self.registries = ContainerRegistryManagementClient(self.credential, self.subscription, polling_interval=1)
        self.roles = AuthorizationManagementClient(self.credential, self.subscription)
        self.web = httpx.Client(verify=ssl.create_default_context(cafile=str(box.ca_file)), timeout=10)
        token = self.credential.get_token("https://graph.microsoft.com/.default").token
        self.signed = {"authorization": f"Bearer {token}"}

    def graph(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to Microsoft Graph."""
        answer = self.web.request(method, f"{GRAPH}{path}", json=body, headers=self.signed)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def principal(self) -> tuple[str, str, str]:
        """Make an application with a password: its appId, the secret, and the object id of its service principal."""
        application = self.graph("POST", "/applications", {"displayName": "docker-reader"})
        principal = self.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
        password = self.graph("POST", f"/applications/{application['id']}/addPassword", {})
        return application["appId"], password["secretText"], principal["id"]

    def assign(self, scope: str, principal: str, role: str, name: str = ONE, **more: Any) -> Any:
        """Give a role."""
        parameters = RoleAssignmentCreateParameters(
            role_definition_id=f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            principal_id=principal,
            **{"principal_type": "ServicePrincipal", **more},
        )
        return self.roles.role_assignments.create(scope, name, parameters)

    def actions(self, login: tuple[str, str], repository: str, host: str = "demo.azurecr.io") -> list[str]:
        """Return what a login may do of pull and push."""
        query = {"service": host, "scope": f"repository:{repository}:pull,push"}
        answer = self.web.get(f"https://{host}/oauth2/token", params=query, auth=login)
        assert answer.status_code == 200, answer.text
        access = claims_of(answer.json()["access_token"])["access"]
        return list(access[0]["actions"]) if access else []


@pytest.fixture
def clients(box: Sandbox) -> Iterator[Clients]:
    with_all = Clients(box)
    yield with_all
    with_all.web.close()
    with_all.registries.close()
    with_all.roles.close()
    with_all.credential.close()


def test_a_service_principal_of_a_classic_registry(clients: Clients) -> None:
    """The SDKs could not make a reader that pulls and does not push."""
    registry = clients.registries.registries.get("sandbox", "demo")
    app_id, secret, principal = clients.principal()
    made = clients.assign(registry.id, principal, ACR_PULL)
    assert (registry.properties.role_assignment_mode, registry.properties.login_server) == (
        "LegacyRegistryPermissions",
        "demo.azurecr.io",
    )
    assert (made.principal_type, clients.actions((app_id, secret), "app")) == ("ServicePrincipal", ["pull"])


def test_a_service_principal_of_an_abac_registry(clients: Clients) -> None:
    """A condition would not come through the SDK."""
    registry = clients.registries.registries.get("sandbox", "demoabac")
    app_id, secret, principal = clients.principal()
    clients.assign(registry.id, principal, REPOSITORY_READER, condition=CONDITION, condition_version="2.0")
    found = [clients.actions((app_id, secret), name, "demoabac.azurecr.io") for name in ("team/app", "team/other")]
    assert found == [["pull"], []]


def test_role_assignments(clients: Clients) -> None:
    """Listing, reading and deleting role assignments would not work with the SDK."""
    scope = str(clients.registries.registries.get("sandbox", "demo").id)
    principal = clients.principal()[2]
    clients.assign(scope, principal, ACR_PULL)
    of = clients.roles.role_assignments
    listed = [each.name for each in of.list_for_scope(scope, filter=f"principalId eq '{principal}'")]
    deleted, again = of.delete(scope, ONE), of.delete(scope, ONE)
    assert (listed, deleted.name, again) == ([ONE], ONE, None)
    with pytest.raises(ResourceNotFoundError):
        of.get(scope, ONE)


def test_refusals_of_role_assignments(clients: Clients) -> None:
    """The SDK would not see the code of a refusal, or its default of User would pass."""
    scope = str(clients.registries.registries.get("sandbox", "demo").id)
    principal = clients.principal()[2]
    clients.assign(scope, principal, ACR_PULL)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"principal": principal, "role": ACR_PULL, "name": TWO}, "RoleAssignmentExists"),
        ({"principal": principal, "role": ACR_PUSH, "name": TWO, "principal_type": "User"}, "UnmatchedPrincipalType"),
        ({"principal": TWO, "role": ACR_PULL, "name": TWO}, "PrincipalNotFound"),
    ]
    codes = []
    for case, _ in cases:
        with pytest.raises(HttpResponseError) as raised:
            clients.assign(scope, **case)
        codes.append(raised.value.error.code if raised.value.error else "")
    assert codes == [code for _, code in cases]


def test_a_registry_token(clients: Clients) -> None:
    """The SDK's long-running operations on scope maps and tokens would not end, or not with their result."""
    of, place = clients.registries, ("sandbox", "demo")
    properties = acr.ScopeMapProperties(actions=["repositories/team/app/content/read"])
    scope_map = of.scope_maps.begin_create(*place, "mymap", acr.ScopeMap(properties=properties)).result()
    token = acr.Token(properties=acr.TokenProperties(scope_map_id=scope_map.id, status="enabled"))
    made = of.tokens.begin_create(*place, "mytoken", token).result()
    asked = acr.GenerateCredentialsParameters(
        token_id=made.id, name="password1", expiry=datetime.now(UTC) + timedelta(days=1)
    )
    credentials = of.registries.begin_generate_credentials(*place, asked).result()
    secret = credentials.passwords[0].value
    assert (made.properties.provisioning_state, credentials.username) == ("Succeeded", "mytoken")
    assert [clients.actions(("mytoken", secret), name) for name in ("team/app", "app")] == [["pull"], []]
    update = acr.TokenUpdateParameters(properties=acr.TokenUpdateProperties(status="disabled"))
    assert of.tokens.begin_update(*place, "mytoken", update).result().properties.status == "disabled"
    of.tokens.begin_delete(*place, "mytoken").result()
    of.scope_maps.begin_delete(*place, "mymap").result()
    with pytest.raises(ResourceNotFoundError):
        of.tokens.get(*place, "mytoken")


def test_a_slow_operation(clients: Clients) -> None:
    """An operation that is not done at the first look would confuse the SDK's poller."""
    clients.state.polls = 2
    properties = acr.ScopeMapProperties(actions=["repositories/team/app/content/read"])
    quick = ContainerRegistryManagementClient(clients.credential, clients.subscription, polling_interval=0.01)
    with quick:
        poller = quick.scope_maps.begin_create("sandbox", "demo", "mymap", acr.ScopeMap(properties=properties))
        assert poller.result().properties.provisioning_state == "Succeeded"


def test_wrong_secret(box: Sandbox) -> None:
    """azure-identity would take a wrong secret, or not pass on why it was refused."""
    names = box.environment()
    credential = ClientSecretCredential(names["AZURE_TENANT_ID"], names["AZURE_CLIENT_ID"], "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token("https://management.azure.com/.default")
    credential.close()


def test_the_government_cloud(box: Sandbox) -> None:
    """The SDK's own settings of another cloud would not lead to that cloud."""
    names = box.environment()
    secret = names["AZURE_CLIENT_ID"], names["AZURE_CLIENT_SECRET"]
    credential = ClientSecretCredential(names["AZURE_TENANT_ID"], *secret, authority="https://login.microsoftonline.us")
    country = box.countries["azure"]
    assert isinstance(country, Azure)
    subscription = next(iter(country.states["usgov"].subscriptions))
    with ContainerRegistryManagementClient(
        credential, subscription, cloud_setting=AzureClouds.AZURE_US_GOVERNMENT
    ) as client:
        assert client.registries.get("sandbox", "demo").properties.login_server == "demo.azurecr.us"
    credential.close()


def test_throttling(box: Sandbox, clients: Clients) -> None:
    """A planned 429 with Retry-After would not reach the SDK as one, or its retry would find nothing."""
    control = Control(box.url)
    control.fail("arm.GetRegistry", 429, headers={"Retry-After": "0"}, body="{}")
    assert clients.registries.registries.get("sandbox", "demo").name == "demo"
    kinds = [(call.kind, call.status) for call in control.calls() if call.kind == "arm.GetRegistry"]
    assert kinds == [("arm.GetRegistry", 429), ("arm.GetRegistry", 200)]


def test_the_log_names_callers(box: Sandbox, clients: Clients) -> None:
    """A test could not see who called."""
    clients.registries.registries.get("sandbox", "demo")
    client_id = box.environment()["AZURE_CLIENT_ID"]
    assert [call.principal for call in Control(box.url).calls() if call.kind == "arm.GetRegistry"] == [client_id]
