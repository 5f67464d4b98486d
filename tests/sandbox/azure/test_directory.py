"""Applications and service principals."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from pullgrant.sandbox.azure.state import Policy
from sandbox.azure.talk import GRAPH, Talk, good, refused

UPSERT = {"prefer": "create-if-missing"}
BY_NAME = f"{GRAPH}/applications(uniqueName='mine')"


def test_upsert_creates_then_updates(talk: Talk) -> None:
    """The repeatable way to an application would make two, or return a body where Graph returns none."""
    first = talk.send("PATCH", BY_NAME, {"displayName": "one"}, headers=UPSERT)
    second = talk.send("PATCH", BY_NAME, {"displayName": "two", "tags": ["ours"]}, headers=UPSERT)
    assert (first.status, first.json["uniqueName"], second.status, second.json) == (201, "mine", 204, None)
    found = good(talk.send("GET", f"{GRAPH}/applications"))["value"]
    named = [(each["displayName"], each["tags"]) for each in found if each["uniqueName"]]
    assert named == [("two", ["ours"])]


def test_upsert_without_the_header(talk: Talk) -> None:
    """A PATCH of what is not there would create it unasked."""
    assert refused(talk.send("PATCH", BY_NAME, {"displayName": "one"})) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    "body", [{}, {"displayName": "x", "passwordCredentials": []}, {"displayName": "x", "colour": "red"}]
)
def test_upsert_refuses(talk: Talk, body: dict[str, Any]) -> None:
    """An upsert without a name, with passwords, or with a property that there is not would pass."""
    assert refused(talk.send("PATCH", BY_NAME, body, headers=UPSERT)) == (400, "Request_BadRequest")


def test_unique_names_are_unique(talk: Talk) -> None:
    """Two applications could carry one unique name, by POST or by PATCH."""
    talk.application("one", uniqueName="mine")
    answer = talk.send("POST", f"{GRAPH}/applications", {"displayName": "two", "uniqueName": "mine"})
    assert (refused(answer), answer.json["error"]["details"][0]["code"]) == ((400, "Request_BadRequest"), "ObjectConflict")
    other = talk.application("three")
    assert talk.send("PATCH", f"{GRAPH}/applications/{other['id']}", {"uniqueName": "mine"}).status == 400


def test_a_unique_name_stays(talk: Talk) -> None:
    """A unique name could be given to an application later, but never changed."""
    made = talk.application("one")
    url = f"{GRAPH}/applications/{made['id']}"
    assert talk.send("PATCH", url, {"uniqueName": "mine"}).status == 204
    assert refused(talk.send("PATCH", url, {"uniqueName": "yours"})) == (400, "Request_BadRequest")
    assert good(talk.send("GET", BY_NAME))["id"] == made["id"]


def test_display_names_are_not_unique(talk: Talk) -> None:
    """A second POST would not make a second application, so a blind repetition would look harmless."""
    talk.application("twin")
    talk.application("twin")
    query = quote("displayName eq 'twin'")
    assert len(good(talk.send("GET", f"{GRAPH}/applications?$filter={query}"))["value"]) == 2


def test_the_three_keys_of_an_application(talk: Talk) -> None:
    """An application could not be found by each of its keys."""
    made = talk.application("one", uniqueName="it's")
    keys = (f"/{made['id']}", f"(appId='{made['appId']}')", "(uniqueName='it%27%27s')")
    assert [good(talk.send("GET", f"{GRAPH}/applications{key}"))["id"] for key in keys] == [made["id"]] * 3


def test_create_with_a_password(talk: Talk) -> None:
    """An application and its first password could not be made in one call, or the text could be read again."""
    wanted = [{"displayName": "first", "endDateTime": talk.days_on(9)}]
    made = talk.application("one", passwordCredentials=wanted)
    principal = talk.principal(made["appId"])
    secret = made["passwordCredentials"][0]["secretText"]
    read = good(talk.send("GET", f"{GRAPH}/applications/{made['id']}?$select=passwordCredentials"))["passwordCredentials"][0]
    assert talk.sign_in("https://management.azure.com/.default", app_id=principal["appId"], secret=secret).status == 200
    assert (read["secretText"], read["hint"], read["displayName"]) == (None, secret[:3], "first")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("displayName eq 'beta'", ["beta"]),
        ("DISPLAYNAME eq 'beta'", []),
        ("startswith(displayName,'b')", ["beta", "bravo"]),
        ("uniqueName eq 'u-alpha'", ["alpha"]),
        ("tags/any(t:t eq 'x')", ["alpha", "beta"]),
        ("tags/any(t:t eq 'x') and displayName eq 'beta'", ["beta"]),
        ("displayName eq 'alpha' or displayName eq 'bravo'", ["alpha", "bravo"]),
        ("displayName eq 'o''clock'", ["o'clock"]),
    ],
)
def test_filters(talk: Talk, text: str, names: list[str]) -> None:
    """A filter that Graph knows would find something else, or something too many."""
    talk.application("alpha", uniqueName="u-alpha", tags=["x"])
    talk.application("beta", tags=["x", "y"])
    talk.application("bravo")
    talk.application("o'clock")
    found = good(talk.send("GET", f"{GRAPH}/applications?$filter={quote(text)}"))["value"]
    assert sorted(each["displayName"] for each in found) == sorted(names)


@pytest.mark.parametrize(
    "query",
    [
        "$filter=displayName gt 'x'",
        "$filter=displayName eq 'x' and",
        "$filter=a eq '1' and b eq '2' or c eq '3'",
        "$select=colour",
        "$top=0",
        "$top=many",
    ],
)
def test_unknown_queries_are_refused(talk: Talk, query: str) -> None:
    """A query that is not understood would be taken for one that matches everything."""
    assert talk.send("GET", f"{GRAPH}/applications?{query.replace(' ', '%20')}").status == 400


def test_pages(talk: Talk) -> None:
    """A client that ignores nextLink would see all."""
    for number in range(3):
        talk.application(f"page-{number}")
    wanted = quote("startswith(displayName,'page')")
    url = f"{GRAPH}/applications?$top=2&$count=true&$select=displayName&$filter={wanted}"
    first = good(talk.send("GET", url))
    second = good(talk.send("GET", first["@odata.nextLink"]))
    names = [each["displayName"] for each in first["value"] + second["value"]]
    assert (names, first["@odata.count"], "@odata.nextLink" in second) == (["page-0", "page-1", "page-2"], 3, False)


def test_a_service_principal_is_made_once(talk: Talk) -> None:
    """An application could have two service principals in one tenant."""
    reader = talk.reader()
    answer = talk.send("POST", f"{GRAPH}/servicePrincipals", {"appId": reader.app_id})
    assert refused(answer) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_a_service_principal_needs_its_application(talk: Talk) -> None:
    """A service principal could stand alone."""
    answer = talk.send("POST", f"{GRAPH}/servicePrincipals", {"appId": "00000000-0000-0000-0000-000000000001"})
    assert refused(answer) == (400, "Request_BadRequest")
    assert answer.json["error"]["details"][0]["code"] == "NoBackingApplicationObject"


def test_upsert_of_a_service_principal(talk: Talk) -> None:
    """A service principal could not be made in the way that may be repeated."""
    application = talk.application()
    url = f"{GRAPH}/servicePrincipals(appId='{application['appId']}')"
    assert talk.send("PATCH", url, {"tags": ["a"]}).status == 404
    assert [talk.send("PATCH", url, {"tags": ["a"]}, headers=UPSERT).status for _ in range(2)] == [201, 204]
    assert good(talk.send("GET", url))["tags"] == ["a"]


def test_finding_service_principals(talk: Talk) -> None:
    """A service principal could not be found as az and others look for it."""
    reader = talk.reader()
    queries = (f"servicePrincipalNames/any(c:c eq '{reader.app_id}')", f"appId eq '{reader.app_id}'")
    found = [good(talk.send("GET", f"{GRAPH}/servicePrincipals?$filter={quote(query)}"))["value"] for query in queries]
    assert [[each["id"] for each in one] for one in found] == [[reader.principal]] * 2
    asked = {"ids": [reader.principal, "nobody"], "types": ["servicePrincipal"]}
    named = good(talk.send("POST", f"{GRAPH}/directoryObjects/getByIds", asked))["value"]
    assert [each["appId"] for each in named] == [reader.app_id]


def test_deleting_takes_the_service_principal(talk: Talk) -> None:
    """A deleted application would leave its service principal behind, or its role assignment would go too."""
    reader = talk.reader()
    assert talk.assign(reader.principal).status == 201
    assert talk.send("DELETE", f"{GRAPH}/applications/{reader.id}").status == 204
    assert talk.send("GET", f"{GRAPH}/servicePrincipals/{reader.principal}").status == 404
    assert refused(talk.send("DELETE", f"{GRAPH}/applications/{reader.id}")) == (404, "Request_ResourceNotFound")
    assert talk.send("GET", talk.assignment("11111111-0000-0000-0000-000000000001")).status == 200


def test_deleting_a_service_principal_alone(talk: Talk) -> None:
    """A service principal could not be deleted by itself."""
    reader = talk.reader()
    assert talk.send("DELETE", f"{GRAPH}/servicePrincipals/{reader.principal}").status == 204
    assert talk.send("GET", f"{GRAPH}/applications/{reader.id}").status == 200


def test_the_organisation(talk: Talk) -> None:
    """The tenant could not be asked for."""
    assert good(talk.send("GET", f"{GRAPH}/organization"))["value"][0]["id"] == talk.tenant


CALLS = [
    ("GET", "/applications", None),
    ("POST", "/applications", {"displayName": "x"}),
    ("PATCH", "/applications(uniqueName='x')", {"displayName": "x"}),
    ("GET", "/applications/{id}", None),
    ("PATCH", "/applications/{id}", {"displayName": "x"}),
    ("DELETE", "/applications/{id}", None),
    ("POST", "/applications/{id}/addPassword", {}),
    ("POST", "/applications/{id}/removePassword", {"keyId": "x"}),
    ("GET", "/servicePrincipals", None),
    ("POST", "/servicePrincipals", {"appId": "{app}"}),
    ("GET", "/servicePrincipals/{principal}", None),
    ("PATCH", "/servicePrincipals/{principal}", {"accountEnabled": False}),
    ("DELETE", "/servicePrincipals/{principal}", None),
    ("POST", "/servicePrincipals/{principal}/addPassword", {}),
    ("POST", "/directoryObjects/getByIds", {"ids": []}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_without_directory_rights(talk: Talk, method: str, path: str, body: Any) -> None:
    """A caller without rights in the directory, such as a reader, could look at it or change it."""
    reader = talk.reader()
    token = talk.token_of(reader, "https://graph.microsoft.com")
    path = path.format(id=reader.id, principal=reader.principal)
    answer = talk.send(method, f"{GRAPH}{path}", body, token=token, headers=UPSERT)
    assert refused(answer) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(("method", "path", "body"), [call for call in CALLS if "{id}" in call[1] and call[0] != "GET"])
def test_rights_on_own_applications_only(talk: Talk, method: str, path: str, body: Any) -> None:
    """Application.ReadWrite.OwnedBy would reach somebody else's application."""
    reader = talk.reader()
    talk.state.applications[reader.id].owners = frozenset({"somebody"})
    answer = talk.send(method, f"{GRAPH}{path.format(id=reader.id)}", body)
    assert refused(answer) == (403, "Authorization_RequestDenied")


