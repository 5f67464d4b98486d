"""The registry's own doors: who gets in, and how far."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pullgrant.sandbox.azure.roles import ACR_PULL, ACR_PUSH, CATALOG_LISTER, REPOSITORY_READER, ROLES
from pullgrant.sandbox.exchange import Response
from sandbox.azure.talk import ACR, ARM, CONDITION, Reader, Talk, claims_of, good

NULL = "00000000-0000-0000-0000-000000000000"
HOST = "demo.azurecr.io"
ABAC = "demoabac.azurecr.io"
CATALOG = "registry:catalog:*"


def login(reader: Reader) -> tuple[str, str]:
    """The docker login of a reader."""
    return reader.app_id, reader.secret


def granted(talk: Talk, role: str, registry: str = "demo", **more: Any) -> Reader:
    """Make a reader with one role on a registry."""
    reader = talk.reader()
    assert talk.assign(reader.principal, role, scope=talk.registry(registry), **more).status == 201
    return reader


def exchange(talk: Talk, token: str, host: str = HOST, **change: str) -> Response:
    """Exchange an access token of the sign-in."""
    form = {"grant_type": "access_token", "service": host, "tenant": talk.tenant, "access_token": token} | change
    return talk.send("POST", f"https://{host}/oauth2/exchange", form=form, token="")


def test_challenge(talk: Talk) -> None:
    """A client would be sent elsewhere for its token."""
    answer = talk.send("GET", f"https://{HOST}/v2/")
    words = f'Bearer realm="https://{HOST}/oauth2/token",service="{HOST}"'
    assert (answer.status, answer.headers["www-authenticate"]) == (401, words)


def test_a_token_has_one_name(talk: Talk) -> None:
    """A client that needs `token` or `expires_in` would work here and fail at Azure, which answers access_token alone."""
    reader = granted(talk, ACR_PULL)
    answer = good(talk.registry_token(login(reader), "repository:app:pull"))
    assert set(answer) == {"access_token"}
    claims = claims_of(answer["access_token"])
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (HOST, 4500)


def test_pulling(talk: Talk) -> None:
    """A granted token would not open the manifest, or an ungranted one would."""
    reader = granted(talk, ACR_PULL)
    token = good(talk.registry_token(login(reader), "repository:app:pull"))["access_token"]
    urls = [f"https://{HOST}/v2/{name}/manifests/v1" for name in ("app", "team/app")]
    assert [talk.send("GET", url, token=token).status for url in urls] == [200, 401]


@pytest.mark.parametrize(
    ("name", "classic", "abac"),
    [
        ("AcrPull", ["pull"], []),
        ("AcrPush", ["pull", "push"], []),
        ("AcrDelete", ["delete"], []),
        ("Reader", ["pull"], []),
        ("Contributor", ["delete", "pull", "push"], []),
        ("Owner", ["delete", "pull", "push"], []),
        ("Container Registry Repository Reader", [], ["pull"]),
        ("Container Registry Repository Writer", [], ["pull", "push"]),
        ("Container Registry Repository Contributor", [], ["delete", "pull", "push"]),
        ("Container Registry Repository Catalog Lister", [], []),
    ],
)
def test_roles_by_mode(talk: Talk, name: str, classic: list[str], abac: list[str]) -> None:
    """A role would be honoured in the mode in which it means nothing, or grant something else."""
    role = next(each.guid for each in ROLES.values() if each.name == name)
    reader = granted(talk, role)
    name_of_second = "11111111-0000-0000-0000-000000000002"
    assert talk.assign(reader.principal, role, scope=talk.registry("demoabac"), name=name_of_second).status == 201
    assert (talk.actions(login(reader), "app"), talk.actions(login(reader), "app", host=ABAC)) == (classic, abac)


def test_condition_narrows(talk: Talk) -> None:
    """A condition would not keep a reader from other repositories."""
    reader = granted(talk, REPOSITORY_READER, "demoabac", condition=CONDITION, conditionVersion="2.0")
    found = [talk.actions(login(reader), name, host=ABAC) for name in ("team/app", "team/other", "app")]
    assert found == [["pull"], [], []]


def test_unreadable_condition(talk: Talk) -> None:
    """A condition that is not understood would grant everything."""
    reader = granted(talk, REPOSITORY_READER, "demoabac", condition="whatever", conditionVersion="2.0")
    assert talk.actions(login(reader), "team/app", host=ABAC) == []


def test_without_a_role(talk: Talk) -> None:
    """A reader without a grant could pull; a login without a scope looks green all the same."""
    reader = talk.reader()
    assert good(talk.registry_token(login(reader)))["access_token"]
    assert talk.actions(login(reader), "app") == []


def test_a_grant_that_is_taken_back(talk: Talk) -> None:
    """A deleted role assignment would go on granting."""
    reader = granted(talk, ACR_PULL)
    talk.send("DELETE", talk.assignment("11111111-0000-0000-0000-000000000001"))
    assert talk.actions(login(reader), "app") == []


def test_the_end_of_a_password(talk: Talk) -> None:
    """A password would open the registry after its end; a token that was given out goes on until its own."""
    reader = talk.reader(days=1)
    talk.assign(reader.principal)
    talk.world.advance(timedelta(days=1, seconds=-10))
    token = good(talk.registry_token(login(reader), "repository:app:pull"))["access_token"]
    talk.world.advance(timedelta(seconds=20))
    url = f"https://{HOST}/v2/app/manifests/v1"
    assert talk.registry_token(login(reader), "repository:app:pull").status == 401
    assert talk.send("GET", url, token=token).status == 200
    talk.world.advance(timedelta(seconds=4500))
    assert talk.send("GET", url, token=token).status == 401


@pytest.mark.parametrize("bad", [("nobody", "x"), (NULL, "x"), ("{app}", "wrong"), ("", "")])
def test_wrong_logins(talk: Talk, bad: tuple[str, str]) -> None:
    """Anybody would be let in."""
    reader = granted(talk, ACR_PULL)
    answer = talk.registry_token((bad[0].format(app=reader.app_id), bad[1]), "repository:app:pull")
    assert (answer.status, answer.json["errors"][0]["code"]) == (401, "UNAUTHORIZED")


def test_exchange_and_refresh(talk: Talk) -> None:
    """The way of `az acr login` would not lead to a pull, or to more than a pull."""
    reader = granted(talk, ACR_PULL)
    refresh = good(exchange(talk, talk.token_of(reader, ACR)))["refresh_token"]
    form = {"grant_type": "refresh_token", "service": HOST, "refresh_token": refresh, "scope": "repository:app:pull,push"}
    token = good(talk.send("POST", f"https://{HOST}/oauth2/token", form=form, token=""))["access_token"]
    assert claims_of(token)["access"] == [{"type": "repository", "name": "app", "actions": ["pull"]}]
    assert talk.actions((NULL, refresh), "app") == ["pull"]
    claims = claims_of(refresh)
    assert (claims["iss"], claims["grant_type"], claims["tenant"], claims["exp"] - claims["iat"]) == (
        "Azure Container Registry",
        "refresh_token",
        talk.tenant,
        3 * 3600,
    )


def test_password_form(talk: Talk) -> None:
    """POST with a name and password would not work as GET with Basic does."""
    reader = granted(talk, ACR_PULL)
    form = {"grant_type": "password", "service": HOST, "scope": "repository:app:pull", "client_id": "x"}
    form |= {"username": reader.app_id, "password": reader.secret}
    token = good(talk.send("POST", f"https://{HOST}/oauth2/token", form=form, token=""))["access_token"]
    assert claims_of(token)["access"][0]["actions"] == ["pull"]


def test_refresh_tokens_outlive_the_password(talk: Talk) -> None:
    """Removing a password would look as if it ended everything at once; a refresh token goes on for three hours."""
    reader = granted(talk, ACR_PULL)
    refresh = good(exchange(talk, talk.token_of(reader, ACR)))["refresh_token"]
    talk.send("DELETE", f"https://graph.microsoft.com/v1.0/applications/{reader.id}")
    assert talk.actions((NULL, refresh), "app") == ["pull"]
    talk.world.advance(timedelta(hours=3, seconds=1))
    assert talk.registry_token((NULL, refresh), "repository:app:pull").status == 401


def test_a_refresh_token_is_for_one_registry(talk: Talk) -> None:
    """A refresh token would open another registry."""
    reader = granted(talk, ACR_PULL)
    refresh = good(exchange(talk, talk.token_of(reader, ACR)))["refresh_token"]
    assert talk.registry_token((NULL, refresh), "repository:app:pull", host="public.azurecr.io").status == 401


def test_an_access_token_is_no_refresh_token(talk: Talk) -> None:
    """A registry's access token, or one of the sign-in, would do as a docker password."""
    reader = granted(talk, ACR_PULL)
    entra = talk.token_of(reader, ACR)
    access = good(talk.registry_token(login(reader), "repository:app:pull"))["access_token"]
    assert [talk.registry_token((NULL, token), "repository:app:pull").status for token in (entra, access)] == [401, 401]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"grant_type": "password"}, 400),
        ({"service": "public.azurecr.io"}, 400),
        ({"tenant": "00000000-0000-0000-0000-000000000001"}, 401),
        ({"access_token": "x"}, 401),
        ({}, 200),
    ],
)
def test_bad_exchanges(talk: Talk, change: dict[str, str], status: int) -> None:
    """An exchange for another registry, tenant or without a good token would pass."""
    reader = talk.reader()
    assert exchange(talk, talk.token_of(reader, ACR), **change).status == status


