"""The provider on a fake AWS that remembers and refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from providers.ecr.fake import ACCOUNT, NEIGHBOUR, OPERATOR, Entity
from pullgrant.errors import (
    NotFound,
    NotOurs,
    OutcomeUnknown,
    PermissionDenied,
    PullgrantError,
    QuotaReached,
    Unavailable,
    UsageError,
)
from pullgrant.model.reader import Grant, Identity, Ownership
from pullgrant.providers.ecr.policy import POLICY_NAME
from pullgrant.providers.ecr.signin import Caller

ROLE = f"arn:aws:iam::{ACCOUNT}:role/pullgrant/docker-reader"
ARN = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/app"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
FOREIGN = {"registry_id": NEIGHBOUR, "repository": ("team/app", "team/other")}
CHANGING = ("create", "put", "set", "delete", "tag", "detach")


def make(provider, note="op-1"):
    provider.observe()
    identity = provider.ensure(adopt=False)
    provider.grant(identity)
    return provider.issue(identity, note=note)


def changes(aws):
    return [call for call in aws.calls if call.startswith(CHANGING)]


def role(aws):
    return aws.entities["role", "docker-reader"]


def test_the_first_look_changes_nothing(aws, provider):
    """A plan would start from a reader that is not there, or a look would leave something behind."""
    seen = provider().observe()
    assert (seen.ownership, seen.identity, seen.granted, seen.keys, seen.cannot_issue) == (
        Ownership.ABSENT, None, False, (), None,
    )  # fmt: skip
    assert seen.grant == Grant(role=f"pull ({POLICY_NAME})", resource=ARN)
    assert f"signed in to AWS as {OPERATOR}" in seen.remarks
    assert changes(aws) == []


def test_a_role_is_exactly_as_narrow_as_asked(aws, provider):
    """A reader could pull from, or do, more than it was made for; or anybody could act as it."""
    issued = make(provider())
    assert role(aws).inline[POLICY_NAME]["Statement"] == [
        {"Sid": "Login", "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]},
        {"Sid": "Pull", "Effect": "Allow", "Action": PULL, "Resource": [ARN]},
    ]
    assert role(aws).trust["Statement"] == [
        {"Sid": "PullgrantRenew", "Effect": "Allow", "Principal": {"AWS": [OPERATOR]}, "Action": "sts:AssumeRole"}
    ]
    assert (role(aws).arn, role(aws).tags, role(aws).longest) == (
        ROLE, {"pullgrant-ledger": "0123456789ab", "pullgrant-reader": "docker-reader"}, 43200,
    )  # fmt: skip
    assert (issued.key.id, issued.key.revocable, issued.credential.username) == ("token-op-1", False, "AWS")
    assert issued.credential.expires_at == aws.clock.now() + timedelta(hours=12)
    assert issued.credential.server == aws.registry.host


def test_a_second_run_finds_all_as_wanted(aws, provider):
    """Running again would write policies for nothing."""
    make(provider())
    before = len(changes(aws))
    again = provider()
    seen = again.observe()
    assert (seen.ownership, seen.identity, seen.granted, seen.excess) == (
        Ownership.OURS, Identity(id=ROLE, label="docker-reader"), True, (),
    )  # fmt: skip
    again.grant(again.ensure(adopt=False))
    assert len(changes(aws)) == before


def test_an_operator_who_is_a_role_is_trusted_by_the_roles_own_arn(aws, provider):
    """A trust policy would name a session, which AWS refuses, or a role without its path, which is another."""
    real = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso/Admin"
    aws.entities["role", "Admin"] = Entity(real, {})
    aws.who = Caller(account=ACCOUNT, arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/me")
    issued = make(provider())
    assert role(aws).trust["Statement"][0]["Principal"] == {"AWS": [real]}
    assert f"assume {ROLE} pullgrant-op-1 3600" in aws.calls, "more than an hour fails when roles are chained"
    assert issued.credential.expires_at == aws.clock.now() + timedelta(hours=1), "the session ends before the token"
    assert any("one hour" in remark for remark in provider().observe().remarks)


def test_an_operator_who_may_not_look_at_its_own_role(aws, provider):
    """A bootstrap from CI would fail because of a right that it does not need."""
    aws.who = Caller(account=ACCOUNT, arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/run")
    aws.entities["role", "ci"] = Entity(f"arn:aws:iam::{ACCOUNT}:role/ci", {})
    make_it = provider()
    real = aws.get_identity

    def closed(kind, name):
        if name == "ci":
            raise PermissionDenied("iam:GetRole")
        return real(kind, name)

    aws.get_identity = closed
    make(make_it)
    assert role(aws).trust["Statement"][0]["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/ci"]}


def test_the_root_user_learns_why_not(aws, provider):
    """The root user would meet a refusal of AWS that says nothing."""
    aws.who = Caller(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root")
    assert "--method user" in provider().observe().cannot_issue.hint
    assert provider(method="user").observe().cannot_issue is None


def test_another_account_is_not_touched(aws, provider):
    """A forgotten AWS_PROFILE would make a second reader in the wrong account."""
    aws.who = Caller(account=NEIGHBOUR, arn=f"arn:aws:iam::{NEIGHBOUR}:user/me")
    with pytest.raises(UsageError, match=f"account {NEIGHBOUR}"):
        provider().observe()
    assert changes(aws) == []


def test_a_further_principal_is_trusted_and_earlier_ones_stay(aws, provider):
    """A scheduler could not renew, or the next operator would lock the first one out."""
    make(provider())
    ci = f"arn:aws:iam::{ACCOUNT}:role/ci"
    wider = provider(trust=(ci,))
    assert wider.observe().granted is False
    wider.grant(wider.ensure(adopt=False))
    assert role(aws).trust["Statement"][0]["Principal"] == {"AWS": [OPERATOR, ci]}
    assert (provider(trust=(ci,)).observe().granted, provider().observe().granted) == (True, True)


@pytest.mark.parametrize(
    ("tags", "ownership"), [({}, Ownership.UNMARKED), ({"pullgrant-ledger": "other"}, Ownership.OTHER_LEDGER)]
)
def test_a_foreign_role_needs_a_word(aws, provider, tags, ownership):
    """A role of somebody else would be changed unasked, or lose what it is for when it is taken over."""
    trust = {"Version": "2012-10-17", "Statement": [{"Sid": "", "Principal": {"AWS": "arn:x"}, "Action": "sts:AssumeRole"}]}
    aws.entities["role", "docker-reader"] = Entity(ROLE, dict(tags), trust, inline={"logs": _allow("logs:PutLogEvents")})
    assert provider().observe().ownership is ownership
    for attempt in (lambda: provider().ensure(adopt=False), lambda: provider().remove(Identity(id=ROLE))):
        with pytest.raises(NotOurs):
            attempt()
    assert changes(aws) == []
    taking = provider()
    taking.grant(taking.ensure(adopt=True))
    assert provider().observe().ownership is Ownership.OURS
    assert (sorted(role(aws).inline), len(role(aws).trust["Statement"])) == (["logs", POLICY_NAME], 2)


def test_what_reaches_registries_beyond_is_taken_off(aws, provider):
    """A reader that somebody made wider would stay wide, or lose rights that have nothing to do with registries."""
    make(provider())
    role(aws).inline |= {"push": _allow("ecr:PutImage"), "logs": _allow("logs:*"), "odd": {"Statement": _not_action()}}
    role(aws).attached |= {"arn:aws:iam::aws:policy/AdministratorAccess": _allow("*"), "arn:s3": _allow("s3:*")}
    narrow = provider()
    excess = {one.role for one in narrow.observe().excess}
    assert excess == {"inline push", "inline odd", "managed arn:aws:iam::aws:policy/AdministratorAccess"}
    narrow.grant(narrow.ensure(adopt=False))
    assert (sorted(role(aws).inline), list(role(aws).attached)) == (["logs", POLICY_NAME], ["arn:s3"])


def test_a_changed_policy_is_written_again(aws, provider):
    """A reader whose policy was edited would be called as wanted."""
    make(provider())
    role(aws).inline[POLICY_NAME]["Statement"][1]["Resource"] = "*"
    assert provider().observe().granted is False
    mending = provider()
    mending.observe()
    mending.grant(mending.ensure(adopt=False))
    assert provider().observe().granted is True


def test_late_visibility_is_waited_for(aws, provider):
    """IAM needs seconds until a new role, policy or key is seen; the first run would fail."""
    aws.late = 3
    aws.fail("put_policy", NotFound("NoSuchEntity"), NotFound("NoSuchEntity"))
    aws.fail("assume", PermissionDenied("AccessDenied"), PermissionDenied("AccessDenied"))
    assert make(provider()).credential.secret.reveal().startswith("canary")


def test_a_lasting_refusal_is_not_waited_for(aws, provider):
    """A renewal without rights would hang for a minute and a half before it says so."""
    make(provider())
    started = aws.clock.now()
    aws.fail("assume", PermissionDenied("AccessDenied"))
    seen = provider()
    seen.observe()
    with pytest.raises(PermissionDenied):
        seen.issue(Identity(id=ROLE), note="op-2")
    assert aws.clock.now() == started


def test_a_failed_grant_ends_the_waiting_for_it(aws, provider):
    """Issuing would wait for a grant that will never come."""
    building = provider()
    building.observe()
    identity = building.ensure(adopt=False)
    aws.fail("put_policy", PermissionDenied("iam:PutRolePolicy"))
    with pytest.raises(PermissionDenied):
        building.grant(identity)
    started = aws.clock.now()
    with pytest.raises(PullgrantError):
        building.issue(identity, note="op-1")
    assert aws.clock.now() == started


def test_a_lost_answer_of_a_creation_is_looked_for(aws, provider):
    """A role that was made without our knowing would be made twice, or called foreign."""
    aws.fail("after create_identity", OutcomeUnknown("no answer"))
    assert make(provider()).key.id == "token-op-1"
    aws.entities.clear()
    aws.fail("create_identity", OutcomeUnknown("no answer"))
    with pytest.raises(OutcomeUnknown):
        make(provider())


def test_a_role_of_ones_own_is_used_and_never_changed(aws, provider):
    """--role-arn would rewrite a role that somebody else manages, or delete it with the reader."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/theirs"
    trust = {"Statement": [{"Principal": {"AWS": OPERATOR}}]}
    aws.entities["role", "theirs"] = Entity(arn, {}, trust, inline={"own": _allow("ecr:GetAuthorizationToken")})
    given = provider(role_arn=arn)
    seen = given.observe()
    assert (seen.ownership, seen.granted, seen.identity.id, given.can.creates_identity) == (Ownership.OURS, True, arn, False)
    issued = make(given)
    assert issued.credential.expires_at == aws.clock.now() + timedelta(hours=1), "the role allows no longer session"
    given.remove(Identity(id=arn))
    assert changes(aws) == []


