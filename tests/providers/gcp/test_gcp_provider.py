"""The provider on a fake Google Cloud that remembers and refuses."""

from __future__ import annotations

import pytest

from providers.gcp.fake import BUCKET, EMAIL, MEMBER, OURS, PROJECT, REPOSITORY
from pullgrant.errors import (
    NotFound,
    NotOurs,
    NotVisibleYet,
    OutcomeUnknown,
    PermissionDenied,
    PolicyForbids,
    PullgrantError,
    QuotaReached,
    RateLimited,
    UsageError,
)
from pullgrant.model.reader import Grant, Identity, Ownership
from pullgrant.providers.gcp.answers import Conflict, service_disabled

READER, VIEWER = "roles/artifactregistry.reader", "roles/storage.objectViewer"
IDENTITY = Identity(id=EMAIL)


def roles(google, resource):
    found = google.policies[resource].get("bindings", ())
    return {binding["role"] for binding in found if MEMBER in binding["members"]}


def make(provider):
    provider.observe()
    identity = provider.ensure(adopt=False)
    provider.grant(identity)
    return provider.issue(identity, note="op-1")


def test_the_first_look(google, provider):
    """A plan would start from a reader that is not there."""
    seen = provider().observe()
    assert (seen.ownership, seen.identity, seen.granted, seen.keys, seen.cannot_issue, seen.grant) == (
        Ownership.ABSENT, None, False, (), None, Grant(role=READER, resource=REPOSITORY),
    )  # fmt: skip
    assert not [call for call in google.calls if call.startswith(("set", "create", "delete", "d"))]


def test_a_reader_is_made_and_found_again(google, provider):
    """Running again would make a second reader, key or binding."""
    issued = make(provider())
    assert (issued.credential.username, issued.credential.secret.reveal(), issued.credential.expires_at) == (
        "_json_key", '{"private_key": "canary"}', None,
    )  # fmt: skip
    assert (issued.key.id, roles(google, REPOSITORY), roles(google, PROJECT)) == ("k1", {READER}, set())
    seen = provider().observe()
    assert (seen.ownership, seen.granted, [key.id for key in seen.keys]) == (Ownership.OURS, True, ["k1"])
    again, before = provider(), google.policies[REPOSITORY]
    again.grant(again.ensure(adopt=False))
    assert (google.policies[REPOSITORY], "create_account" in google.calls[len(google.calls) - 9 :]) == (before, False)


@pytest.mark.parametrize(
    ("description", "ownership"), [("by hand", Ownership.UNMARKED), ("pullgrant ledger=other", Ownership.OTHER_LEDGER)]
)
def test_a_foreign_account(google, provider, description, ownership):
    """An account of somebody else, or of another ledger, would be taken over without a word from the user."""
    google.account(EMAIL, description)
    assert provider().observe().ownership is ownership
    with pytest.raises(NotOurs):
        provider().ensure(adopt=False)
    assert google.accounts[EMAIL].description == description


def test_adopting_tightens(google, provider):
    """An adopted reader would keep the whole project, or an account would lose its own name."""
    google.account(EMAIL, "made by hand")
    google.bind(PROJECT, VIEWER, MEMBER, "user:a@example.com")
    google.bind(PROJECT, READER, MEMBER, condition={"expression": "x"})
    google.bind(PROJECT, "roles/logging.viewer", MEMBER)
    adopting = provider()
    assert adopting.observe().excess == (
        Grant(role=READER, resource="project demo"), Grant(role=VIEWER, resource="project demo"),
    )  # fmt: skip
    adopting.grant(adopting.ensure(adopt=True))
    assert (google.accounts[EMAIL].description, google.accounts[EMAIL].display_name) == (f"made by hand {OURS}", "theirs")
    assert (roles(google, REPOSITORY), roles(google, PROJECT)) == ({READER}, {"roles/logging.viewer"})
    assert {"role": VIEWER, "members": ["user:a@example.com"]} in google.policies[PROJECT]["bindings"]


