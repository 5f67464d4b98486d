"""The three national clouds."""

from __future__ import annotations

import pytest

from pullgrant.sandbox.azure.clouds import CLOUDS, Cloud
from sandbox.azure.talk import ARM, Talk, claims_of, good, refused

OTHERS = [cloud for cloud in CLOUDS if cloud.name != "public"]


def token_of(talk: Talk, cloud: Cloud, resource: str) -> str:
    """Return an access token of a cloud's sign-in."""
    login = f"https://{cloud.logins[0]}"
    return str(good(talk.sign_in(f"{resource}/.default", login=login))["access_token"])


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_each_cloud_works(talk: Talk, cloud: Cloud) -> None:
    """A cloud's registries could not be reached with a token of its own sign-in."""
    management = token_of(talk, cloud, cloud.audiences[0])
    url = f"https://{cloud.arm}{talk.registry()}?api-version=2025-11-01"
    found = good(talk.send("GET", url, token=management))["properties"]["loginServer"]
    graph = token_of(talk, cloud, f"https://{cloud.graph}")
    listed = talk.send("GET", f"https://{cloud.graph}/v1.0/applications", token=graph)
    assert (found, listed.status) == (f"demo.{cloud.suffix}", 200)
    answer = talk.send("GET", f"https://demo.{cloud.suffix}/v2/")
    assert f'realm="https://demo.{cloud.suffix}/oauth2/token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("cloud", OTHERS, ids=lambda cloud: cloud.name)
def test_tokens_stay_in_their_cloud(talk: Talk, cloud: Cloud) -> None:
    """A token of one cloud would open another."""
    foreign = token_of(talk, cloud, "https://containerregistry.azure.net")
    form = {"grant_type": "access_token", "service": "demo.azurecr.io", "access_token": foreign}
    assert talk.send("POST", "https://demo.azurecr.io/oauth2/exchange", form=form, token="").status == 401
    management = token_of(talk, cloud, cloud.audiences[0])
    answer = talk.send("GET", f"{ARM}/subscriptions?api-version=2022-12-01", token=management)
    assert refused(answer) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("cloud", OTHERS, ids=lambda cloud: cloud.name)
def test_readers_stay_in_their_cloud(talk: Talk, cloud: Cloud) -> None:
    """A reader of the public cloud would be known in another."""
    reader = talk.reader()
    talk.assign(reader.principal)
    host = f"demo.{cloud.suffix}"
    assert talk.registry_token((reader.app_id, reader.secret), host=host).status == 401
    assert talk.registry_token((reader.app_id, reader.secret)).status == 200


def test_the_trap_of_the_government_cloud(talk: Talk) -> None:
    """The government cloud would take its own address as a scope, which is not in azure-mgmt-core's table."""
    login = "https://login.microsoftonline.us"
    wrong = talk.sign_in("https://management.usgovcloudapi.net/.default", login=login)
    right = talk.sign_in("https://management.core.usgovcloudapi.net/.default", login=login)
    assert (wrong.status, right.status) == (400, 200)


def test_a_double_slash(talk: Talk) -> None:
    """The scope of older tools, whose resource ends in a slash, would not do."""
    token = good(talk.sign_in("https://management.core.windows.net//.default"))["access_token"]
    assert claims_of(token)["aud"] == "https://management.core.windows.net/"
    assert talk.send("GET", f"{ARM}/subscriptions?api-version=2022-12-01", token=token).status == 200
