"""Readers that act as the same role share its token, and no reader is given the same one twice."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from providers.ecr.fake import ACCOUNT, OPERATOR, Entity
from pullgrant.errors import Unavailable
from pullgrant.model.reader import Identity
from pullgrant.providers.ecr.found import Token
from pullgrant.providers.ecr.seam import Pool
from pullgrant.providers.ecr.sharing import SharedTokens, Taken
from pullgrant.secret import Secret

ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def given(aws, provider):
    """Build readers of one run; each is given the same role unless an option says otherwise."""
    pool = Pool()
    allowed = {"Statement": [{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}]}
    for arn in (ROLE, f"{ROLE}-2"):
        trust = {"Statement": [{"Principal": {"AWS": OPERATOR}}]}
        aws.entities["role", arn] = Entity(arn, {}, trust, longest=43200, inline={"own": allowed})

    def build(reader, **options):
        return provider(**({"pool": pool, "role_arn": ROLE, "reader": reader} | options))

    return build


def issue(provider, note="op", arn=ROLE):
    return provider.issue(Identity(id=arn), note=note)


def taken(aws):
    return sum(call.startswith("token") for call in aws.calls)


def test_readers_of_one_role_share_a_token(aws, given):
    """The calls would grow with the readers, and not with the roles."""
    issued = [issue(given(f"reader-{number}"), note=f"op-{number}") for number in range(5)]
    assert (len({one.credential.secret.reveal() for one in issued}), taken(aws)) == (1, 1)
    assert sorted(one.key.id for one in issued) == [f"token-op-{number}" for number in range(5)]


def test_a_reader_is_never_given_its_own_token_again(aws, given):
    """A renewal would put back the token that is about to die, or that the registry refuses."""
    reader, other = given("reader"), given("other")
    first, _, second = issue(reader), issue(other), issue(reader)
    assert (first.credential.secret != second.credential.secret, taken(aws)) == (True, 2)
    assert issue(other).credential.secret == second.credential.secret


def test_an_old_token_is_not_handed_on(aws, given):
    """A reader that comes late would get a token with little life left; its time would be counted from too late."""
    first = issue(given("reader"))
    started = aws.clock.now()
    aws.clock.sleep(3600)
    second = issue(given("second"))
    assert (second.key.created_at, second.credential.expires_at) == (started, started + timedelta(hours=12))
    assert second.credential.secret == first.credential.secret
    aws.clock.sleep(13 * 60)
    third = issue(given("third"))
    assert (third.credential.secret != first.credential.secret, third.key.created_at) == (True, aws.clock.now())


@pytest.mark.parametrize(
    "options",
    [{"role_arn": f"{ROLE}-2"}, {"region": "eu-west-1"}, {"profile": "other"}, {"pool": None}, {"registry": "public.ecr.aws"},
     {"registry": f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com"}],
)  # fmt: skip
def test_another_role_or_place_has_a_token_of_its_own(aws, given, options):
    """A token would be handed to a registry that refuses it, or with the rights of another role."""
    repository = {"repository": ()} if "registry" in options else {}
    other = given("other", **options, **repository)
    found = [issue(given("reader")), issue(other, arn=options.get("role_arn", ROLE))]
    assert (len({one.credential.secret.reveal() for one in found}), taken(aws)) == (2, 2)


def token(text="canary"):
    return Taken(
        token=Token(username="AWS", password=Secret(text), expires_at=NOON), at=NOON, ends=NOON + timedelta(hours=12)
    )


def test_readers_at_once_wait_for_one_call():
    """Eight readers at a time would make eight calls before the first is answered."""
    shared, started, calls = SharedTokens(), threading.Barrier(8), []

    def take():
        calls.append(1)
        return token()

    def ask(reader):
        started.wait(10)
        shared.token(("role",), reader, NOON, take)

    threads = [threading.Thread(target=ask, args=(f"reader-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(calls) == 1


def test_a_failed_call_leaves_the_next_reader_to_try():
    """One throttled call would fail all readers of a role, or hand on nothing."""
    shared = SharedTokens()

    def fail():
        raise Unavailable("503")

    with pytest.raises(Unavailable):
        shared.token(("role",), "reader", NOON, fail)
    assert shared.token(("role",), "reader", NOON, token).token.password == Secret("canary")
    with pytest.raises(Unavailable):
        shared.token(("role",), "reader", NOON, fail)
    assert shared.token(("role",), "other", NOON - timedelta(seconds=1), lambda: token("new")).token.password == Secret(
        "new"
    )
    assert "canary" not in repr(token())