def test_a_missing_repository_is_named_with_those_that_are_there(aws, provider):
    """A typo would show as a failed proof minutes later."""
    with pytest.raises(NotFound, match=r"'team/ap' does not exist.*there: team/app, team/other"):
        provider(repository=("team/ap",)).observe()


def test_a_user_gets_a_key_for_a_moment_only(aws, provider):
    """A long-lived access key that nobody keeps would stay behind after every renewal."""
    for note in ("op-1", "op-2", "op-3"):
        issued = make(provider(method="user"), note)
        assert (issued.key.revocable, issued.key.id) == (False, f"token-{note}")
        assert aws.entities["user", "docker-reader"].keys == {}
    assert issued.credential.expires_at == aws.clock.now() + timedelta(hours=12)


def test_a_key_that_cannot_be_deleted_is_told_and_ended_later(aws, provider):
    """An access key would be left behind that no later run knows."""
    aws.fail("delete_key", PermissionDenied("iam:DeleteAccessKey"))
    issued = make(provider(method="user"))
    assert (issued.key.id, issued.key.revocable) == ("AKIA1", True)
    assert [key.id for key in provider(method="user").observe().keys] == ["AKIA1"]
    for _ in range(2):
        provider(method="user").withdraw(issued.key)
    assert aws.entities["user", "docker-reader"].keys == {}