def test_a_long_description_is_cut_by_bytes(google, provider):
    """Google would refuse the mark of an account whose description is in another script."""
    google.account(EMAIL, "Ä" * 128)
    provider().ensure(adopt=True)
    kept = google.accounts[EMAIL].description
    assert (kept.endswith(OURS), len(kept.encode()) <= 256, provider().observe().ownership) == (True, True, Ownership.OURS)


def test_a_project_scope_loses_the_other_role(google, provider):
    """What the plan calls excess would stay, and every later plan would say so again."""
    google.bind(PROJECT, VIEWER, MEMBER)
    wide = provider(scope="project")
    seen = wide.observe()
    assert (seen.grant, seen.excess) == (
        Grant(role=READER, resource="project demo"), (Grant(role=VIEWER, resource="project demo"),),
    )  # fmt: skip
    assert "every repository of every format" in seen.remarks[0]
    wide.grant(wide.ensure(adopt=False))
    assert roles(google, PROJECT) == {READER}


def on_bucket(google):
    google.redirection = "REDIRECTION_FROM_GCR_IO_DISABLED"
    del google.policies[REPOSITORY]
    google.policies[BUCKET] = {}


def test_a_project_on_buckets(google, provider):
    """A project that never moved would get a role that opens nothing."""
    on_bucket(google)
    make(provider())
    assert (roles(google, BUCKET), provider().observe().granted) == ({VIEWER}, True)


def test_a_project_on_buckets_needs_no_artifact_registry(google, provider):
    """The user of an old registry would be sent to enable a service that it does not use."""
    on_bucket(google)
    google.services = {"artifactregistry.googleapis.com": "DISABLED"}
    assert provider().observe().cannot_issue is None
    google.services = {"iam.googleapis.com": "DISABLED"}
    assert "gcloud services enable iam.googleapis.com" in provider().observe().cannot_issue.hint


@pytest.mark.parametrize("state", ["", "REDIRECTION_STATE_UNSPECIFIED"])
def test_a_silent_project_with_the_repository(google, provider, state):
    """A project that says nothing of its hosts, as new ones do, would get a role on a bucket that is not there."""
    google.redirection = state
    assert provider().observe().grant == Grant(role=READER, resource=REPOSITORY)
    on_bucket(google)
    google.redirection = state
    assert provider().observe().grant == Grant(role=VIEWER, resource=f"bucket {BUCKET}")


def test_the_bucket_role_where_there_are_no_buckets(provider):
    """A useless role would be granted."""
    with pytest.raises(UsageError, match="useless"):
        provider(role=VIEWER).observe()


def test_settings_that_may_not_be_read(google, provider):
    """An operator without one small right could make no reader at all."""
    google.refuse["get_project_settings"] = PermissionDenied("no")
    assert provider().observe().grant == Grant(role=READER, resource=REPOSITORY)


@pytest.mark.parametrize("method", ["get_project_policy", "get_services", "get_effective_policy"])
def test_rights_that_are_done_without(google, provider, method):
    """An operator who may grant on the repository alone would be turned away."""
    google.refuse[method] = PermissionDenied("no right")
    seen = provider().observe()
    assert (seen.ownership, len(seen.remarks)) == (Ownership.ABSENT, 1 if method == "get_project_policy" else 0)


@pytest.mark.parametrize(
    "constraint", ["iam.disableServiceAccountKeyCreation", "iam.managed.disableServiceAccountKeyCreation"]
)
def test_a_policy_against_keys(google, provider, constraint):
    """The preflight would let a run begin that cannot end, or hold up the way without keys."""
    google.enforced = {constraint}
    refusal = provider().observe().cannot_issue
    assert (type(refusal), "--credential access-token" in refusal.hint) == (PolicyForbids, True)
    assert provider(credential="access-token").observe().cannot_issue is None


def test_ten_keys(google, provider):
    """The eleventh key would be asked for."""
    google.account(EMAIL, OURS)
    for _ in range(9):
        google.key()
    assert provider().observe().cannot_issue is None
    google.key()
    assert isinstance(provider().observe().cannot_issue, QuotaReached)


def test_a_disabled_service(google, provider):
    """The user would not learn the command that helps."""
    google.services = {"iam.googleapis.com": "DISABLED"}
    refusal = provider().observe().cannot_issue
    assert "gcloud services enable iam.googleapis.com --project demo" in refusal.hint