def test_audiences_of_the_exchange(talk: Talk) -> None:
    """A token for Resource Manager would pass although the registry has turned that off, or one for Graph would."""
    reader = talk.reader()
    management, graph = talk.token_of(reader, ARM), talk.token_of(reader, "https://graph.microsoft.com")
    assert [exchange(talk, token).status for token in (management, graph)] == [200, 401]
    talk.state.registries["demo"].arm_audience = False
    assert exchange(talk, management).status == 401


def test_catalog(talk: Talk) -> None:
    """The list of repositories would be open to everybody, or closed to the operator."""
    operator = good(exchange(talk, good(talk.sign_in(f"{ACR}/.default"))["access_token"]))["refresh_token"]
    token = good(talk.registry_token((NULL, operator), CATALOG))["access_token"]
    assert claims_of(token)["access"] == [{"type": "registry", "name": "catalog", "actions": ["*"]}]
    for path in ("/v2/_catalog", "/acr/v1/_catalog"):
        names = good(talk.send("GET", f"https://{HOST}{path}", token=token))["repositories"]
        assert names == ["app", "team/app", "team/other"]
    page = talk.send("GET", f"https://{HOST}/v2/_catalog?n=1&last=app", token=token)
    assert (page.json, page.headers["link"]) == (
        {"repositories": ["team/app"]},
        '</v2/_catalog?last=team/app&n=1&orderby=>; rel="next"',
    )


