"""Answers of the fake against published schemas, examples and recordings."""

from __future__ import annotations

import re
from typing import Any

from pullgrant.sandbox.azure.graph_shapes import SETTABLE, SETTABLE_ON_PRINCIPAL
from pullgrant.sandbox.azure.roles import ACR_PULL, ROLES
from sandbox.azure import published
from sandbox.azure.talk import ARM, AUTHORIZATION, GRAPH, LOGIN, ROLES_VERSION, Talk, good

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SUBJECTS = ("id", "appId")


def names(body: dict[str, Any]) -> set[str]:
    """The properties of an OData object."""
    return {name for name in body if not name.startswith("@")}


def test_an_application(talk: Talk) -> None:
    """An application would show a property that Graph has not, or lack one that was recorded."""
    found = good(talk.send("GET", f"{GRAPH}/applications/{talk.application()['id']}"))
    assert names(found) - published.APPLICATION == set()
    assert published.RECORDED_APPLICATION - names(found) == set()
    assert all(GUID.fullmatch(found[name]) for name in SUBJECTS)
    assert found["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#applications/$entity"


def test_a_service_principal(talk: Talk) -> None:
    """A service principal would show a property that Graph has not, or lack one that was recorded."""
    found = good(talk.send("GET", f"{GRAPH}/servicePrincipals/{talk.reader().principal}"))
    # The type is open: createdDateTime was recorded and is not in the schema.
    assert names(found) - published.SERVICE_PRINCIPAL == {"createdDateTime"}
    assert published.RECORDED_SERVICE_PRINCIPAL - names(found) == set()


def test_a_password(talk: Talk) -> None:
    """A password would have other properties than Graph's."""
    made = talk.password(talk.application()["id"])
    assert names(made) == published.PASSWORD_CREDENTIAL == published.RECORDED_PASSWORD
    assert made["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["endDateTime"])


def test_what_may_be_set() -> None:
    """The fake would take a property that Graph does not know."""
    unknown = (SETTABLE - published.APPLICATION) | (SETTABLE_ON_PRINCIPAL - published.SERVICE_PRINCIPAL)
    assert unknown == frozenset()


def test_creating_answers_as_recorded(talk: Talk) -> None:
    """The headers of a new application would differ from the recorded ones."""
    answer = talk.send("POST", f"{GRAPH}/applications", {"displayName": "x", "keyCredentials": []})
    place = f"{talk.tenant}/directoryObjects/{answer.json['id']}/Microsoft.DirectoryServices.Application"
    assert (
        answer.status,
        answer.headers["location"],
        answer.headers["x-ms-resource-unit"],
        answer.headers["odata-version"],
    ) == (
        201,
        f"https://graph.microsoft.com/v2/{place}",
        "1",
        "4.0",
    )


def test_a_refusal_of_graph(talk: Talk) -> None:
    """A refusal would lack what was recorded of one."""
    reader = talk.reader()
    answer = talk.send("GET", f"{GRAPH}/applications", token=talk.token_of(reader, "https://graph.microsoft.com"))
    error = answer.json["error"]
    assert (error["code"], error["message"]) == (
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


def test_a_registry(talk: Talk) -> None:
    """A registry would lack something of the specification's example."""
    assert published.lacking(published.REGISTRY, good(talk.send("GET", talk.of_registry("")))) == []


def test_tokens_and_scope_maps(talk: Talk) -> None:
    """A token, a scope map or credentials would lack something of the specification's examples."""
    properties = {"actions": ["repositories/team/app/content/read"], "description": "Developer Scopes"}
    made = talk.send("PUT", talk.of_registry("/scopeMaps/mymap"), {"properties": properties})
    assert published.lacking(published.SCOPE_MAP, good(made, 201)) == []
    body = {"properties": {"scopeMapId": made.json["id"], "status": "enabled"}}
    token = talk.send("PUT", talk.of_registry("/tokens/mytoken"), body)
    assert published.lacking(published.TOKEN, good(token, 201)) == []
    link = rf"{re.escape(ARM)}{re.escape(talk.registry())}/tokens/mytoken/operationStatuses/tokens-{GUID.pattern}"
    assert re.fullmatch(rf"{link}\?api-version=2025-11-01", token.headers["azure-asyncoperation"])
    asked = {"tokenId": token.json["id"], "expiry": talk.days_on(1)}
    accepted = talk.send("POST", talk.of_registry("/generateCredentials"), asked)
    link = rf"{re.escape(ARM)}{re.escape(talk.registry())}/operationResults/registries-{GUID.pattern}"
    assert (accepted.status, accepted.json) == (202, None)
    assert re.fullmatch(rf"{link}\?api-version=2025-11-01", accepted.headers["location"])
    assert "retry-after" not in {name.lower() for name in accepted.headers}
    assert published.lacking(published.CREDENTIALS, good(talk.send("GET", accepted.headers["location"]))) == []
    kept = good(talk.send("GET", talk.of_registry("/tokens/mytoken")))["properties"]["credentials"]["passwords"]
    assert [set(each) for each in kept] == [{"name", "creationTime", "expiry"}] * 2


def test_a_role_assignment(talk: Talk) -> None:
    """A role assignment would lack what was recorded or is in the specification's example."""
    made = good(talk.assign(talk.reader().principal), 201)
    assert published.lacking(published.ROLE_ASSIGNMENT, made) == []
    assert set(made["properties"]) == published.RECORDED_ROLE_ASSIGNMENT
    assert made["type"] == "Microsoft.Authorization/roleAssignments"


def test_a_role_definition(talk: Talk) -> None:
    """A role definition would lack what was recorded."""
    url = f"{ARM}{talk.registry()}/{AUTHORIZATION}/roleDefinitions/{ACR_PULL}?api-version={ROLES_VERSION}"
    found = good(talk.send("GET", url))
    assert set(found["properties"]) == published.RECORDED_ROLE_DEFINITION
    assert set(found["properties"]["permissions"][0]) == {"actions", "notActions", "dataActions", "notDataActions"}


def test_role_guids() -> None:
    """A role would have another GUID than at Azure."""
    guids = {
        "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
        "Container Registry Repository Reader": "b93aa761-3e63-49ed-ac28-beffa264f7ac",
        "Container Registry Repository Writer": "2a1e307c-b015-4ebd-883e-5b7698a07328",
        "Container Registry Repository Contributor": "2efddaa5-3f1f-4df3-97df-af3f13818f4c",
        "Container Registry Repository Catalog Lister": "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
        "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    }
    assert {name: guid for name, guid in guids.items() if ROLES[guid].name != name} == {}


def test_the_sign_in(talk: Talk) -> None:
    """The sign-in would lack what was recorded of it."""
    configuration = good(talk.send("GET", f"{LOGIN}/{talk.tenant}/v2.0/.well-known/openid-configuration"))
    assert set(configuration) == published.OPENID
    assert configuration["token_endpoint"] == f"{LOGIN}/{talk.tenant}/oauth2/v2.0/token"
    query = f"api-version=1.1&authorization_endpoint={LOGIN}/common/oauth2/authorize"
    discovery = good(talk.send("GET", f"{LOGIN}/common/discovery/instance?{query}"))
    assert set(discovery) == published.DISCOVERY
    aliases = {alias for entry in discovery["metadata"] for alias in entry["aliases"]}
    assert {"login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn"} <= aliases
    assert set(good(talk.sign_in(f"{ARM}/.default"))) == published.ACCESS_TOKEN


def test_a_refusal_of_a_registry(talk: Talk) -> None:
    """A refusal of a registry would have another shape than the recorded one."""
    answer = talk.send("GET", "https://demo.azurecr.io/v2/")
    assert set(answer.json) == {"errors"}
    words = "authentication required, visit https://aka.ms/acr/authorization for more information."
    assert answer.json["errors"] == [{"code": "UNAUTHORIZED", "message": words, "detail": None}]
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
