"""The sink github-actions against a fake that opens what was sealed for it."""

from __future__ import annotations

import contextlib

import pytest

from pullgrant.errors import NotOurs, NotSignedIn, RateLimited, SinkFailed, UsageError
from pullgrant.sandbox.github import Github
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from pullgrant.sinks.github_actions import GithubActions
from pullgrant.testing.sink_contract import DeliveryContract, make_credential
from sinks.store_house import HOST, entry, standing_in, with_foreign

SECRETS = "/repos/acme/app/actions/secrets"
NAME = "PULLGRANT_REGISTRY_EXAMPLE_COM"


@pytest.fixture(scope="module")
def house():
    with Sandbox(factories={"github": Github}) as sandbox:
        yield sandbox


@pytest.fixture
def github(house):
    with standing_in(house, "github") as found:
        yield found


@pytest.fixture
def sink(github):
    return GithubActions()


@pytest.fixture
def slot(github):
    return GithubActions.slot("acme/app", server=HOST)


class TestContract(DeliveryContract):
    """GitHub shows no value, so of the contract the part that asks for no reading back."""

    @pytest.fixture
    def sink(self, github):
        return GithubActions()

    @pytest.fixture
    def slot(self, github):
        return GithubActions.slot("acme/app", server=HOST)

    @pytest.fixture
    def read_back(self, github):
        def read(slot):
            name = GithubActions.slot(slot.target, server=slot.server, name=slot.name).name
            return entry(github.opened.get(f"{SECRETS}/{name}"), slot.server)

        return read

    @pytest.fixture
    def refuse_writes(self, github):
        @contextlib.contextmanager
        def refuse(slot):
            github.echo = True
            try:
                yield
            finally:
                github.echo = False

        return refuse


def test_what_jobs_get(github, sink, slot):
    """A workflow could not find the secret under the name that the receipt gives."""
    receipt = sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert receipt.reference == f"acme/app {NAME}"
    assert entry(github.opened[f"{SECRETS}/{NAME}"], HOST) == ("reader", "first-secret")


def test_inspect(sink, slot):
    """An absent secret would be an error, or a present one not be seen."""
    assert sink.inspect(slot) is None
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    held = sink.inspect(slot)
    assert (held.reference, held.credential) == (f"acme/app {NAME}", None)
    assert held.words.endswith("GitHub shows no value")


def test_a_taken_name_is_foreign(github, sink, slot):
    """Somebody else's secret would be overwritten without a word."""
    github.opened[f"{SECRETS}/{NAME}"] = with_foreign(None, HOST)
    with pytest.raises(NotOurs):
        sink.preflight(slot, ours=False, adopt=False)
    sink.preflight(slot, ours=True, adopt=False)
    sink.preflight(slot, ours=False, adopt=True)


def test_withdraw_twice(github, sink, slot):
    """A withdrawal would leave the secret, take another one, or fail when it is repeated."""
    github.opened[f"{SECRETS}/OTHER"] = "theirs"
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    for _ in range(2):
        sink.withdraw(slot)
    assert github.opened == {f"{SECRETS}/OTHER": "theirs"}


def test_a_refused_withdrawal_is_an_error(github, sink, slot):
    """A revocation would be called done while GitHub still holds the credential."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    github.echo = True
    with pytest.raises(SinkFailed):
        sink.withdraw(slot)


def test_an_environment(github, sink):
    """A secret of one environment would be given to all jobs of the repository."""
    slot = GithubActions.slot("acme/app,environment=production", server=HOST, name="PULL")
    sink.preflight(slot, ours=False, adopt=False)
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert list(github.opened) == ["/repos/acme/app/environments/production/secrets/PULL"]


@pytest.mark.parametrize("act", ["inspect", "withdraw"])
def test_an_absent_repository_is_no_absent_secret(sink, act):
    """A typing error, or a token that sees nothing, would pass for a slot that is empty."""
    with pytest.raises(SinkFailed, match="public key of acme/typo"):
        getattr(sink, act)(GithubActions.slot("acme/typo", server=HOST))


def test_a_wrong_token(sink, slot, monkeypatch):
    """A wrong token would be called a missing right."""
    monkeypatch.setenv("GH_TOKEN", "ghp_wrong")
    with pytest.raises(NotSignedIn, match="Bad credentials"):
        sink.preflight(slot, ours=False, adopt=False)


def test_no_token(sink, slot, monkeypatch):
    """A missing token would be found only after a key was made."""
    monkeypatch.delenv("GH_TOKEN")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(NotSignedIn, match="no token for GitHub"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_token_that_only_reads_code(github, sink, slot, monkeypatch):
    """The user would not know which right to ask for."""
    github.tokens["ghp_reads"] = False
    monkeypatch.setenv("GH_TOKEN", "ghp_reads")
    with pytest.raises(SinkFailed) as caught:
        sink.preflight(slot, ours=False, adopt=False)
    assert "Secrets: write" in caught.value.hint


def test_too_many_calls(house, sink, slot):
    """An hour's pause would be called a missing right."""
    fault = Fault(kind="github.public-key", how="403", headers={"x-ratelimit-remaining": "0", "retry-after": "60"})
    house.world.fail_next(fault)
    with pytest.raises(RateLimited) as caught:
        sink.preflight(slot, ours=False, adopt=False)
    assert caught.value.retry_after == 60.0


def test_too_big(sink, slot):
    """GitHub would refuse it with a word that says nothing."""
    with pytest.raises(SinkFailed, match="more than the 49152"):
        sink.deliver(slot, make_credential(HOST, "x" * 40_000))


def test_a_slot_keeps_its_api_and_name(monkeypatch):
    """A later run on another machine would write to another GitHub."""
    monkeypatch.setenv("GITHUB_API_URL", "https://github.example.com/api/v3")
    slot = GithubActions.slot("acme/app", server=HOST)
    monkeypatch.delenv("GITHUB_API_URL")
    assert (slot.target, slot.name) == ("acme/app,api=https://github.example.com/api/v3", NAME)
    assert GithubActions.slot(slot.target, server=HOST, name=slot.name) == slot


@pytest.mark.parametrize(
    ("target", "name"), [("", ""), ("acme", ""), ("acme/app/x", ""), ("acme/app", "GITHUB_X"), ("acme/app", "lower"),
                         ("acme/app,api=http://x", "")]
)  # fmt: skip
def test_a_target_that_is_none(target, name):
    """A typing error would end as a secret in a strange place."""
    with pytest.raises(UsageError):
        GithubActions.slot(target, server=HOST, name=name)