def test_catalog_is_refused(talk: Talk) -> None:
    """A pull token would list the repositories, or a reader who may not list them would be given a token for it."""
    reader = granted(talk, REPOSITORY_READER, "demoabac")
    assert talk.access(login(reader), CATALOG, host=ABAC) == []
    tokens = [
        good(talk.registry_token(login(reader), scope, host=ABAC))["access_token"]
        for scope in (CATALOG, "repository:app:pull")
    ]
    answers = [talk.send("GET", f"https://{ABAC}/v2/_catalog", token=token) for token in (*tokens, "")]
    assert [each.status for each in answers] == [401, 401, 401]
    assert 'scope="registry:catalog:*"' in answers[2].headers["www-authenticate"]


def test_catalog_lister(talk: Talk) -> None:
    """The role for listing an ABAC registry would not list it, or would pull."""
    reader = granted(talk, CATALOG_LISTER, "demoabac")
    token = good(talk.registry_token(login(reader), CATALOG, host=ABAC))["access_token"]
    assert talk.send("GET", f"https://{ABAC}/v2/_catalog", token=token).status == 200
    assert talk.send("GET", f"https://{ABAC}/v2/app/manifests/v1", token=token).status == 401


def test_a_registry_token_lists_nothing(talk: Talk) -> None:
    """A repository-scoped token of the registry would list all repositories."""
    body = {"properties": {"scopeMapId": f"{talk.registry()}/scopeMaps/_repositories_admin", "status": "enabled"}}
    token = good(talk.send("PUT", talk.of_registry("/tokens/mytoken"), body), 201)["id"]
    asked = talk.send("POST", talk.of_registry("/generateCredentials"), {"tokenId": token, "name": "password1"})
    secret = good(talk.send("GET", asked.headers["location"]))["passwords"][0]["value"]
    assert talk.actions(("mytoken", secret), "app") == ["delete", "pull", "push"]
    assert talk.access(("mytoken", secret), CATALOG) == []