@pytest.mark.parametrize("project", ["demo", "images"])
def test_services_of_the_registrys_project(google, provider, project):
    """A registry in another project would be asked about in the wrong one."""
    other = "projects/images/locations/us/repositories/apps"
    google.policies |= {other: {}, "images": {}}
    google.services = {f"{project}/artifactregistry.googleapis.com": "DISABLED"}
    refusal = provider(registry="us-docker.pkg.dev/images/apps").observe().cannot_issue
    hint = "gcloud services enable artifactregistry.googleapis.com --project images" if project == "images" else ""
    assert (refusal.hint if refusal else "").removeprefix("Enable it: ") == hint
    assert google.calls.count("get_services") == 2


def test_a_service_that_is_off_is_no_missing_repository(google, provider):
    """The user would be told to create a repository that is there."""
    google.refuse["get_repository_policy"] = google.refuse["get_project_settings"] = service_disabled("a.b", "demo")
    google.refuse["get_services"] = PermissionDenied("no")
    seen = provider().observe()
    assert (seen.granted, seen.cannot_issue.hint) == (False, "Enable it: gcloud services enable a.b --project demo")


def test_a_disabled_account(google, provider):
    """A reader that somebody switched off would pass for a good one, or be switched on again behind their back."""
    make(provider())
    google.accounts[EMAIL].disabled = True
    seen = provider().observe()
    assert [key.enabled for key in seen.keys] == [False]
    assert f"gcloud iam service-accounts enable {EMAIL} --project demo" in seen.cannot_issue.hint
    again = provider()
    again.ensure(adopt=True)
    assert google.accounts[EMAIL].disabled is True


def test_a_missing_repository(google, provider):
    """The user would not see which repositories there are."""
    google.policies["projects/demo/locations/us/repositories/apps"] = google.policies.pop(REPOSITORY)
    seen = provider().observe()
    assert (seen.granted, type(seen.cannot_issue), "there: apps" in seen.cannot_issue.message) == (False, NotFound, True)


def test_a_repository_that_comes_back_keeps_its_policy(google, provider):
    """A policy that was never read would be written over one that is there now."""
    kept = google.policies.pop(REPOSITORY)
    granting = provider()
    granting.observe()
    google.policies[REPOSITORY] = kept
    google.bind(REPOSITORY, READER, "user:a@example.com")
    granting.grant(granting.ensure(adopt=False))
    assert google.policies[REPOSITORY]["bindings"] == [{"role": READER, "members": ["user:a@example.com", MEMBER]}]


def test_a_public_repository(google, provider):
    """A registry that needs no credential would get one."""
    google.bind(REPOSITORY, READER, "allUsers", condition={"expression": "x"})
    assert provider().observe().public is False
    google.bind(REPOSITORY, READER, "allUsers")
    assert provider().observe().public is True


def test_a_lost_create_is_looked_for(google, provider):
    """A time-out of the create would leave an account that nobody knows, or make the run fail for nothing."""
    google.lose = {"create_account"}
    assert (provider().ensure(adopt=False), google.calls.count("create_account")) == (IDENTITY, 1)


def test_a_lost_create_that_did_nothing(google, provider):
    """The run would go on with an account that is not there."""
    google.once["create_account"] = [OutcomeUnknown("no answer")]
    with pytest.raises(OutcomeUnknown):
        provider().ensure(adopt=False)


def test_a_name_taken_in_between(google, provider):
    """Somebody else's account would be used because it came between look and create."""
    racing = provider()
    racing.observe()
    google.account(EMAIL, "theirs")
    with pytest.raises(NotOurs):
        racing.ensure(adopt=False)


def test_our_own_account_made_in_between_is_not_new(google, provider):
    """A lasting refusal on an account that another run made would be waited for as if it were new."""
    racing = provider()
    racing.observe()
    google.account(EMAIL, OURS)
    google.refuse["create_key"] = PermissionDenied("no")
    with pytest.raises(PermissionDenied):
        racing.issue(racing.ensure(adopt=False), note="op-1")
    assert google.calls.count("create_key") == 1


