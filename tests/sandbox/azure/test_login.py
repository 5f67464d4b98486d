"""Signing in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import jwt
import pytest

from pullgrant.sandbox.azure.basics import digest_of
from pullgrant.sandbox.azure.state import Principal
from sandbox.azure.talk import ACR, ARM, GRAPH, LOGIN, Talk, aadsts, claims_of, good, refused

MANAGEMENT = f"{ARM}/.default"


def test_a_token_is_for_its_audience(talk: Talk) -> None:
    """A token would not say whom it is for, who asked for it and how long it lives."""
    claims = claims_of(good(talk.sign_in(MANAGEMENT))["access_token"])
    found = {name: claims[name] for name in ("aud", "appid", "tid", "idtyp")}
    assert found == {"aud": ARM, "appid": talk.client_id, "tid": talk.tenant, "idtyp": "app"}
    assert claims["exp"] - claims["iat"] == 3599
    assert "roles" not in claims


def test_a_graph_token_names_permissions(talk: Talk) -> None:
    """A token for Microsoft Graph would not carry the application permissions that a client may look for."""
    claims = claims_of(good(talk.sign_in("https://graph.microsoft.com/.default"))["access_token"])
    assert claims["roles"] == ["Application.ReadWrite.OwnedBy"]


def test_tokens_verify_with_the_published_keys(talk: Talk) -> None:
    """The key set would not belong to the tokens."""
    token = good(talk.sign_in(MANAGEMENT))["access_token"]
    keys = jwt.PyJWKSet.from_dict(good(talk.send("GET", f"{LOGIN}/{talk.tenant}/discovery/v2.0/keys")))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["ES256"], audience=ARM)["tid"] == talk.tenant


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_id": "00000000-0000-0000-0000-000000000001"}, (400, "unauthorized_client", 700016)),
        ({"scope": "https://management.azure.com/user_impersonation"}, (400, "invalid_scope", 1002012)),
        ({"scope": "https://management.usgovcloudapi.net/.default"}, (400, "invalid_resource", 500011)),
        ({"scope": "https://elsewhere.example/.default"}, (400, "invalid_resource", 500011)),
        ({"scope": ""}, (400, "invalid_request", 900144)),
        ({"client_id": ""}, (400, "invalid_request", 900144)),
        ({"client_secret": None}, (401, "invalid_client", 7000216)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"grant_type": None}, (400, "invalid_request", 900144)),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, (400, "invalid_grant", 70043)),
    ],
)
def test_refused(talk: Talk, change: dict[str, str | None], expected: tuple[int, str, int]) -> None:
    """A sign-in that Entra refuses would pass, or fail in other words."""
    form: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": talk.client_id,
        "client_secret": talk.client_secret,
        "scope": MANAGEMENT,
    }
    sent = {name: value for name, value in (form | change).items() if value is not None}
    assert aadsts(talk.send("POST", f"{LOGIN}/{talk.tenant}/oauth2/v2.0/token", form=sent)) == expected


def test_a_refusal_has_the_shape_of_entra(talk: Talk) -> None:
    """A client that reads the sentence, or the codes, would find them elsewhere."""
    answer = talk.sign_in(MANAGEMENT, secret="wrong")
    assert set(answer.json) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    assert answer.json["error_description"].startswith("AADSTS7000215: Invalid client secret provided. ")
    assert "Trace ID: " in answer.json["error_description"]
    assert talk.client_secret not in str(answer)


def test_unknown_tenant(talk: Talk) -> None:
    """Any tenant would do."""
    assert aadsts(talk.sign_in(MANAGEMENT, tenant="nobody.example")) == (400, "invalid_request", 90002)
    answer = talk.send("GET", f"{LOGIN}/nobody.example/v2.0/.well-known/openid-configuration")
    assert aadsts(answer) == (400, "invalid_request", 90002)


def test_a_tenant_has_a_domain_too(talk: Talk) -> None:
    """A tenant could not be named by its domain, as people do."""
    assert talk.sign_in(MANAGEMENT, tenant="sandbox.onmicrosoft.com").status == 200


def test_another_key_has_no_power(talk: Talk) -> None:
    """A token signed by anybody would be accepted."""
    claims = claims_of(good(talk.sign_in(MANAGEMENT))["access_token"])
    forged = jwt.encode(claims, "a-secret-of-thirty-two-bytes-long!", algorithm="HS256")
    answer = talk.send("GET", f"{ARM}/subscriptions?api-version=2022-12-01", token=forged)
    assert refused(answer) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{ARM}/subscriptions?api-version=2022-12-01", "InvalidAuthenticationTokenAudience"),
        (f"{GRAPH}/applications", "InvalidAuthenticationToken"),
    ],
)
def test_wrong_audience(talk: Talk, url: str, code: str) -> None:
    """A token for one service would open another."""
    token = good(talk.sign_in(f"{ACR}/.default"))["access_token"]
    assert refused(talk.send("GET", url, token=token)) == (401, code)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{ARM}/subscriptions?api-version=2022-12-01", "ExpiredAuthenticationToken"),
        (f"{GRAPH}/applications", "InvalidAuthenticationToken"),
    ],
)
def test_expired(talk: Talk, url: str, code: str) -> None:
    """A token would outlive its hour."""
    assert talk.send("GET", url).status == 200
    talk.world.advance(timedelta(seconds=3600))
    assert refused(talk.send("GET", url)) == (401, code)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{ARM}/subscriptions?api-version=2022-12-01", "AuthenticationFailed"),
        (f"{GRAPH}/applications", "InvalidAuthenticationToken"),
    ],
)
def test_no_token(talk: Talk, url: str, code: str) -> None:
    """A caller without a token would be served."""
    assert refused(talk.send("GET", url, token="")) == (401, code)


def test_the_challenge_names_the_tenant(talk: Talk) -> None:
    """A client could not find the tenant of a subscription from Resource Manager's 401."""
    answer = talk.send("GET", f"{ARM}/subscriptions?api-version=2022-12-01", token="")
    assert f'authorization_uri="{LOGIN}/{talk.tenant}"' in answer.headers["www-authenticate"]