def test_everything_at_once(talk: Talk) -> None:
    """The wildcard that acr-cli asks for would not open a classic registry, or would open one in ABAC mode."""
    classic, abac = granted(talk, ACR_PULL), talk.reader("second")
    second = "11111111-0000-0000-0000-000000000002"
    talk.assign(abac.principal, REPOSITORY_READER, scope=talk.registry("demoabac"), name=second)
    token = good(talk.registry_token(login(classic), "repository:*:pull,push"))["access_token"]
    answers = [talk.send("GET", f"https://{HOST}/v2/{name}/tags/list", token=token) for name in ("app", "team/app")]
    assert [each.status for each in answers] == [200, 200]
    assert talk.send("POST", f"https://{HOST}/v2/app/blobs/uploads/", token=token).status == 401
    assert talk.access(login(abac), "repository:*:pull", host=ABAC) == []


@pytest.mark.parametrize(("host", "status"), [("public.azurecr.io", 200), (HOST, 401)])
def test_anonymous(talk: Talk, host: str, status: int) -> None:
    """A private registry would let everybody pull, or a public one nobody."""
    answer = good(talk.send("GET", f"https://{host}/oauth2/token?service={host}&scope=repository:app:pull"))
    assert talk.send("GET", f"https://{host}/v2/app/manifests/v1", token=answer["access_token"]).status == status


@pytest.mark.parametrize(
    "host",
    ["nothere.azurecr.io", "demo.azurecr.io.evil.example", "xdemo.azurecr.io", "demo-x.azurecr.io", "labelled.azurecr.io"],
)
def test_other_hosts_do_not_exist(talk: Talk, host: str) -> None:
    """A look-alike host, or a registry under a name that is not its login server, would be answered."""
    assert talk.board.knows(host) is False


def test_push_role_can_push(talk: Talk) -> None:
    """A credential that can push could not be told from one that cannot, so no proof could fail."""
    reader = granted(talk, ACR_PUSH)
    token = good(talk.registry_token(login(reader), "repository:app:pull,push"))["access_token"]
    assert talk.send("POST", f"https://{HOST}/v2/app/blobs/uploads/", token=token).status == 202


def test_form_that_is_no_text(talk: Talk) -> None:
    """A body that cannot be read would make the fake fail where Azure refuses."""
    assert talk.send("POST", f"https://{HOST}/oauth2/exchange", b"\xff", token="").status == 400
    login_url = f"https://login.microsoftonline.com/{talk.tenant}/oauth2/v2.0/token"
    assert talk.send("POST", login_url, b"\xff", token="").status == 400


def test_the_gate_in_words(talk: Talk) -> None:
    """A registry that asks the gate itself would be refused in other words than Azure's."""
    gate = talk.azure.gates()[0]
    answer = gate.refusal(HOST, None, "app", "push")
    detail = [{"Type": "repository", "Name": "app", "Action": "push"}]
    assert (answer.status, answer.json["errors"][0]["detail"]) == (401, detail)
    assert gate.images("nothere.azurecr.io") == {}
    assert gate.sign_in("nothere.azurecr.io", "a", "b") is None
    assert gate.actions("nothere.azurecr.io", None, "app") == frozenset()
