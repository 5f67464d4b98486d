"""Who may call the fake: access tokens, signed assertions, self-signed JWTs, and what is refused."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest

from pullgrant.sandbox.exchange import Response
from sandbox.google.talk import EVERYTHING, Talk, error, good

PATH = "/v1/projects/demo/serviceAccounts"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def signed(talk: Talk, *, key: str = "", kid: str = "", algorithm: str = "RS256", **claims: Any) -> str:
    """Return a JWT of the operator's key; claims that are None are left out."""
    file = json.loads((talk.folder / "operator.json").read_text())
    now = int(time.time())
    whole = {"iss": file["client_email"], "sub": file["client_email"], "iat": now, "exp": now + 3600, **claims}
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(kept, key or file["private_key"], algorithm, headers={"kid": kid or file["private_key_id"]})


def exchange(talk: Talk, **form: str) -> Response:
    """Ask for an access token."""
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    return talk.post("oauth", "/token", body, token="", headers=FORM)


@pytest.mark.parametrize("claims", [{"scope": EVERYTHING}, {"aud": "https://iam.googleapis.com/"}])
def test_self_signed(talk: Talk, claims: dict[str, str]) -> None:
    """google-auth's own JWT, which saves the trip for a token, would be refused."""
    assert talk.get("iam", PATH, token=signed(talk, **claims)).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "https://storage.googleapis.com/"},
        {"aud": "https://iam.googleapis.com.evil.example/"},
        {"aud": "iam.googleapis.com"},
        {"scope": EVERYTHING, "sub": "else@demo.iam.gserviceaccount.com"},
        {"scope": EVERYTHING, "iss": "else@demo.iam.gserviceaccount.com"},
        {"scope": EVERYTHING, "exp": int(time.time()) - 120, "iat": int(time.time()) - 3000},
        {"scope": EVERYTHING, "exp": int(time.time()) + 7200},
        {"scope": EVERYTHING, "exp": None},
        {"scope": EVERYTHING, "kid": "0" * 40},
        {"scope": EVERYTHING, "key": "secret-secret-secret-secret-secret", "algorithm": "HS256"},
    ],
)
def test_bad_jwt(talk: Talk, claims: dict[str, Any]) -> None:
    """A JWT that is not for this service, too old, too long or wrongly signed would be believed."""
    answer = talk.get("iam", PATH, token=signed(talk, **claims))
    assert (answer.status, error(answer)["status"]) == (401, "UNAUTHENTICATED")


def test_jwt_of_another_key(talk: Talk) -> None:
    """A JWT would be believed for the key id that it names."""
    key = talk.key(talk.account())
    import base64

    file = json.loads(base64.b64decode(key["privateKeyData"]))
    assert talk.get("iam", PATH, token=signed(talk, key=file["private_key"], scope=EVERYTHING)).status == 401


def test_narrow_scope(talk: Talk) -> None:
    """A token of a narrow scope would open everything."""
    found = error(talk.get("iam", PATH, token=signed(talk, scope="https://www.googleapis.com/auth/devstorage.read_only")))
    assert (found["status"], found["details"][0]["reason"]) == ("PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "nonsense", "Bearer ya29.x"])
def test_bad_headers(talk: Talk, value: str) -> None:
    """A call without a usable token would be answered."""
    assert talk.get("iam", PATH, token="", headers={"authorization": value}).status == 401


def test_assertion(talk: Talk) -> None:
    """A signed assertion would give no token, or one that lives longer than an hour."""
    answer = good(
        exchange(talk, grant_type=GRANT, assertion=signed(talk, aud="https://oauth2.googleapis.com/token", scope=EVERYTHING))
    )
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert talk.get("iam", PATH, token=answer["access_token"]).status == 200
    talk.world.advance(timedelta(hours=1))
    assert talk.get("iam", PATH, token=answer["access_token"]).status == 401


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://oauth2.googleapis.com/token"}, "invalid_scope"),
        ({"aud": "https://oauth2.googleapis.com.evil.example/token", "scope": EVERYTHING}, "invalid_grant"),
        ({"aud": "https://oauth2.googleapis.com/token", "scope": EVERYTHING, "kid": "0"}, "invalid_grant"),
    ],
)
def test_bad_assertion(talk: Talk, claims: dict[str, str], reason: str) -> None:
    """An assertion for another service, without scope or of no key would give a token."""
    answer = exchange(talk, grant_type=GRANT, assertion=signed(talk, **claims))
    assert (answer.status, answer.json["error"]) == (400, reason)


def test_refresh_token(talk: Talk) -> None:
    """A person's sign-in would not work, or any text would do in its place."""
    person = json.loads((talk.folder / "person.json").read_text())
    answer = good(exchange(talk, grant_type="refresh_token", refresh_token=person["refresh_token"]))
    assert talk.get("iam", PATH, token=answer["access_token"]).status == 200
    wrong = exchange(talk, grant_type="refresh_token", refresh_token="other")
    assert (wrong.status, wrong.json["error"]) == (400, "invalid_grant")
    assert exchange(talk, grant_type="password").json["error"] == "unsupported_grant_type"


def test_disabled_key_signs_nothing(talk: Talk) -> None:
    """A disabled or deleted key could still sign assertions."""
    operator = talk.google.state.projects["sandbox-operators"].accounts
    key = next(iter(next(iter(operator.values())).keys.values()))
    token = signed(talk, scope=EVERYTHING)
    key.disabled = True
    assert talk.get("iam", PATH, token=token).status == 401
    key.disabled = False
    assert talk.get("iam", PATH, token=token).status == 200


def test_tokens_of_a_disabled_account(talk: Talk) -> None:
    """A disabled account's tokens would still be taken, or not again once it is enabled."""
    account = talk.account()
    talk.bind("roles/viewer", f"serviceAccount:{account['email']}", "/v3/projects/demo", "crm")
    token, path = talk.access_token(account), f"/v1/{account['name']}"
    statuses = [talk.get("iam", path, token=token).status]
    for verb in ("disable", "enable"):
        good(talk.post("iam", f"{path}:{verb}", {}))
        statuses.append(talk.get("iam", path, token=token).status)
    assert statuses == [200, 401, 200]


def test_environment(talk: Talk) -> None:
    """A program that is pointed at the sandbox would find no sign-in, or one that others can read."""
    files = [talk.environment[name] for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE")]
    assert files == [str(talk.folder / name) for name in ("operator.json", "gcloud-token")]
    modes = [(talk.folder / name).stat().st_mode & 0o777 for name in ("operator.json", "person.json", "gcloud-token")]
    assert modes == [0o600, 0o600, 0o600]
    assert talk.environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM"] == "http://127.0.0.1:1/"
    assert talk.environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE"] == "http://127.0.0.1:1/storage/v1/"


def test_sign_in_outlives_a_reset(talk: Talk) -> None:
    """A reset would sign the operator out of gcloud and of every other program."""
    token = signed(talk, scope=EVERYTHING)
    talk.google.reset()
    assert [talk.get("iam", PATH, token=each).status for each in (talk.token, token)] == [200, 200]