def test_a_key_of_a_failed_token_is_deleted(aws, provider):
    """A failed renewal would leave its access key behind."""
    aws.fail("token", PermissionDenied("no"))
    failing = provider(method="user")
    make(failing)
    aws.fail("token", *[PermissionDenied("no")] * 40)
    with pytest.raises(PermissionDenied):
        make(provider(method="user"), "op-2")
    assert aws.entities["user", "docker-reader"].keys == {}
    aws.fail("delete_key", Unavailable("down"))
    with pytest.raises(Unavailable, match="AKIA"):
        make(provider(method="user"), "op-3")


def test_a_lost_answer_of_a_key_is_taken_back(aws, provider):
    """A key that was made without our knowing would fill one of two places for ever."""
    make(provider(method="user"))
    aws.faults.clear()
    aws.entities["user", "docker-reader"].keys["AKIAtheirs"] = "Active"
    aws.fail("after create_key", OutcomeUnknown("no answer"))
    with pytest.raises(Unavailable, match="taken back"):
        make(provider(method="user"), "op-2")
    assert list(aws.entities["user", "docker-reader"].keys) == ["AKIAtheirs"]


def test_two_keys_leave_no_place(aws, provider):
    """A renewal would fail in the middle, or delete a key that somebody uses."""
    make(provider(method="user"))
    aws.entities["user", "docker-reader"].keys |= {"AKIAone": "Active", "AKIAtwo": "Inactive"}
    refusal = provider(method="user").observe().cannot_issue
    assert (type(refusal), "AKIAone or AKIAtwo" in refusal.hint) == (QuotaReached, True)


