"""The registry's data plane and token service, in each style."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from pullgrant.sandbox.control_client import Control
from pullgrant.sandbox.registry.scopes import read_scopes
from pullgrant.sandbox.run import Sandbox
from sandbox.toy import Toy

READER = ("reader", "reader-password")
PUSHER = ("pusher", "pusher-password")
NOBODY = ("nobody", "nobody-password")
Login = tuple[str, str] | None


def ask_token(client: httpx.Client, host: str, login: Login, *scopes: str) -> httpx.Response:
    params = [("service", host), *(("scope", scope) for scope in scopes)]
    return client.get(f"https://{host}/v2/token", params=params, auth=login)


def bearer(client: httpx.Client, host: str, login: Login, actions: str = "pull", name: str = "demo/app") -> dict[str, str]:
    answer = ask_token(client, host, login, f"repository:{name}:{actions}")
    assert answer.status_code == 200
    return {"authorization": f"Bearer {answer.json()['token']}"}


def claims(token: str) -> Any:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test"])
def test_ping_leads_to_the_desk(client: httpx.Client, host: str) -> None:
    """A client would not learn where tokens are given."""
    answer = client.get(f"https://{host}/v2/")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (
        401,
        f'Bearer realm="https://{host}/v2/token",service="{host}"',
    )
    token = ask_token(client, host, READER).json()["token"]
    assert client.get(f"https://{host}/v2/", headers={"authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test"])
@pytest.mark.parametrize("reference", ["v1", "digest"])
def test_reader_pulls_manifest_config_and_layer(client: httpx.Client, host: str, reference: str) -> None:
    """A granted pull would fail, or give bytes that do not match their digests."""
    headers = bearer(client, host, READER)
    base = f"https://{host}/v2/demo/app"
    digest = client.head(f"{base}/manifests/v1", headers=headers).headers["docker-content-digest"]
    answer = client.get(f"{base}/manifests/{digest if reference == 'digest' else 'v1'}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.oci.image.manifest.v1+json")
    assert digest == f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    manifest = answer.json()
    for part in (manifest["config"], *manifest["layers"]):
        blob = client.get(f"{base}/blobs/{part['digest']}", headers=headers).content
        assert (part["digest"], part["size"]) == (f"sha256:{hashlib.sha256(blob).hexdigest()}", len(blob))


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test"])
@pytest.mark.parametrize("login", [("reader", "wrong"), ("stranger", "x"), ("reader", "")])
def test_wrong_secret_is_401(client: httpx.Client, host: str, login: tuple[str, str]) -> None:
    """A wrong secret would get a token."""
    answer = ask_token(client, host, login, "repository:demo/app:pull")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")


def test_jwt_grants_the_intersection(client: httpx.Client, toybox: Sandbox) -> None:
    """A token would claim more than is granted, or a refused action would be an error against the specification."""
    token = ask_token(client, "jwt.test", READER, "repository:demo/app:pull,push", "repository:demo/other:pull").json()
    read = claims(token["token"])
    assert read["access"] == [{"type": "repository", "name": "demo/app", "actions": ["pull"]}]
    assert (read["aud"], read["sub"], read["exp"] - read["iat"]) == ("jwt.test", "user:reader", token["expires_in"])
    assert {"iss", "nbf", "jti"} <= set(read)
    assert token["access_token"] == token["token"]


@pytest.mark.parametrize("login", [NOBODY, None])
def test_jwt_without_any_right_is_200(client: httpx.Client, login: Login) -> None:
    """The dangerous case would be missing: a token is given, and it grants nothing."""
    answer = ask_token(client, "jwt.test", login, "repository:demo/app:pull")
    assert (answer.status_code, claims(answer.json()["token"])["access"]) == (200, [])
    headers = {"authorization": f"Bearer {answer.json()['token']}"}
    refused = client.get("https://jwt.test/v2/demo/app/manifests/v1", headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].endswith('scope="repository:demo/app:pull",error="insufficient_scope"')


def test_jwt_of_another_registry_or_key_is_refused(client: httpx.Client, toy: Toy) -> None:
    """A token made elsewhere, or by anybody, would open the registry."""
    token = ask_token(client, "jwt.test", READER, "repository:demo/app:pull").json()["token"]
    forged = jwt.encode(claims(token), toy.authority.leaf("forger.test")[1], algorithm="ES256")
    foreign = client.get(
        "https://jwt.test/v2/token", params={"service": "other.test", "scope": "repository:demo/app:pull"}, auth=READER
    )
    unsigned = jwt.encode(claims(token), "", algorithm="none")
    for wrong in (forged, foreign.json()["token"], unsigned, "x.y.z", "x"):
        answer = client.get("https://jwt.test/v2/demo/app/manifests/v1", headers={"authorization": f"Bearer {wrong}"})
        assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)


@pytest.mark.parametrize(("login", "who"), [(READER, "pull,push"), (NOBODY, "pull"), (None, "pull")])
def test_google_refuses_at_the_token_call(client: httpx.Client, login: Login, who: str) -> None:
    """A refused action would only show at the registry, unlike at Google."""
    answer = ask_token(client, "gcr.io", login, f"repository:demo/app:{who}")
    refused = who.rpartition(",")[2]
    assert (answer.status_code, answer.json()["errors"][0]) == (
        403,
        {"code": "DENIED", "message": f"Permission '{refused}' denied on demo/app"},
    )


def test_opaque_token_is_judged_at_the_registry(client: httpx.Client) -> None:
    """A registry that gives a token to anybody could not be imitated."""
    headers = bearer(client, "opaque.test", NOBODY)
    answer = client.get("https://opaque.test/v2/demo/app/manifests/v1", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "DENIED")


def test_google_judges_again_at_the_registry(client: httpx.Client, toy: Toy) -> None:
    """A grant taken away would live on in tokens that carry no rights."""
    headers = bearer(client, "gcr.io", READER)
    toy.by_host["gcr.io"].granted["reader"] = {}
    assert client.head("https://gcr.io/v2/demo/app/manifests/v1", headers=headers).status_code == 403


def test_opaque_token_is_for_what_was_asked(client: httpx.Client) -> None:
    """A token asked for one repository would open another."""
    headers = bearer(client, "gcr.io", PUSHER, name="demo/new")
    answer = client.get("https://gcr.io/v2/demo/app/manifests/v1", headers=headers)
    assert (answer.status_code, "insufficient_scope" in answer.headers["www-authenticate"]) == (401, True)


def test_basic_on_every_call(client: httpx.Client) -> None:
    """A registry without token service could not be imitated, or would let strangers in."""
    url = "https://basic.test/v2/demo/app/manifests/v1"
    answers = [client.get(url, auth=login) for login in (READER, NOBODY, ("reader", "wrong"), None)]
    assert [answer.status_code for answer in answers] == [200, 403, 401, 401]
    assert answers[-1].headers["www-authenticate"] == 'Basic realm="https://basic.test/v2/token",service="basic.test"'
    assert [client.get("https://basic.test/v2/", auth=login).status_code for login in (READER, None)] == [200, 401]
    assert client.get("https://basic.test/v2/demo/open/manifests/v1").status_code == 200
    assert client.get(url, headers={"authorization": "Basic !"}).status_code == 401


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test"])
def test_tokens_die_by_the_worlds_clock(client: httpx.Client, control: Control, host: str) -> None:
    """An expired token would go on working, or expiry could not be tried without waiting."""
    headers, url = bearer(client, host, READER), f"https://{host}/v2/demo/app/manifests/v1"
    control.advance(290)
    assert client.head(url, headers=headers).status_code == 200
    control.advance(11)
    answer = client.get(url, headers=headers)
    assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test"])
def test_deleted_key_gets_no_new_token_but_old_ones_live(client: httpx.Client, toy: Toy, host: str) -> None:
    """Revocation would look immediate where it is not, or never come."""
    headers = bearer(client, host, READER)
    toy.by_host[host].gone.add("reader")
    assert ask_token(client, host, READER, "repository:demo/app:pull").status_code == 401
    assert client.head(f"https://{host}/v2/demo/app/manifests/v1", headers=headers).status_code == 200


def test_expired_credential_is_401(client: httpx.Client, toy: Toy, toybox: Sandbox) -> None:
    """A credential would outlive its end."""
    gate = toy.by_host["jwt.test"]
    gate.expiries["reader"] = toybox.world.now() + timedelta(hours=1)
    assert ask_token(client, "jwt.test", READER).status_code == 200
    toybox.world.advance(timedelta(hours=2))
    assert ask_token(client, "jwt.test", READER).status_code == 401


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test"])
def test_public_repository_needs_a_token_but_no_login(client: httpx.Client, host: str) -> None:
    """A public image could not be pulled anonymously."""
    url = f"https://{host}/v2/demo/open/manifests/v1"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=bearer(client, host, None, name="demo/open")).status_code == 200


@pytest.mark.parametrize("host", ["jwt.test", "gcr.io", "opaque.test", "basic.test"])
def test_push_is_refused_to_a_reader(client: httpx.Client, host: str) -> None:
    """A reader could start an upload, so a proof of least privilege would prove nothing."""
    url = f"https://{host}/v2/demo/app/blobs/uploads/"
    if host == "basic.test":
        answer = client.post(url, auth=READER)
    else:
        answer = client.post(url, headers=bearer(client, host, READER))
    assert answer.status_code == {"jwt.test": 401, "gcr.io": 401}.get(host, 403)
    if host in ("jwt.test", "gcr.io"):
        wanted = 'scope="repository:demo/app:pull,push",error="insufficient_scope"'
        assert answer.headers["www-authenticate"].endswith(wanted)


def test_pusher_starts_and_cancels_an_upload(client: httpx.Client) -> None:
    """A credential that is too wide would look narrow."""
    headers = bearer(client, "jwt.test", PUSHER, "pull,push")
    started = client.post("https://jwt.test/v2/demo/app/blobs/uploads/", headers=headers)
    assert (started.status_code, started.content) == (202, b"")
    upload = f"https://jwt.test{started.headers['location']}"
    assert client.get(upload, headers=headers).status_code == 204
    assert client.delete(upload, headers=headers).status_code == 401
    deleter = bearer(client, "jwt.test", PUSHER, "delete")
    assert [client.delete(upload, headers=deleter).status_code for _ in range(2)] == [204, 404]


def push(client: httpx.Client, base: str, headers: dict[str, str], content: bytes, digest: str) -> int:
    started = client.post(f"{base}/blobs/uploads/", headers=headers)
    location = f"https://gcr.io{started.headers['location']}"
    assert client.patch(location, headers=headers, content=content[:3]).headers["range"] == "0-2"
    return client.put(location, headers=headers, content=content[3:], params={"digest": digest}).status_code


def test_push_is_kept_and_forgotten_at_reset(client: httpx.Client, control: Control) -> None:
    """A pushed image could not be pulled, or would survive into the next test."""
    headers, base = bearer(client, "gcr.io", PUSHER, "pull,push,delete"), "https://gcr.io/v2/demo/app"
    blob = b"0123456789"
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert push(client, base, headers, blob, "sha256:" + "0" * 64) == 400
    assert push(client, base, headers, blob, digest) == 201
    manifest = {"schemaVersion": 2, "config": {"digest": digest}, "layers": []}
    unknown = {**manifest, "layers": [{"digest": "sha256:" + "1" * 64}]}
    puts = [client.put(f"{base}/manifests/new", headers=headers, json=sent) for sent in (manifest, unknown, {})]
    assert [put.status_code for put in puts] == [201, 400, 400]
    by_digest = f"{base}/manifests/{puts[0].headers['docker-content-digest']}"
    assert client.get(f"{base}/manifests/new", headers=headers).json() == manifest
    assert client.get(f"{base}/tags/list", headers=headers).json()["tags"] == ["new", "v1", "v2"]
    assert [client.delete(by_digest, headers=headers).status_code for _ in range(2)] == [202, 404]
    assert client.delete(f"{base}/manifests/v1", headers=headers).status_code == 405
    control.reset()
    headers = bearer(client, "gcr.io", PUSHER, "pull")
    assert client.get(f"{base}/blobs/{digest}", headers=headers).status_code == 404


def test_tags_are_paged(client: httpx.Client) -> None:
    """A client that asks for one tag would get all, or no way to the next."""
    headers = bearer(client, "jwt.test", READER)
    page = client.get("https://jwt.test/v2/demo/app/tags/list?n=1", headers=headers)
    assert (page.json()["tags"], page.headers["link"]) == (["v1"], '</v2/demo/app/tags/list?last=v1&n=1>; rel="next"')
    rest = client.get("https://jwt.test/v2/demo/app/tags/list?last=v1&n=1", headers=headers)
    assert (rest.json()["tags"], "link" in rest.headers) == (["v2"], False)


def test_tags_list_children_in_googles_way(client: httpx.Client, toy: Toy) -> None:
    """Images below a project could not be found by listing."""
    toy.by_host["gcr.io"].granted["reader"] = {"demo": frozenset({"pull"}), "demo/app": frozenset({"pull"})}
    top = client.get("https://gcr.io/v2/demo/tags/list", headers=bearer(client, "gcr.io", READER, name="demo")).json()
    assert top == {"name": "demo", "tags": [], "child": ["app", "open", "other"], "manifest": {}}
    listed = client.get("https://gcr.io/v2/demo/app/tags/list", headers=bearer(client, "gcr.io", READER)).json()
    assert sorted(entry["tag"] for entry in listed["manifest"].values()) == [["v1"], ["v2"]]


def test_missing_things_are_404_for_who_may_look(client: httpx.Client) -> None:
    """Absence would look like a refusal, or the other way round."""
    headers = bearer(client, "gcr.io", PUSHER, name="demo/new")
    base = "https://gcr.io/v2/demo/new"
    asked = [f"{base}/manifests/v1", f"{base}/blobs/sha256:{'0' * 64}", f"{base}/tags/list"]
    codes = [client.get(url, headers=headers).json()["errors"][0]["code"] for url in asked]
    assert codes == ["MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN"]


def test_catalog_is_refused(client: httpx.Client) -> None:
    """A reader could list every repository of the registry."""
    answer = client.get("https://jwt.test/v2/_catalog", headers=bearer(client, "jwt.test", PUSHER))
    assert (answer.status_code, "registry:catalog:*" in answer.headers["www-authenticate"]) == (401, True)


def test_form_logins(client: httpx.Client) -> None:
    """OAuth2 clients would be refused, or would get in without the right secret."""
    form = {"service": "jwt.test", "client_id": "test", "scope": "repository:demo/app:pull repository:demo/open:pull"}
    url = "https://jwt.test/v2/token"
    good = client.post(url, data={**form, "grant_type": "password", "username": READER[0], "password": READER[1]})
    names = [entry["name"] for entry in claims(good.json()["access_token"])["access"]]
    assert (good.status_code, names) == (200, ["demo/app", "demo/open"])
    bad = {**form, "grant_type": "password", "username": READER[0], "password": "wrong"}
    assert client.post(url, data=bad).status_code == 401
    assert client.post(url, data={**form, "grant_type": "refresh_token", "refresh_token": "x"}).status_code == 401
    assert client.post(url, data=form).status_code == 400
    assert client.post("https://gcr.io/v2/token", data=form).status_code == 404


def test_broken_token_requests_are_400(client: httpx.Client) -> None:
    """A senseless request would get a token."""
    headers = {"authorization": "Basic " + base64.b64encode(b"nocolon").decode()}
    assert client.get("https://jwt.test/v2/token", headers=headers).status_code == 400
    assert client.get("https://jwt.test/v2/token", headers={"authorization": "Basic %"}).status_code == 400
    assert ask_token(client, "jwt.test", READER, "pull").status_code == 400


def test_scope_grammar() -> None:
    """A name with a port, a class in parentheses or `*` would be read wrongly."""
    read = read_scopes(["repository:host:5000/a/b:pull,push repository(plugin):x:*", "registry:catalog:*", "repository:y:"])
    assert [str(scope) for scope in read] == [
        "repository:host:5000/a/b:pull,push",
        "repository:x:pull,push,delete",
        "registry:catalog:*",
        "repository:y:",
    ]


def test_calls_are_logged_with_who_called(client: httpx.Client, control: Control) -> None:
    """The log could not show whether a credential was used, and how it ended."""
    client.head("https://gcr.io/v2/demo/app/manifests/v1", headers=bearer(client, "gcr.io", READER))
    ask_token(client, "gcr.io", None, "repository:demo/app:pull")
    assert [(call.kind, call.principal, call.status) for call in control.calls()] == [
        ("registry.token", "user:reader", 200),
        ("registry.manifest", "user:reader", 200),
        ("registry.token", "anonymous", 403),
    ]


def test_faults_strike_the_registry(client: httpx.Client, control: Control) -> None:
    """A registry that is down could not be imitated."""
    control.fail("registry.token", 503)
    assert [ask_token(client, "gcr.io", READER).status_code for _ in range(2)] == [503, 200]


def test_loopback_names_carry_the_host(direct: httpx.Client, toybox: Sandbox) -> None:
    """A tool that cannot use a proxy could not reach the registries, or would reach the wrong one."""
    here = toybox.url.removeprefix("http://")
    ping = direct.get("/v2/")
    assert ping.headers["www-authenticate"] == f'Bearer realm="{toybox.url}/v2/token",service="{here}"'
    for host in ("gcr.io", "jwt.test", "opaque.test", "basic.test"):
        scope = {"service": here, "scope": f"repository:{host}/demo/app:pull"}
        token = direct.get("/v2/token", params=scope, auth=READER).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert direct.get(f"/v2/{host}/demo/app/manifests/v1", headers=headers).status_code == 200
        assert direct.get(f"/v2/{host}/demo/other/manifests/v1", headers=headers).status_code in (401, 403)
        assert direct.get("/v2/token", params=scope, auth=("reader", "wrong")).status_code == 401
    assert direct.get("/v2/unknown.test/demo/app/manifests/v1").status_code == 404


def test_one_token_is_never_for_two_registries(direct: httpx.Client) -> None:
    """One registry's sign-in would open another's repositories at the loopback address."""
    scopes = {"scope": ["repository:jwt.test/demo/app:pull", "repository:opaque.test/demo/app:pull"]}
    token = direct.get("/v2/token", params=scopes, auth=READER).json()["token"]
    assert [entry["name"] for entry in claims(token)["access"]] == ["jwt.test/demo/app"]
