"""ghcr.io: tokens that are right, too strong, too weak, dying, dead, or of a kind that only signs in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.errors import NotSignedIn, PermissionDenied, ProofFailed, UsageError
from pullgrant.model.proof import Answer, Verdict
from pullgrant.providers.ghcr.scopes import standing_of
from pullgrant.providers.ghcr.settings import Settings


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("ghcr", monkeypatch) as opened:
        yield opened


def acme(shop: Shop, variable: str = "GHCR_TOKEN", **more: Any) -> Any:
    return shop.reader("ghcr", owner="acme", token=f"env:{variable}", **more)


@pytest.mark.parametrize(
    "more", [{"owner": "a/b"}, {"owner": ""}, {"token": "hunter2"}, {"reader": "two words"}, {"image": "ghcr.io/other/app"}]
)
def test_wrong_options(more: dict[str, Any]) -> None:
    """An option that cannot be right would be found out by GitHub, or never."""
    with pytest.raises(UsageError) as caught:
        Settings.parse(**{"owner": "acme", **more})
    assert "hunter2" not in str(caught.value)


def test_there_and_back() -> None:
    """A rotation would read other settings from the ledger than the bootstrap wrote."""
    settings = Settings.parse(owner="Acme", username="x-access-token", accept_stronger=True, image="team/worker:v1")
    assert (Settings.of(settings.to_reader()), str(settings.image)) == (settings, "ghcr.io/acme/team/worker:v1")


@pytest.mark.parametrize(
    ("headers", "scopes", "ends"),
    [
        ({}, None, None),
        ({"x-oauth-scopes": ""}, frozenset(), None),
        ({"x-oauth-scopes": "repo, read:packages"}, {"repo", "read:packages"}, None),
        (
            {"github-authentication-token-expiration": "2021-10-07 19:07:53 UTC"},
            None,
            datetime(2021, 10, 7, 19, 7, 53, tzinfo=UTC),
        ),
        (
            {"github-authentication-token-expiration": "2021-10-07 19:07:53 +0200"},
            None,
            datetime(2021, 10, 7, 17, 7, 53, tzinfo=UTC),
        ),
        ({"github-authentication-token-expiration": "soon"}, None, None),
    ],
)
def test_headers(headers: dict[str, str], scopes: Any, ends: datetime | None) -> None:
    """No word about scopes would be read as no scopes, or an end be misread."""
    found = standing_of(headers, "acme-reader")
    assert (found.scopes, found.expires_at) == (scopes, ends)


def test_the_right_token(shop: Shop) -> None:
    """A token with `read:packages` alone would not be proven, or be delivered under another name."""
    applied = shop.bootstrap(acme(shop))
    assert applied.proof is not None
    assert (applied.proof.verdict, applied.proof.push.words) == (
        Verdict.PROVEN,
        "GitHub lists the token's scopes: read:packages",
    )
    login = base64.b64encode(f"acme-reader:{shop.environment['GHCR_TOKEN']}".encode()).decode()
    assert shop.docker_config["auths"] == {"ghcr.io": {"auth": login}}
    assert "registry.upload.start" not in shop.kinds()
    assert shop.bootstrap(acme(shop)).receipts == ()


def test_a_token_that_is_too_strong(shop: Shop) -> None:
    """A token that reaches repositories would be delivered, or what is too much not be named."""
    with pytest.raises(ProofFailed, match="may do more than pull: admin:org, repo, write:packages") as caught:
        shop.bootstrap(acme(shop, "STRONG"))
    assert (caught.value.exit_code, "--accept-stronger" in caught.value.hint, shop.docker_config) == (4, True, {})
    with shop.ports(acme(shop)) as ports:
        assert ports.ledger.unfinished() == ()


def test_a_strong_token_that_is_accepted(shop: Shop) -> None:
    """What was accepted would not be said, or the acceptance stand for a proof."""
    applied = shop.bootstrap(acme(shop, "STRONG", accept_stronger=True))
    assert applied.proof is not None
    assert (applied.proof.verdict, applied.proof.push.answer) == (Verdict.UNPROVEN, Answer.NOT_ASKED)
    assert "accepted although it has admin:org, repo, write:packages" in applied.plan.remarks


def test_a_token_that_grew_is_seen(shop: Shop) -> None:
    """A token that was given more scopes after its delivery would be called good."""
    shop.bootstrap(acme(shop))
    token = shop.country("ghcr").state.tokens[shop.environment["GHCR_TOKEN"]]
    token.scopes = frozenset({"read:packages", "delete:packages"})
    with pytest.raises(ProofFailed, match="delete:packages"):
        shop.bootstrap(acme(shop))


def test_a_token_without_the_scope(shop: Shop) -> None:
    """A token that cannot pull would be told apart only by a failed pull."""
    with pytest.raises(PermissionDenied, match="lacks the scope read:packages"):
        shop.bootstrap(acme(shop, "SCOPELESS"))


@pytest.mark.parametrize(("variable", "told"), [("DYING", "in 8 day(s)"), ("ENDLESS", "never ends")])
def test_a_reminder(shop: Shop, variable: str, told: str) -> None:
    """A platform would stop pulling one day, and nobody have been told."""
    applied = shop.bootstrap(acme(shop, variable))
    assert [one for one in applied.plan.remarks if told in one] != []


def test_no_reminder_for_a_fresh_token(shop: Shop) -> None:
    """Each run would remind of an end that is far away."""
    assert [one for one in shop.bootstrap(acme(shop)).plan.remarks if "dies" in one] == []


def test_a_dead_token(shop: Shop) -> None:
    """A revoked token would be called good because it was delivered once, or keep its slot from being emptied."""
    wanted = acme(shop)
    shop.bootstrap(wanted)
    shop.country("ghcr").state.tokens[shop.environment["GHCR_TOKEN"]].revoked = True
    with pytest.raises(NotSignedIn, match="GitHub does not accept"):
        shop.bootstrap(wanted)
    shop.revoke(wanted)
    assert shop.docker_config.get("auths", {}) == {}


def test_a_fine_grained_token(shop: Shop) -> None:
    """A token that signs in and pulls nothing would be delivered."""
    with pytest.raises(ProofFailed, match="read_package"):
        shop.bootstrap(acme(shop, "FINE_GRAINED", image="app:v1"))
    with pytest.raises(ProofFailed, match="at least read:packages scope"):
        shop.bootstrap(acme(shop, "FINE_GRAINED"))


def test_tokens_of_apps_and_actions(shop: Shop) -> None:
    """A token of an App would be assumed to pull, or one of Actions that does be refused."""
    with pytest.raises(UsageError) as caught:
        shop.bootstrap(acme(shop, "ACTIONS", image="app:v1"))
    assert "--username" in caught.value.hint
    with pytest.raises(ProofFailed, match="read_package"):
        shop.bootstrap(acme(shop, "APP", username="x-access-token", image="app:v1"))
    applied = shop.bootstrap(acme(shop, "ACTIONS", username="x-access-token", image="app:v1"))
    assert applied.proof is not None
    assert (applied.proof.verdict, "write_package" in applied.proof.push.words) == (Verdict.PROVEN, True)


def test_an_upload_that_begins_proves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token whose scopes GitHub does not tell would be refused for an upload that every token may begin, or proven."""
    from pullgrant.sandbox.ghcr.gate import GhcrGate

    allowed = GhcrGate.actions
    monkeypatch.setattr(GhcrGate, "actions", lambda *asked: allowed(*asked) | ({"push"} if asked[2] else set()))
    with pytest.raises(ProofFailed, match="an upload that begins is no proof"):
        shop.bootstrap(acme(shop, "ACTIONS", username="x-access-token", image="app:v1"))


def test_another_token_is_delivered_by_the_next_rotation(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that somebody replaced would not reach the platforms."""
    wanted = acme(shop, "DYING")
    shop.bootstrap(wanted)
    shop.world.advance(timedelta(days=7))
    monkeypatch.setenv("DYING", shop.environment["GHCR_TOKEN"])
    shop.rotate(wanted, because="")
    login = base64.b64encode(f"acme-reader:{shop.environment['GHCR_TOKEN']}".encode()).decode()
    assert shop.docker_config["auths"] == {"ghcr.io": {"auth": login}}


def test_no_secret_is_seen(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """A log, a report, an error or the ledger would show the token."""
    shop.bootstrap(acme(shop))
    secret = shop.environment["GHCR_TOKEN"]
    shop.fail("ghcr.GetAuthenticatedUser", "401", body=f'{{"message": "no {secret}"}}')
    with pytest.raises(NotSignedIn) as caught:
        shop.bootstrap(acme(shop))
    seen = "\n".join((str(caught.value), caplog.text, *shop.words.lines)).encode() + shop.everything_written()
    assert secret.encode() not in seen
