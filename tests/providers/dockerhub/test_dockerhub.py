"""Docker Hub: options, what stands in the way, tokens that somebody changed, and the pulls that are left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.errors import NotSignedIn, PermissionDenied, ProofFailed, RateLimited, Refused, UsageError
from pullgrant.kit.http import Http, Reply
from pullgrant.model.proof import Verdict
from pullgrant.providers.dockerhub.limits import Limits, read
from pullgrant.providers.dockerhub.seam import wait_of
from pullgrant.providers.dockerhub.settings import Settings
from pullgrant.secret import Secret


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("dockerhub", monkeypatch) as opened:
        yield opened


def acme(shop: Shop, *repositories: str, **more: Any) -> Any:
    return shop.reader("dockerhub", organization="acme", repository=repositories or ("app",), **more)


@pytest.mark.parametrize(
    "more",
    [
        {"organization": ""},
        {"username": "owner"},
        {"organization": "Acme"},
        {"operator": ""},
        {"repository": []},
        {"repository": ["App"]},
        {"repository": ["*"]},
        {"repository": [f"app{number}" for number in range(51)]},
        {"organization": "", "username": "owner", "repository": ["app"]},
        {"reader": "x" * 37},
        {"password": "hunter2"},
        {"expires_in": "30m"},
        {"image": "acme/other:v1"},
        {"image": "gcr.io/acme/app:v1"},
    ],
)
def test_wrong_options(more: dict[str, Any]) -> None:
    """An option that cannot be right would be found out by Docker Hub, or never."""
    with pytest.raises(UsageError) as caught:
        Settings.parse(**{"organization": "acme", "repository": ["app"], "operator": "owner", **more})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"organization": "acme", "repository": ["app", "acme/other"], "operator": "owner", "image": "acme/app:v1"},
        {"username": "owner", "expires_in": "12h", "image": "own:v1"},
    ],
)
def test_there_and_back(options: dict[str, Any]) -> None:
    """A rotation would read other settings from the ledger than the bootstrap wrote."""
    settings = Settings.parse(**options)
    assert Settings.of(settings.to_reader()) == settings


def test_the_token(shop: Shop) -> None:
    """A token would be wider or live longer than asked, or its label be longer than is allowed."""
    shop.bootstrap(acme(shop, "app", "other", reader="r" * 36, expires_in="7d"))
    (token,) = shop.country("dockerhub").state.tokens.values()
    reached = [(one["path"], one["scopes"]) for one in token.resources]
    assert reached == [("acme/app", ["scope-image-pull"]), ("acme/other", ["scope-image-pull"])]
    life = token.expires_at - token.created_at
    assert (abs(life - timedelta(days=7)) < timedelta(seconds=2), len(token.label)) == (True, 100)
    assert list(shop.docker_config["auths"]) == ["https://index.docker.io/v1/"]


@pytest.mark.parametrize("who", ["careful", "employee"])
def test_passwords_are_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """An owner behind two-factor sign-in or SSO would not learn what can be done."""
    monkeypatch.setenv("DOCKERHUB_PASSWORD", shop.country("dockerhub").state.users[who].password)
    with pytest.raises(NotSignedIn) as caught:
        shop.bootstrap(acme(shop, operator=who))
    assert "private.bootstrap --server docker.io" in caught.value.hint


def test_only_an_owner_by_password(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member, or an owner with a personal token, would not learn what is missing."""
    shop.bootstrap(shop.reader("dockerhub", username="owner"))
    (token,) = shop.country("dockerhub").state.tokens.values()
    secrets = {"member": shop.country("dockerhub").state.users["member"].password, "owner": token.secret}
    for who, secret in secrets.items():
        monkeypatch.setenv("DOCKERHUB_PASSWORD", secret)
        with pytest.raises(PermissionDenied) as caught:
            shop.bootstrap(acme(shop, operator=who))
        assert "owner of the organisation, signed in by password" in caught.value.hint


def test_a_repository_that_is_not_there(shop: Shop) -> None:
    """A token for a repository that does not exist would be promised."""
    with pytest.raises(Refused, match="acme/none does not exist"):
        shop.bootstrap(acme(shop, "none", image="none:v1"))


