"""Policy documents as values."""

from __future__ import annotations

import pytest

from pullgrant.providers.ecr import policy

PRINCIPAL = "arn:aws:iam::123456789012:role/pullgrant/docker-reader"


def test_documents_are_compared_by_what_they_say():
    """IAM gives a single action back without its list: every look would find a difference, and renew for nothing."""
    one = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["b", "a"], "Resource": ["r"]}]}
    other = {"Statement": {"Action": ["a", "b"], "Resource": "r", "Effect": "Allow"}, "Version": "2012-10-17"}
    assert policy.same(one, other)
    assert not policy.same(one, {**other, "Statement": {**other["Statement"], "Resource": "*"}})
    assert not policy.same(one, {**other, "Statement": [other["Statement"], other["Statement"]]})
    assert not policy.same(None, one)


@pytest.mark.parametrize(
    ("statement", "reaches"),
    [
        ({"Effect": "Allow", "Action": "ecr:PutImage"}, True),
        ({"Effect": "Allow", "Action": ["s3:*", "ECR:Batch*"]}, True),
        ({"Effect": "Allow", "Action": "*"}, True),
        ({"Effect": "Allow", "Action": "e*:*"}, True),
        ({"Effect": "Allow", "Action": "ecr-public:PutImage"}, True),
        ({"Effect": "Allow", "NotAction": "iam:*"}, True),
        ({"Effect": "Deny", "Action": "ecr:*"}, False),
        ({"Effect": "Allow", "Action": ["s3:GetObject", "ec2:*"]}, False),
    ],
)
def test_what_reaches_registries(statement, reaches):
    """A wide policy would stay on a reader, or one that has nothing to do with it be taken off."""
    assert policy.reaches_registries({"Statement": statement}) is reaches


def test_our_statement_among_theirs():
    """A statement of somebody else would be lost."""
    theirs = {"Sid": "x", "Effect": "Deny"}
    ours = policy.pull_statement("Ours", PRINCIPAL)
    both = policy.with_statement({"Version": "2008-10-17", "Id": "i", "Statement": theirs}, ours)
    assert both == {"Version": "2008-10-17", "Id": "i", "Statement": [theirs, ours]}
    moved = policy.pull_statement("Ours", "arn:aws:iam::1:role/other")
    assert policy.with_statement(both, moved)["Statement"] == [theirs, moved]
    assert policy.without_statement(both, "Ours") == {"Version": "2008-10-17", "Id": "i", "Statement": [theirs]}
    assert policy.without_statement({"Statement": [ours]}, "Ours") is None


def test_a_principal_that_is_gone_is_not_trusted():
    """IAM shows a deleted role as an id, and refuses a policy that is written with it."""
    before = policy.trust_document(None, ("arn:aws:iam::1:role/a",))
    before["Statement"][0]["Principal"]["AWS"] = ["AROAEXAMPLE", "arn:aws:iam::1:role/a"]
    after = policy.trust_document(before, ("arn:aws:iam::1:role/b",))
    assert policy.trusted(after) == ("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b")


def test_sids_are_those_of_one_ledger_and_reader():
    """Two readers would take one another's statement away."""
    sids = {policy.sid_of(ledger, reader) for ledger in ("a", "b") for reader in ("ecr:1/x", "ecr:1/y")}
    assert (len(sids), all(sid.isalnum() for sid in sids)) == (4, True)