def test_another_accounts_repositories_are_opened_beside_what_is_there(aws, provider):
    """The other account's own statements would be lost, or the reader could not pull."""
    theirs = {"Sid": "theirs", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    aws.policies["team/app"] = {"Version": "2008-10-17", "Statement": [theirs]}
    aws.late = 2
    crossing = provider(**FOREIGN)
    make(crossing)
    first, ours = aws.policies["team/app"]["Statement"]
    assert (first, aws.policies["team/app"]["Version"]) == (theirs, "2008-10-17")
    assert (ours["Principal"], ours["Action"], ours["Sid"].isalnum()) == ({"AWS": ROLE}, PULL, True)
    assert aws.policies["team/other"]["Statement"] == [ours]
    before = len(changes(aws))
    again = provider(**FOREIGN)
    assert again.observe().granted is True
    again.grant(again.ensure(adopt=False))
    assert len(changes(aws)) == before
    again.remove(Identity(id=ROLE))
    assert aws.policies == {"team/app": {"Version": "2008-10-17", "Statement": [theirs]}}


def test_a_statement_that_another_wrote_over_is_written_again(aws, provider):
    """SetRepositoryPolicy has no etag: two writers at once would lose ours without a word."""

    def overwrite():
        aws.policies["team/app"] = {"Statement": [{"Sid": "newer"}]}

    aws.fail("after set_repository_policy", overwrite)
    make(provider(registry_id=NEIGHBOUR))
    sids = [one["Sid"] for one in aws.policies["team/app"]["Statement"]]
    assert (len(sids), sids[0]) == (2, "newer")


def test_policies_that_may_not_be_read_are_the_owners_work(aws, provider):
    """An operator without rights in the other account could never have a reader, or would not learn what to ask for."""
    aws.unreadable = {"team/app", "team/other"}
    crossing = provider(**FOREIGN)
    make(crossing)
    seen = provider(**FOREIGN).observe()
    assert (seen.granted, any(ROLE in remark and "owner must add" in remark for remark in seen.remarks)) == (True, True)
    assert aws.policies == {}
    crossing.remove(Identity(id=ROLE))
    assert aws.entities == {}


def test_removal_takes_everything(aws, provider):
    """IAM refuses to delete what still has a policy or a key; a revocation would end half-way."""
    make(provider(method="user"))
    user = aws.entities["user", "docker-reader"]
    user.keys["AKIAx"], user.inline["more"], user.attached["arn:x"] = "Active", _allow("s3:*"), _allow("s3:*")
    for _ in range(2):
        provider(method="user").remove(Identity(id=user.arn))
    assert aws.entities == {}


def test_images_to_prove_with(aws, provider):
    """A proof would be made with an image outside the scope, or not be made at all."""
    found = provider().images()
    assert (str(found.inside), str(found.outside)) == (
        f"{aws.registry.host}/team/app:v1", f"{aws.registry.host}/team/other:v1",
    )  # fmt: skip
    assert provider(repository=()).images().outside is None
    aws.repositories = {"team/app": []}
    assert provider().images().why == "there is no image in team/app yet"
    assert str(provider(image="team/app:v9").images().inside).endswith("team/app:v9")
    aws.fail("list_images", PermissionDenied("ecr:DescribeImages"))
    with pytest.raises(PermissionDenied):
        provider().images()


def test_what_can_be_done(provider):
    """The flow would ask a token service that ECR does not have, or wait for a revocation that never comes."""
    can = provider().can
    assert (can.push_question, can.narrows, can.max_ttl, can.max_keys) == ("upload", True, timedelta(hours=12), None)
    assert (provider(repository=()).can.narrows, provider(method="user").can.max_keys) == (False, 2)


def _allow(action):
    return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}


def _not_action():
    return [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]
