"""`private` against the sandbox's two registries."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.errors import NotFound, NotSignedIn, ProofFailed, Unavailable
from pullgrant.model.operation import Close
from pullgrant.model.proof import Answer, Verdict
from pullgrant.model.reader import Reader


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("plain", monkeypatch) as opened:
        yield opened


def reader(shop: Shop, user: str = "reader", server: str = "https://registry.example", **more: Any) -> Reader:
    password = f"env:{user.upper()}_PASSWORD"
    return shop.reader("private", server=server, username=user, password=password, **more)


def test_proven_and_delivered(shop: Shop) -> None:
    """A user who may only pull would not be proven, or something else be delivered than its own password."""
    applied = shop.bootstrap(reader(shop))
    assert applied.proof is not None
    answers = (applied.proof.verdict, applied.proof.pull.answer, applied.proof.push.answer, applied.proof.anonymous.answer)
    assert answers == (Verdict.PROVEN, Answer.ALLOWED, Answer.DENIED, Answer.DENIED)
    login = base64.b64encode(f"reader:{shop.environment['READER_PASSWORD']}".encode()).decode()
    assert shop.docker_config["auths"] == {"registry.example": {"auth": login}}


def test_again_changes_nothing(shop: Shop) -> None:
    """Each run would deliver again."""
    wanted = reader(shop)
    shop.bootstrap(wanted)
    assert shop.bootstrap(wanted).receipts == ()


def test_a_user_who_may_push(shop: Shop) -> None:
    """A credential that may push would be delivered, or the way on not be told."""
    with pytest.raises(ProofFailed, match="may push: the token grants pull, push on acme/app") as caught:
        shop.bootstrap(reader(shop, "pusher"))
    assert ("taken back" in caught.value.message, "--accept-stronger" in caught.value.hint) == (False, True)
    assert shop.docker_config == {}


@pytest.mark.parametrize("unproven", [False, True])
def test_htpasswd(shop: Shop, unproven: bool) -> None:
    """A registry without roles would pass, with --unproven too, which never stands for a failed proof."""
    wanted = reader(shop, server="https://htpasswd.example", image="acme/app:v1")
    wanted = type(wanted)(**{name: getattr(wanted, name) for name in wanted.__slots__} | {"unproven": unproven})
    with pytest.raises(ProofFailed, match="may push: 202 the registry began an upload"):
        shop.bootstrap(wanted)
    assert shop.docker_config == {}


def test_htpasswd_accepted(shop: Shop) -> None:
    """What cannot be narrowed could not be delivered at all, or be pushed to for a proof that nobody wants."""
    applied = shop.bootstrap(reader(shop, server="https://htpasswd.example", accept_stronger=True))
    assert applied.proof is not None
    assert (applied.proof.verdict, applied.proof.push.answer) == (Verdict.UNPROVEN, Answer.NOT_ASKED)
    assert "registry.upload.start" not in shop.kinds()
    assert "htpasswd.example" in shop.docker_config["auths"]


def test_accepting_the_strength_accepts_no_failure(shop: Shop) -> None:
    """A wrong password would be delivered with --accept-stronger."""
    shop.country("plain").passwords["reader"] = "changed"
    with pytest.raises(ProofFailed, match="the proof is"):
        shop.bootstrap(reader(shop, accept_stronger=True, image="acme/app:v1"))
    assert shop.docker_config == {}


def test_a_public_image_proves_nothing(shop: Shop) -> None:
    """An image that anybody may pull would count as proof."""
    with pytest.raises(ProofFailed, match="public"):
        shop.bootstrap(reader(shop, image="acme/open:v1"))


def test_a_changed_password_is_delivered_by_the_next_rotation(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation would deliver the old password again, or try to withdraw what it cannot end."""
    wanted = reader(shop)
    shop.bootstrap(wanted)
    shop.country("plain").passwords["reader"] = "another"
    monkeypatch.setenv("READER_PASSWORD", "another")
    rotated = shop.rotate(wanted)
    login = base64.b64encode(b"reader:another").decode()
    assert shop.docker_config["auths"] == {"registry.example": {"auth": login}}
    assert (rotated.withdrawn, rotated.next_at is not None) == ((), True)
    shop.world.advance(timedelta(days=2))
    assert shop.rotate(wanted, because="").withdrawn == ()


def test_revoke_empties_the_slot_and_says_that_the_user_stays(shop: Shop) -> None:
    """The user would be reported as removed, which lives on at its registry."""
    wanted = reader(shop)
    shop.bootstrap(wanted)
    shop.revoke(wanted)
    assert shop.docker_config.get("auths", {}) == {}
    assert [line for line in shop.words.lines if "stays: it was given" in line] != []
    assert [line for line in shop.words.lines if "removed" in line] == []


def test_a_reference_that_leads_nowhere(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without password would open an operation, or ask the registry as nobody."""
    monkeypatch.delenv("READER_PASSWORD")
    with pytest.raises(NotSignedIn, match="READER_PASSWORD"):
        shop.bootstrap(reader(shop))
    assert [kind for kind in shop.kinds() if kind != "registry.ping"] == []


def test_no_registry(shop: Shop) -> None:
    """A web server or nobody at all would end in a failed proof instead of the address being doubted."""
    with pytest.raises(Unavailable, match="no connection"):
        shop.bootstrap(reader(shop, server="https://other.example"))
    shop.fail("registry.ping", "404", times=9)
    with pytest.raises(NotFound, match="answered 404, as no registry does"):
        shop.bootstrap(reader(shop))


def test_no_image_can_be_found(shop: Shop) -> None:
    """A registry without list would not say what to do."""
    shop.fail("registry.catalog", "404", times=9)
    with pytest.raises(ProofFailed, match="name one with --image"):
        shop.bootstrap(reader(shop))


def test_the_password_goes_to_no_other_host(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that names a token service elsewhere would get the password sent there while an image is looked for."""
    gate = type(shop.country("plain").gates()[0])
    monkeypatch.setattr(gate, "realm_host", "collector.example", raising=False)
    with pytest.raises(ProofFailed, match="name one with --image"):
        shop.bootstrap(reader(shop))
    assert {call.host for call in shop.world.calls} == {"registry.example"}


def test_nothing_secret_is_written(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """The ledger, the log or a report would hold the password."""
    wanted = reader(shop)
    shop.bootstrap(wanted)
    shop.fail("registry.token", "403", times=9, body=f'{{"message": "no {shop.environment["READER_PASSWORD"]}"}}')
    with pytest.raises(ProofFailed) as caught:
        shop.rotate(wanted)
    seen = "\n".join((str(caught.value), caplog.text, *shop.words.lines)).encode() + shop.everything_written()
    assert shop.environment["READER_PASSWORD"].encode() not in seen
    with shop.ports(wanted) as ports:
        assert ports.ledger.history(wanted.id)[-1].closed is Close.UNDONE