def test_expired_password(talk: Talk) -> None:
    """A password would sign in after its end."""
    reader = talk.reader(days=1)
    assert talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret).status == 200
    talk.world.advance(timedelta(days=1, seconds=1))
    answer = talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret)
    assert aadsts(answer) == (401, "invalid_client", 7000222)


def test_password_of_the_future(talk: Talk) -> None:
    """A password would sign in before its start."""
    reader = talk.reader()
    asked = {"startDateTime": talk.days_on(1), "endDateTime": talk.days_on(2)}
    url = f"{GRAPH}/applications/{reader.id}/addPassword"
    made = good(talk.send("POST", url, {"passwordCredential": asked}))
    assert talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=made["secretText"]).status == 401
    talk.world.advance(timedelta(days=1, hours=1))
    assert talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=made["secretText"]).status == 200


def test_without_service_principal(talk: Talk) -> None:
    """An application would sign in before it has a service principal."""
    application = talk.application()
    password = talk.password(application["id"])
    answer = talk.sign_in(MANAGEMENT, app_id=application["appId"], secret=password["secretText"])
    assert aadsts(answer) == (401, "invalid_client", 7000229)


def test_disabled_service_principal(talk: Talk) -> None:
    """A disabled service principal would go on signing in."""
    reader = talk.reader()
    url = f"{GRAPH}/servicePrincipals/{reader.principal}"
    assert talk.send("PATCH", url, {"accountEnabled": False}).status == 204
    answer = talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret)
    assert aadsts(answer) == (400, "unauthorized_client", 7000112)
    talk.send("PATCH", url, {"accountEnabled": True})
    assert talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret).status == 200


def test_deleted_application(talk: Talk) -> None:
    """A deleted application would go on signing in."""
    reader = talk.reader()
    assert talk.send("DELETE", f"{GRAPH}/applications/{reader.id}").status == 204
    answer = talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret)
    assert aadsts(answer) == (400, "unauthorized_client", 700016)


def test_a_person_by_refresh_token(talk: Talk) -> None:
    """Somebody who signed in with a browser could not get a token."""
    person = Principal(
        id="33333333-0000-0000-0000-000000000003",
        app_id="",
        display_name="operator@sandbox.onmicrosoft.com",
        created=talk.world.now(),
        kind="User",
    )
    talk.state.principals[person.id] = person
    talk.state.refresh_tokens[digest_of("refresh")] = person.id
    form = {"grant_type": "refresh_token", "client_id": "az", "refresh_token": "refresh"}
    form["scope"] = "https://graph.microsoft.com/.default openid offline_access"
    answer = good(talk.send("POST", f"{LOGIN}/{talk.tenant}/oauth2/v2.0/token", form=form))
    assert good(talk.send("GET", f"{GRAPH}/me", token=answer["access_token"]))["userPrincipalName"] == person.display_name
    talk.state.principals[person.id] = replace(person, enabled=False)
    assert talk.send("POST", f"{LOGIN}/{talk.tenant}/oauth2/v2.0/token", form=form).status == 400


def test_an_application_is_no_person(talk: Talk) -> None:
    """/me would answer for a program."""
    assert refused(talk.send("GET", f"{GRAPH}/me")) == (400, "BadRequest")


def test_the_operator_outlives_reset(talk: Talk) -> None:
    """A process that was told the operator's secret would be locked out by a reset."""
    talk.azure.reset()
    assert talk.sign_in(MANAGEMENT).status == 200


def test_reset_ends_readers(talk: Talk) -> None:
    """What one test made would be there in the next."""
    reader = talk.reader()
    talk.azure.reset()
    assert talk.sign_in(MANAGEMENT, app_id=reader.app_id, secret=reader.secret).status == 400
