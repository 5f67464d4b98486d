"""What every registry whose tokens we make is held to: one live token, the rest withdrawn, nothing foreign touched, no leak."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.cases import Case, Token, errors
from providers.shop import Shop
from pullgrant.errors import NotOurs, NotSignedIn, PermissionDenied, ProofFailed, PullgrantError, RateLimited, Unavailable
from pullgrant.model.mark import read_mark
from pullgrant.model.proof import Answer, Verdict
from pullgrant.model.reader import Key, Reader
from pullgrant.testing.fuse import Fuse, Killed

_MOST_CALLS = 60


def reader_of(shop: Shop, case: Case, **more: Any) -> Reader:
    return shop.reader(case.name, **{**case.options, **more})


def ours(shop: Shop, case: Case) -> list[Token]:
    return [token for token in case.tokens(shop.country(case.name)) if read_mark(token.text)]


def delivered(shop: Shop) -> str:
    """Return the secret that the slot holds."""
    (entry,) = shop.docker_config["auths"].values()
    return base64.b64decode(entry["auth"]).decode().partition(":")[2]


def test_proven_with_every_answer(shop: Shop, case: Case) -> None:
    """A reader would not be proven on the registry's own terms."""
    proof = shop.bootstrap(reader_of(shop, case)).proof
    assert proof is not None
    answers = (proof.verdict, proof.pull.answer, proof.push.answer, proof.anonymous.answer, proof.outside.answer)
    outside = Answer.DENIED if case.narrow else Answer.NOT_ASKED
    assert answers == (Verdict.PROVEN, Answer.ALLOWED, Answer.DENIED, Answer.DENIED, outside)
    assert [token.secret for token in ours(shop, case)] == [delivered(shop)]


def test_again_changes_nothing(shop: Shop, case: Case) -> None:
    """Each run would make a token."""
    shop.bootstrap(reader_of(shop, case))
    seen = len(shop.world.calls)
    assert shop.bootstrap(reader_of(shop, case)).receipts == ()
    assert case.create not in [call.kind for call in shop.world.calls[seen:]]


def test_a_plan_changes_nothing(shop: Shop, case: Case) -> None:
    """`--plan` would make something."""
    from pullgrant.flows.apply import show
    from pullgrant.planner import Wish

    wanted = reader_of(shop, case)
    with shop.ports(wanted, shop.slot(wanted)) as ports:
        shown = show(Wish(reader=wanted, slots=(shop.slot(wanted),)), ports)
    assert (bool(shown.plan.steps), case.tokens(shop.country(case.name))) == (True, [])


def test_rotation_makes_a_second_and_withdraws_the_first_after_its_grace(shop: Shop, case: Case) -> None:
    """A platform that has not restarted would lose its credential, or the old one would live on."""
    wanted = reader_of(shop, case)
    shop.bootstrap(wanted)
    first = delivered(shop)
    shop.rotate(wanted)
    assert (delivered(shop) != first, len(ours(shop, case))) == (True, 2)
    shop.world.advance(timedelta(hours=23))
    assert shop.rotate(wanted, because="").withdrawn == ()
    shop.world.advance(timedelta(hours=2))
    assert len(shop.rotate(wanted, because="").withdrawn) == 1
    assert [token.secret for token in ours(shop, case)] == [delivered(shop)]


def test_it_is_renewed_before_it_dies(shop: Shop, case: Case) -> None:
    """A reader would die with its token."""
    wanted = reader_of(shop, case)
    shop.bootstrap(wanted)
    first = delivered(shop)
    shop.world.advance(timedelta(days=31))
    shop.rotate(wanted, because="")
    assert delivered(shop) != first


def test_revoke(shop: Shop, case: Case) -> None:
    """Something that can pull would be left."""
    wanted = reader_of(shop, case)
    shop.bootstrap(wanted)
    shop.rotate(wanted)
    shop.revoke(wanted)
    assert (case.tokens(shop.country(case.name)), shop.docker_config.get("auths", {})) == ([], {})


@pytest.mark.parametrize("how", ["half", "503"])
def test_a_lost_answer_leaves_no_orphan(shop: Shop, case: Case, how: str) -> None:
    """A token whose secret nobody has would live until it expires, or count against a limit for ever."""
    wanted = reader_of(shop, case)
    shop.fail(case.create, how)
    with pytest.raises(Unavailable):
        shop.bootstrap(wanted)
    assert case.tokens(shop.country(case.name)) == []
    shop.bootstrap(wanted)
    assert [token.secret for token in ours(shop, case)] == [delivered(shop)]


def test_a_lost_answer_and_a_cloud_that_stays_away(shop: Shop, case: Case) -> None:
    """An orphan that could not be taken back at once would never be."""
    wanted = reader_of(shop, case)
    shop.fail(case.create, "half")
    shop.fail(case.delete, "503", times=5)
    with pytest.raises(Unavailable):
        shop.bootstrap(wanted)
    assert len(ours(shop, case)) == 1
    shop.world._faults.clear()
    shop.bootstrap(wanted)
    assert [token.secret for token in ours(shop, case)] == [delivered(shop)]