def test_the_wanted_grant_is_no_excess(google, provider):
    """Each plan for a whole project would take away what the reader shall have."""
    wide = provider(scope="project")
    wide.grant(wide.ensure(adopt=False))
    again = provider(scope="project").observe()
    assert (again.granted, again.excess) == (True, ())


def test_grant_reads_again_when_others_change_the_policy(google, provider):
    """A change that somebody made between our read and our write would be lost, or fail the run."""
    granting = provider()
    granting.observe()
    google.bind(REPOSITORY, READER, "user:a@example.com")
    google.edits += 1
    granting.grant(granting.ensure(adopt=False))
    assert google.policies[REPOSITORY]["bindings"] == [{"role": READER, "members": ["user:a@example.com", MEMBER]}]
    assert google.calls.count("set_repository_policy") == 2


def test_grant_waits_for_a_new_account_to_be_seen(google, provider):
    """An account that policies do not know yet would fail the run."""
    google.not_visible("set_repository_policy", 3)
    granting = provider()
    granting.grant(granting.ensure(adopt=False))
    assert (roles(google, REPOSITORY), google.calls.count("set_repository_policy")) == ({READER}, 4)


def test_grant_gives_up_within_its_budget(google, provider):
    """A policy that never settles would hold the run for ever, or hide the last real answer."""
    google.refuse["set_repository_policy"] = Conflict("There were concurrent policy changes.")
    started = google.clock.now()
    granting = provider()
    with pytest.raises(Conflict):
        granting.grant(granting.ensure(adopt=False))
    assert 60 <= (google.clock.now() - started).total_seconds() <= 90


def test_a_refused_grant_is_not_repeated(google, provider):
    """A lack of rights would be asked again and again."""
    google.refuse["set_repository_policy"] = PermissionDenied("no")
    granting = provider()
    with pytest.raises(PermissionDenied):
        granting.grant(granting.ensure(adopt=False))
    assert google.calls.count("set_repository_policy") == 1


@pytest.mark.parametrize("error", [NotFound("unseen"), PermissionDenied("(or it may not exist)"), NotVisibleYet("unseen")])
def test_a_key_of_a_new_account_is_waited_for(google, provider, error):
    """The account that was made a second ago would be called missing."""
    google.once["create_key"] = [error, error]
    assert make(provider()).key.id == "k1"


@pytest.mark.parametrize("error", [NotFound("gone"), PermissionDenied("no")])
def test_a_key_of_an_old_account_is_not_waited_for(google, provider, error):
    """A real refusal would cost a minute and a half."""
    google.account(EMAIL, OURS)
    google.refuse["create_key"] = error
    with pytest.raises(type(error)):
        provider().issue(IDENTITY, note="op-1")
    assert google.calls.count("create_key") == 1


@pytest.mark.parametrize("error", [PolicyForbids("no"), QuotaReached("ten"), RateLimited("slow", retry_after=60)])
def test_a_refused_key_is_asked_for_once(google, provider, error):
    """A failed precondition would be repeated, against Google's advice."""
    google.refuse["create_key"] = error
    with pytest.raises(type(error)):
        make(provider())
    assert google.calls.count("create_key") == 1


def test_a_lost_key_is_taken_back(google, provider):
    """A key whose secret nobody has would live for ever."""
    google.account(EMAIL, OURS)
    google.key()
    google.lose = {"create_key"}
    with pytest.raises(PullgrantError, match="taken back"):
        provider().issue(IDENTITY, note="op-1")
    assert (list(google.keys), google.calls.count("create_key")) == (["k1"], 1)


def test_a_lost_key_among_others_is_left(google, provider):
    """A key that somebody else made in the same moment would be deleted."""
    google.account(EMAIL, OURS)
    issuing = provider()
    issuing.observe()
    google.key()
    google.lose = {"create_key"}
    with pytest.raises(OutcomeUnknown):
        issuing.issue(IDENTITY, note="op-1")
    assert list(google.keys) == ["k1", "k2"]


def test_a_key_of_the_same_run_survives_a_lost_one(google, provider):
    """The key that was just delivered would be deleted as a leftover."""
    issuing = provider()
    make(issuing)
    google.lose = {"create_key"}
    with pytest.raises(PullgrantError, match="taken back"):
        issuing.issue(IDENTITY, note="op-2")
    assert list(google.keys) == ["k1"]


