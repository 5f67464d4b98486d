"""The sink gitlab-ci against a fake that masks only what GitLab masks."""

from __future__ import annotations

import contextlib
import dataclasses
import os

import pytest

from pullgrant.errors import NotOurs, NotSignedIn, SinkFailed, UsageError
from pullgrant.sandbox.gitlab import GitLab as Country
from pullgrant.sandbox.run import Sandbox
from pullgrant.sinks.gitlab_ci import KEY, GitlabCi
from pullgrant.testing.sink_contract import SinkContract, make_credential
from sinks.store_house import HOST, entry, standing_in, with_foreign

PLACE = ("acme/app", KEY, "*")
THEIRS = {"key": KEY, "protected": True, "masked": False, "hidden": False, "raw": False, "environment_scope": "*"}


@pytest.fixture(scope="module")
def house():
    with Sandbox(factories={"gitlab": Country}) as sandbox:
        yield sandbox


@pytest.fixture
def gitlab(house):
    with standing_in(house, "gitlab") as found:
        yield found.variables


@pytest.fixture
def sink(gitlab):
    return GitlabCi()


@pytest.fixture
def slot(gitlab):
    return GitlabCi.slot("acme/app", server=HOST)


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, gitlab):
        return GitlabCi()

    @pytest.fixture
    def slot(self, gitlab):
        return GitlabCi.slot("acme/app", server=HOST)

    @pytest.fixture
    def read_back(self, gitlab):
        return lambda slot: entry(gitlab.kept.get(PLACE, {}).get("value"), slot.server)

    @pytest.fixture
    def put_foreign(self, gitlab):
        def foreign(slot):
            before = gitlab.kept.get(PLACE, THEIRS)
            gitlab.kept[PLACE] = before | {"value": with_foreign(before.get("value"), slot.server)}
            return make_credential(slot.server, "foreign-secret", "somebody")

        return foreign

    @pytest.fixture
    def vanish(self, gitlab):
        return lambda slot: gitlab.kept.clear()

    @pytest.fixture
    def refuse_writes(self, gitlab):
        @contextlib.contextmanager
        def refuse(slot):
            gitlab.echo = True
            try:
                yield
            finally:
                gitlab.echo = False

        return refuse


def test_masked(gitlab, sink, slot):
    """A job that prints its variables would show the credential in its log."""
    receipt = sink.deliver(slot, make_credential(HOST, "first-secret"))
    made = gitlab.kept[PLACE]
    assert (made["masked"], made["raw"], made["protected"], receipt.remarks) == (True, True, False, ())


def test_what_cannot_be_masked_is_said(gitlab, sink, slot):
    """An older GitLab would refuse every delivery, or take it unmasked without a word."""
    gitlab.old = True
    receipt = sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert gitlab.kept[PLACE]["masked"] is False
    assert len(receipt.remarks) == 1
    assert f"acme/app {KEY} is not masked" in receipt.remarks[0]


def test_protected(gitlab, sink):
    """A variable that was asked to be for protected branches would be given to every branch."""
    sink.deliver(GitlabCi.slot("acme/app,protected", server=HOST), make_credential(HOST, "first-secret"))
    assert gitlab.kept[PLACE]["protected"] is True


def test_what_the_user_set_is_kept(gitlab, sink, slot):
    """A delivery would open a protected variable to every branch."""
    gitlab.kept[PLACE] = THEIRS | {"value": with_foreign(None, "other.example")}
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert gitlab.kept[PLACE]["protected"] is True
    assert entry(gitlab.kept[PLACE]["value"], "other.example") == ("somebody", "foreign-secret")


def test_a_scope_has_its_own_variable(gitlab, sink):
    """The variable of one environment would overwrite that of all."""
    sink.deliver(GitlabCi.slot("101,scope=production", server=HOST), make_credential(HOST, "first-secret"))
    assert list(gitlab.kept) == [("acme/app", KEY, "production")]


def test_what_we_make_is_marked_and_goes(gitlab, sink, slot):
    """The next registry could not be added to ours, or an empty variable would stay."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.preflight(dataclasses.replace(slot, server="other.example"), ours=False, adopt=False)
    sink.withdraw(slot)
    assert gitlab.kept == {}


def test_a_foreign_variable_is_emptied_only(gitlab, sink, slot):
    """An adopted variable would go with our entry."""
    gitlab.kept[PLACE] = THEIRS | {"value": with_foreign(None, HOST), "description": "theirs"}
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.withdraw(slot)
    assert gitlab.kept[PLACE]["value"] == '{"auths":{}}'


def test_an_unmarked_variable_is_foreign(gitlab, sink, slot):
    """An entry would be added to somebody's own variable without a word from the user."""
    gitlab.kept[PLACE] = THEIRS | {"value": with_foreign(None, "other.example")}
    with pytest.raises(NotOurs, match="was not made by pullgrant"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_hidden_variable_is_left_alone(gitlab, sink, slot):
    """Entries that nobody can read back would be lost."""
    gitlab.kept[PLACE] = THEIRS | {"value": with_foreign(None, "other.example"), "hidden": True}
    with pytest.raises(UsageError, match="is hidden"):
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert entry(gitlab.kept[PLACE]["value"], "other.example") == ("somebody", "foreign-secret")


def test_an_absent_project_is_no_absent_variable(sink):
    """A typing error would pass for an empty slot."""
    with pytest.raises(SinkFailed, match="Project Not Found"):
        sink.inspect(GitlabCi.slot("acme/typo", server=HOST))


def test_a_wrong_token(sink, slot, monkeypatch):
    """A wrong token would be called a missing right."""
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-wrong")
    with pytest.raises(NotSignedIn, match="401"):
        sink.preflight(slot, ours=False, adopt=False)


def test_no_token(sink, slot, monkeypatch):
    """A missing token would be found only after a key was made."""
    monkeypatch.delenv("GITLAB_TOKEN")
    with pytest.raises(NotSignedIn, match="no token for GitLab"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_developer_may_not(sink, slot, monkeypatch):
    """The user would not know which role is needed."""
    monkeypatch.setenv("GITLAB_TOKEN", f"{os.environ['GITLAB_TOKEN']}-developer")
    with pytest.raises(SinkFailed) as caught:
        sink.preflight(slot, ours=False, adopt=False)
    assert "Maintainer" in caught.value.hint


def test_a_slot_keeps_its_server(monkeypatch):
    """A later run outside of CI would write to another GitLab."""
    monkeypatch.delenv("CI_SERVER_URL", raising=False)
    monkeypatch.setenv("GITLAB_HOST", "gitlab.example.com")
    slot = GitlabCi.slot("acme/app,protected", server=HOST)
    assert (slot.target, slot.name) == ("acme/app,protected,url=https://gitlab.example.com", KEY)
    assert GitlabCi.slot(slot.target, server=HOST, name=slot.name) == slot


@pytest.mark.parametrize("target", ["", "acme", "acme/app,url=http://x", "acme/app,masked"])
def test_a_target_that_is_none(target):
    """A typing error would end as a variable in a strange place."""
    with pytest.raises(UsageError):
        GitlabCi.slot(target, server=HOST)