@pytest.mark.slow
@pytest.mark.parametrize("act", ["bootstrap", "rotate"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_outside_call(shop: Shop, case: Case, act: str, after: bool) -> None:
    """A process that dies at some call would leave an orphan, a dead credential in the slot, or an operation open."""
    wanted = reader_of(shop, case)
    wrong = []
    for at in itertools.count():
        shop.reset()
        run: Callable[..., Any] = shop.bootstrap
        if act == "rotate":
            shop.bootstrap(wanted)
            run = shop.rotate
        fuse = Fuse(at=at, after=after)
        try:
            run(wanted, fuse=fuse)
        except Killed:
            pass
        else:
            break
        assert at < _MOST_CALLS
        shop.recover(wanted)
        shop.bootstrap(wanted)
        shop.world.advance(timedelta(days=2))
        shop.rotate(wanted, because="")
        with shop.ports(wanted) as ports:
            left = ports.ledger.unfinished()
        if [token.secret for token in ours(shop, case)] != [delivered(shop)] or left:
            wrong.append((at, fuse.calls[-1]))
    assert (wrong, at > 10) == ([], True)


def test_a_failed_proof_takes_the_token_back(shop: Shop, case: Case) -> None:
    """A token that proved nothing would live on."""
    wanted = reader_of(shop, case)
    shop.fail("registry.manifest", "404", times=9999)
    with pytest.raises(ProofFailed):
        shop.bootstrap(wanted)
    assert (case.tokens(shop.country(case.name)), shop.docker_config) == ([], {})


def test_what_is_not_ours_is_not_withdrawn_or_removed(shop: Shop, case: Case) -> None:
    """A token of somebody else would be deleted because its number or name is like ours."""
    wanted = reader_of(shop, case)
    key = shop.bootstrap(wanted).operation
    assert key is not None
    assert key.issued is not None
    (token,) = ours(shop, case)
    mark = read_mark(token.text)
    assert mark is not None
    for text in (token.text.replace(mark.ledger, "000000000000"), token.text.replace(wanted.name, "another-reader")):
        token.mark(text)
        with shop.ports(wanted) as ports, pytest.raises(NotOurs):
            ports.provider.withdraw(key.issued.key)
    token.mark(token.text.replace(mark.ledger, "000000000000"))
    with shop.ports(wanted) as ports:
        identity = ports.provider.observe().identity
        assert identity is not None
        with pytest.raises(NotOurs):
            ports.provider.remove(identity)
    token.mark("made by hand")
    with shop.ports(wanted) as ports, pytest.raises(NotOurs):
        ports.provider.withdraw(key.issued.key)
    assert len(case.tokens(shop.country(case.name))) == 1


def test_a_reader_of_another_ledger(shop: Shop, case: Case) -> None:
    """Two ledgers would take each other's readers for their own, or a lost ledger could never be replaced."""
    wanted = reader_of(shop, case)
    shop.bootstrap(wanted)
    theirs = delivered(shop)
    shop.environment["PULLGRANT_LEDGER"] += ".other"
    with pytest.raises(NotOurs):
        shop.bootstrap(wanted)
    shop.bootstrap(wanted, adopt=True)
    assert sorted(token.secret for token in ours(shop, case)) == sorted((theirs, delivered(shop)))


def test_withdrawing_what_is_gone_is_done(shop: Shop, case: Case) -> None:
    """A token that somebody deleted by hand would stand in the way of every later run."""
    wanted = reader_of(shop, case)
    operation = shop.bootstrap(wanted).operation
    assert operation is not None
    assert operation.issued is not None
    key: Key = operation.issued.key
    with shop.ports(wanted) as ports:
        ports.provider.withdraw(key)
        ports.provider.withdraw(key)
        identity = ports.provider.ensure(adopt=False)
        ports.provider.remove(identity)
    assert case.tokens(shop.country(case.name)) == []


def test_a_refused_deletion_is_an_error(shop: Shop, case: Case) -> None:
    """A token that could not be deleted would be journalled as gone."""
    wanted = reader_of(shop, case)
    operation = shop.bootstrap(wanted).operation
    assert operation is not None
    assert operation.issued is not None
    shop.fail(case.delete, "403", body=errors("no"))
    with shop.ports(wanted) as ports, pytest.raises(PermissionDenied):
        ports.provider.withdraw(operation.issued.key)


def test_throttled(shop: Shop, case: Case) -> None:
    """A throttle would be taken for a refusal."""
    shop.fail(case.create, "429", body=errors("slow down"), headers={"retry-after": "7"})
    with pytest.raises(RateLimited) as caught:
        shop.bootstrap(reader_of(shop, case))
    assert caught.value.retry_after == 7


def test_the_operator_is_not_signed_in(shop: Shop, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password of the operator would open an operation, or end without saying whose it is."""
    monkeypatch.setenv(case.operator, "wrong-password-of-the-operator")
    with pytest.raises(NotSignedIn) as caught:
        shop.bootstrap(reader_of(shop, case))
    assert ("wrong-password" in str(caught.value), bool(caught.value.hint)) == (False, True)
    with shop.ports(reader_of(shop, case)) as ports:
        assert ports.ledger.unfinished() == ()


def test_no_secret_is_seen(shop: Shop, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """A log, a report, an error, the ledger or a repr would show a secret."""
    wanted = reader_of(shop, case)
    secrets = {shop.environment[case.operator]}
    shown = []
    for status in ("", "400", "403", "500"):
        if status:
            shop.fail(case.create, status, body=errors(f"no: {shop.environment[case.operator]}"))
        try:
            shown.append(repr(shop.bootstrap(wanted)))
        except PullgrantError as error:
            shown += [str(error), repr(error)]
        secrets |= {token.secret for token in ours(shop, case)}
        shop.revoke(wanted) if status == "" else None
    shown += [caplog.text, *shop.words.lines]
    seen = "\n".join(shown).encode() + shop.everything_written()
    assert (len(secrets), [secret for secret in secrets if secret.encode() in seen]) == (2, [])
