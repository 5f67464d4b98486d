"""The private registries: who signs in, what each door needs, and in which words it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pullgrant.sandbox.aws.addresses import api_host, registry_host
from pullgrant.sandbox.registry.images import build
from sandbox.aws.talk import ACCOUNT, APP, HOST, OTHER, PUSH, Talk, allow, deny, policy, pulling

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/test"
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


def test_reader(talk: Talk) -> None:
    """A narrow reader could push, or pull elsewhere, or could not pull."""
    login = talk.login(talk.reader())
    assert (talk.pulls(login), talk.pulls(login, "team/other"), talk.pushes(login)) == (200, 403, 403)
    layer = next(iter(build("team/app", "v1").blobs))
    assert talk.registry("GET", f"/v2/team/app/blobs/{layer}", login).status_code == 200
    refusal = talk.registry("POST", "/v2/team/app/blobs/uploads/", login).json()["errors"][0]
    words = (
        f"User: {SESSION} is not authorized to perform: ecr:InitiateLayerUpload on resource: {APP} "
        "because no identity-based policy allows the ecr:InitiateLayerUpload action"
    )
    assert refusal == {"code": "DENIED", "message": words}


def test_pusher(talk: Talk) -> None:
    """A caller that may push would look like a reader, and the proof would be worthless."""
    keys = talk.assume(talk.role("pusher", allow("ecr:GetAuthorizationToken", "*"), allow(list(PUSH), APP)))
    login = talk.login(keys)
    assert (talk.pushes(login), talk.pushes(login, "team/other"), talk.pushes(talk.login())) == (202, 403, 202)


def test_each_door_has_its_own_right(talk: Talk) -> None:
    """A credential without one of the rights would pass everywhere, or nowhere."""
    layer = next(iter(build("team/app", "v1").blobs))
    doors = {
        "ecr:BatchGetImage": ("GET", "/v2/team/app/manifests/v1"),
        "ecr:GetDownloadUrlForLayer": ("GET", f"/v2/team/app/blobs/{layer}"),
        "ecr:ListImages": ("GET", "/v2/team/app/tags/list"),
        "ecr:InitiateLayerUpload": ("POST", "/v2/team/app/blobs/uploads/"),
        "ecr:PutImage": ("PUT", "/v2/team/app/manifests/v2"),
    }
    for number, right in enumerate(doors):
        arn = talk.role(f"one-{number}", allow("ecr:GetAuthorizationToken", "*"), allow(right, APP))
        login = talk.login(talk.assume(arn))
        passed = [name for name, door in doors.items() if talk.registry(*door, login).status_code != 403]
        assert passed == [right]


def test_listing_tags_is_no_part_of_pulling(talk: Talk) -> None:
    """A reader could list tags, which ECR grants apart, and a probe that lists would work in the sandbox only."""
    response = talk.registry("GET", "/v2/team/app/tags/list", talk.login(talk.reader()))
    assert (response.status_code, "ecr:ListImages" in response.text) == (403, True)


def test_strangers(talk: Talk) -> None:
    """Nobody, a wrong name, a wrong password or a user's access key would pass."""
    user, password = talk.login(talk.reader())
    key = talk.user("someone", *pulling(APP))
    for login in (None, (user, password + "x"), ("aws", password), (key["AccessKeyId"], key["SecretAccessKey"])):
        for path in ("/v2/", "/v2/team/app/manifests/v1"):
            response = talk.registry("GET", path, login)
            challenge = f'Basic realm="https://{HOST}/",service="ecr.amazonaws.com"'
            assert (response.status_code, response.headers["www-authenticate"]) == (401, challenge)
    assert talk.registry("GET", "/v2/", (user, password)).status_code == 200


def test_token_of_another_region(talk: Talk) -> None:
    """A token would serve a region that it was not made for."""
    login = talk.login(region="eu-west-1")
    host = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    assert (talk.pulls(login, host=host), talk.pulls(login)) == (200, 401)