def test_a_lost_key_that_is_not_listed(google, provider):
    """A run would say that it took back what it never saw."""
    google.account(EMAIL, OURS)
    google.once["create_key"] = [OutcomeUnknown("no answer")]
    with pytest.raises(OutcomeUnknown):
        provider().issue(IDENTITY, note="op-1")


def test_an_access_token(google, provider):
    """A token would be kept as a key to delete, or outlive what the ledger says."""
    issuing = provider(credential="access-token")
    google.once["generate_token"] = [PermissionDenied("(or it may not exist)")]
    issued = make(issuing)
    assert (issued.credential.username, issued.key.revocable, google.keys) == ("oauth2accesstoken", False, {})
    assert (issued.credential.expires_at - google.clock.now()).total_seconds() == 3600
    issuing.withdraw(issued.key)
    assert ("delete_key" in google.calls, issuing.can.max_ttl.total_seconds()) == (False, 3600)


def test_images(google, provider):
    """The proof would ask for an image that is not there, or count an image in scope as one outside."""
    apps = "projects/demo/locations/us/repositories/apps"
    google.policies[apps] = {}
    google.images = {
        REPOSITORY: [{"name": f"{REPOSITORY}/dockerImages/team%2Fapp@sha256:{'a' * 64}", "tags": ["v1"]}],
        apps: [{"name": f"{apps}/dockerImages/other@sha256:{'b' * 64}"}],
    }
    found = provider().images()
    assert (str(found.inside), str(found.outside)) == (
        "gcr.io/demo/team/app:v1", f"us-docker.pkg.dev/demo/apps/other@sha256:{'b' * 64}",
    )  # fmt: skip
    assert provider(scope="project").images().outside is None
    assert str(provider(image="web:v2").images().inside) == "gcr.io/demo/web:v2"


@pytest.mark.parametrize(
    ("member", "condition"), [("allUsers", None), ("allAuthenticatedUsers", None), ("allUsers", {"expression": "x"})]
)
def test_an_image_that_everybody_may_pull_is_not_outside(google, provider, member, condition):
    """A reader would fail its proof because of a repository that is open to the whole world."""
    apps = "projects/demo/locations/us/repositories/apps"
    google.policies[apps] = {}
    google.images = {apps: [{"name": f"{apps}/dockerImages/other@sha256:{'b' * 64}", "tags": ["v1"]}]}
    assert str(provider().images().outside) == "us-docker.pkg.dev/demo/apps/other:v1"
    google.bind(apps, READER, member, **({"condition": condition} if condition else {}))
    assert provider().images().outside is None


def test_an_image_of_unknown_openness_is_not_outside(google, provider):
    """What an operator may not see would be guessed, and a good reader fail."""
    apps = "projects/demo/locations/us/repositories/apps"
    google.policies[apps] = {}
    google.images = {apps: [{"name": f"{apps}/dockerImages/other@sha256:{'b' * 64}"}]}
    google.refuse["get_repository_policy"] = PermissionDenied("no")
    assert provider().images().outside is None


def test_a_repository_that_somebody_opened_to_the_reader_is_outside(google, provider):
    """A reader that reaches more than it was given would be proven."""
    apps = "projects/demo/locations/us/repositories/apps"
    google.policies[apps] = {}
    google.bind(apps, READER, MEMBER)
    google.images = {apps: [{"name": f"{apps}/dockerImages/other@sha256:{'b' * 64}"}]}
    assert provider().images().outside is not None


def test_no_image_yet(provider):
    """Nothing to pull would be an error, or silence."""
    found = provider().images()
    assert (found.inside, found.why) == (None, "there is no image in gcr.io/demo yet")


def test_images_on_a_bucket(google, provider):
    """The old registry's images would not be found by its tag lists."""
    on_bucket(google)
    google.tags = {"demo": {"child": ["app"]}, "demo/app": {"tags": ["v1"]}}
    assert str(provider().images().inside) == "gcr.io/demo/app:v1"