def test_the_limit_of_tokens(shop: Shop) -> None:
    """A rotation would run into the limit without a word before."""
    from pullgrant.sandbox.dockerhub.state import AccessToken

    state, now = shop.country("dockerhub").state, shop.clock.now()
    for _ in range(9):
        made = AccessToken(
            kind="oat", account="acme", label="old", created_by="owner", created_at=now, expires_at=now - timedelta(days=1)
        )
        state.tokens[made.id] = made
    wanted = acme(shop)
    applied = shop.bootstrap(wanted)
    assert [one for one in applied.plan.remarks if "allows 10" in one] != []
    with pytest.raises(Refused, match="limit reached"):
        shop.rotate(wanted)


def test_a_public_repository_proves_nothing(shop: Shop) -> None:
    """An image that anybody may pull would count as proof."""
    with pytest.raises(ProofFailed, match="public"):
        shop.bootstrap(acme(shop, "open"))


def test_a_token_that_was_widened_is_narrowed(shop: Shop) -> None:
    """What somebody added to our token would stay."""
    wanted = acme(shop)
    shop.bootstrap(wanted)
    (token,) = shop.country("dockerhub").state.tokens.values()
    token.resources.append({"type": "TYPE_REPO", "path": "acme/*", "scopes": ["scope-image-push"]})
    with shop.ports(wanted) as ports:
        assert [(one.role, one.resource) for one in ports.provider.observe().excess] == [("scope-image-push", "acme/*")]
    shop.bootstrap(wanted)
    assert [(one["path"], one["scopes"]) for one in token.resources] == [("acme/app", ["scope-image-pull"])]
    assert shop.bootstrap(wanted).receipts == ()


def test_a_personal_token_is_told_to_be_wide(shop: Shop) -> None:
    """A token of a whole account would pass for a narrow one."""
    applied = shop.bootstrap(shop.reader("dockerhub", username="owner"))
    assert applied.proof is not None
    assert (applied.proof.verdict, "every private repository that owner reads" in applied.plan.remarks[0]) == (
        Verdict.PROVEN,
        True,
    )


def test_a_throttle_names_a_moment(shop: Shop) -> None:
    """A unix time would be waited for as so many seconds."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for value, seconds in ((str(int(now.timestamp()) + 42), 42.0), ("1", 1.0), ("soon", None)):
        reply = Reply(status=429, headers={"x-retry-after": value}, body=b"")
        assert wait_of(reply, now) == seconds
    moment = str(int(shop.clock.now().timestamp()) + 30)
    shop.fail("dockerhub.createOrgAccessToken", "429", headers={"x-retry-after": moment})
    with pytest.raises(RateLimited) as caught:
        shop.bootstrap(acme(shop))
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 31


def limits(**login: Any) -> Limits:
    http = Http()
    try:
        return read(http, **login)
    finally:
        http.close()


def test_limits(shop: Shop) -> None:
    """Asking would spend a pull, or tell the allowance of somebody else."""
    state = shop.country("dockerhub").state
    state.pulls_left[""] = 76
    anonymous = Limits(most=100, left=76, window=timedelta(hours=6), source="192.0.2.1")
    assert (limits(), limits()) == (anonymous, anonymous)
    login = {"username": "owner", "password": Secret(shop.environment["DOCKERHUB_PASSWORD"])}
    assert (limits(**login).most, limits(**login).source) == (200, "owner")


def test_limits_that_are_reached_or_not_there(shop: Shop) -> None:
    """An allowance of nothing would be an error, or no limit be told as none left."""
    state = shop.country("dockerhub").state
    state.pulls_left[""] = 0
    assert (limits().left, limits().spent) == (0, True)
    state.unlimited = True
    assert limits() == Limits()


def test_limits_of_a_login_that_is_refused(shop: Shop) -> None:
    """The allowance of the address would be told as that of an account."""
    shop.fail("registry.token", "401", body='{"details": "incorrect username or password: hunter2-secret"}')
    with pytest.raises(NotSignedIn) as caught:
        limits(username="owner", password=Secret("hunter2-secret"))
    assert "hunter2-secret" not in str(caught.value)