def test_rights_are_judged_at_every_request(talk: Talk) -> None:
    """A revoked right would live on in a token."""
    login, iam = talk.login(talk.reader()), talk.client("iam")
    assert talk.pulls(login) == 200
    iam.put_role_policy(RoleName="reader", PolicyName="stop", PolicyDocument=policy(deny("ecr:*", "*")))
    response = talk.registry("GET", "/v2/team/app/manifests/v1", login)
    assert (response.status_code, "with an explicit deny in an identity-based policy" in response.text) == (403, True)


def test_repository_policy_alone(talk: Talk) -> None:
    """In one account a repository's policy would not be enough, or too much."""
    arn = talk.role("reader", allow("ecr:GetAuthorizationToken", "*"))
    login = talk.login(talk.assume(arn))
    for principal, status in ((f"arn:aws:iam::{ACCOUNT}:root", 403), (OTHER, 403), (arn, 200), (SESSION, 200)):
        document = policy(allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Principal={"AWS": principal}))
        talk.client("ecr").set_repository_policy(repositoryName="team/app", policyText=document)
        assert (principal, talk.pulls(login), talk.pulls(login, "team/other")) == (principal, status, 403)


def test_user_token_lives_twelve_hours(talk: Talk) -> None:
    """A token would die too early or too late, or in other words than ECR's."""
    login = talk.login(talk.user("someone", *pulling(APP)))
    talk.world.advance(timedelta(hours=12, seconds=-10))
    assert talk.pulls(login) == 200
    talk.world.advance(timedelta(seconds=10))
    for path in ("/v2/", "/v2/team/app/manifests/v1"):
        response = talk.registry("GET", path, login)
        assert (response.status_code, response.json()["errors"][0]["message"]) == (403, EXPIRED)


def test_session_token_dies_with_the_session(talk: Talk) -> None:
    """A token would be trusted beyond the session that took it."""
    login = talk.login(talk.reader())
    talk.world.advance(timedelta(minutes=59))
    assert talk.pulls(login) == 200
    talk.world.advance(timedelta(minutes=1))
    assert (talk.pulls(login), talk.registry("GET", "/v2/", login).status_code) == (403, 403)


def test_token_outlives_its_key(talk: Talk) -> None:
    """A token would die with the access key, which AWS does not promise: only the rights can be taken."""
    key, iam = talk.user("someone", *pulling(APP)), talk.client("iam")
    login = talk.login(key)
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    assert talk.pulls(login) == 200
    iam.delete_user_policy(UserName="someone", PolicyName="pull")
    assert talk.pulls(login) == 403


def test_absent_repository(talk: Talk) -> None:
    """An absent repository would be refused to who may see it, or told to who may not."""
    narrow, wide = talk.login(talk.reader()), talk.login()
    assert (talk.pulls(narrow, "ghost"), talk.pulls(wide, "ghost")) == (403, 404)
    assert talk.pulls(wide, host="999999999999.dkr.ecr.us-east-1.amazonaws.com") == 403


@pytest.mark.parametrize(
    "host",
    [
        f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws",
        f"{ACCOUNT}.dkr-ecr-fips.us-east-1.on.aws",
    ],
)
def test_other_forms_of_a_host(talk: Talk, host: str) -> None:
    """A FIPS or dual-stack registry would not answer with the same images and rights."""
    login = talk.login(talk.reader())
    assert (talk.pulls(login, host=host), talk.pushes(login, host=host)) == (200, 403)


@pytest.mark.parametrize(
    "host",
    [
        f"{HOST}.evil.example",
        f"{HOST}\n",
        f"x{HOST}",
        HOST.replace("123456789012", "12345678901"),
        HOST.replace("123456789012", "١٢٣٤٥٦٧٨٩٠١٢"),
        HOST.replace("dkr.ecr", "dkrxecr"),
        "api.ecr.us-east-1.amazonaws.com.evil.example",
        "iam.amazonaws.com.evil.example",
        "xiam.amazonaws.com",
        "iam.amazonaws.org",
    ],
)
def test_look_alikes(host: str) -> None:
    """A host that only looks like AWS's would be served."""
    assert (registry_host(host), api_host(host)) == (None, None)
