"""What every provider of a credential that was given is held to: killed anywhere, it ends with that credential delivered."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.shop import Shop, open_shop
from pullgrant.testing.fuse import Fuse, Killed

_MOST_CALLS = 60
GIVEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "private": (
        "plain",
        {"server": "registry.example", "username": "reader", "password": "env:READER_PASSWORD"},
        "READER_PASSWORD",
    ),
    "ghcr": ("ghcr", {"owner": "acme"}, "GHCR_TOKEN"),
}


@pytest.fixture(params=GIVEN)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(provider: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop(GIVEN[provider][0], monkeypatch) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("act", ["bootstrap", "rotate", "revoke"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_outside_call(shop: Shop, provider: str, act: str, after: bool) -> None:
    """A process that dies at some call would leave an operation open, or a slot empty that shall be full."""
    _, options, variable = GIVEN[provider]
    wanted = shop.reader(provider, **options)
    wrong = []
    for at in itertools.count():
        shop.reset()
        if act != "bootstrap":
            shop.bootstrap(wanted)
        run: Callable[..., Any] = getattr(shop, act)
        fuse = Fuse(at=at, after=after)
        try:
            run(wanted, fuse=fuse)
        except Killed:
            pass
        else:
            break
        assert at < _MOST_CALLS
        shop.recover(wanted)
        if act == "revoke":
            shop.revoke(wanted)
        else:
            shop.bootstrap(wanted)
        held = [base64.b64decode(one["auth"]).decode().partition(":")[2] for one in shop.docker_config["auths"].values()]
        with shop.ports(wanted) as ports:
            left = ports.ledger.unfinished()
        if held != ([] if act == "revoke" else [shop.environment[variable]]) or left:
            wrong.append((at, fuse.calls[-1]))
    assert (wrong, at > 3) == ([], True)


@pytest.mark.parametrize("how", ["503", "drop"])
def test_a_registry_that_stumbles(shop: Shop, provider: str, how: str) -> None:
    """A registry that fails once would leave something delivered that was not proven."""
    from pullgrant.errors import PullgrantError

    wanted = shop.reader(provider, **GIVEN[provider][1])
    shop.fail("registry.manifest", how, times=9)
    with pytest.raises(PullgrantError):
        shop.bootstrap(wanted)
    assert shop.docker_config == {}
    shop.world._faults.clear()
    assert shop.bootstrap(wanted).receipts != ()