def test_service_principal_of_a_foreign_application(talk: Talk) -> None:
    """With rights on its own applications a caller could make service principals of others."""
    application = talk.application()
    talk.state.applications[application["id"]].owners = frozenset({"somebody"})
    answer = talk.send("POST", f"{GRAPH}/servicePrincipals", {"appId": application["appId"]})
    assert (refused(answer), "must in the local tenant" in answer.json["error"]["message"]) == (
        (403, "Authorization_RequestDenied"),
        True,
    )


def test_quota(talk: Talk) -> None:
    """A creator could own any number of objects."""
    talk.state.most_objects = 3
    reader = talk.reader()
    talk.application("last")
    answer = talk.send("POST", f"{GRAPH}/applications", {"displayName": "one more"})
    assert refused(answer) == (403, "Directory_QuotaExceeded")
    talk.send("DELETE", f"{GRAPH}/applications/{reader.id}")
    assert talk.application("one more")["displayName"] == "one more"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/applications", {"displayName": "docker-reader", "notes": "Pulls from norights.azurecr.io"}),
        ("PATCH", "/applications(uniqueName='x')", {"displayName": "x", "tags": ["norights.azurecr.io"]}),
        ("GET", "/applications(uniqueName='pull-norights')", None),
        ("GET", "/applications?$filter=displayName%20eq%20'norights'", None),
    ],
)
def test_the_world_without_rights(talk: Talk, method: str, path: str, body: Any) -> None:
    """An application for the registry `norights` could be looked for or made."""
    answer = talk.send(method, f"{GRAPH}{path}", body, headers=UPSERT)
    assert refused(answer) == (403, "Authorization_RequestDenied")


def test_the_world_without_rights_is_one_registry(talk: Talk) -> None:
    """A name that merely contains the word would be refused too, or one that was made before would be open."""
    assert talk.application("norightsatall")["displayName"] == "norightsatall"
    reader = talk.reader()
    talk.state.applications[reader.id].properties["tags"] = ["for norights.azurecr.io"]
    assert talk.send("DELETE", f"{GRAPH}/applications/{reader.id}").status == 403
    assert talk.send("POST", f"{GRAPH}/applications/{reader.id}/addPassword", {}).status == 403


def test_a_policy_for_all(talk: Talk) -> None:
    """A test could not take the operator's rights away altogether."""
    talk.state.policies.append(Policy(word="", denies=True))
    assert refused(talk.send("GET", f"{GRAPH}/applications")) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"'])
def test_bodies_that_are_no_objects(talk: Talk, body: bytes) -> None:
    """A broken body would make the fake fail where Graph refuses."""
    assert refused(talk.send("POST", f"{GRAPH}/applications", body)) == (400, "Request_BadRequest")
