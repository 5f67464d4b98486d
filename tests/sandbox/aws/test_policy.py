"""The judge of policy documents, alone: elements, wildcards, variables and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from pullgrant.sandbox.aws.condition import met
from pullgrant.sandbox.aws.policy import Question, account_of, names, says
from sandbox.aws.talk import ACCOUNT, APP, OPERATOR

USER = f"arn:aws:iam::{ACCOUNT}:user/reader"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CONTEXT = {
    "aws:username": ("reader",),
    "aws:currenttime": ("2026-11-21T10:00:00Z",),
    "aws:epochtime": ("1795255200",),
    "aws:securetransport": ("true",),
    "aws:principalarn": (USER,),
    "aws:principaltag/team": ("blue",),
}
VARIABLES = {"aws:username": "reader"}


def question(action: str = "ecr:BatchGetImage", resource: str = APP) -> Question:
    """Return a question of a user."""
    return Question(
        action=action, resource=resource, context=CONTEXT, account=ACCOUNT, principals=(USER, ROOT), variables=VARIABLES
    )


@pytest.mark.parametrize(
    ("statement", "applies"),
    [
        ({"Action": "ecr:BatchGetImage", "Resource": APP}, True),
        ({"Action": "ECR:batchgetimage", "Resource": APP}, True),
        ({"Action": "ecr:BatchGet*", "Resource": APP}, True),
        ({"Action": "ecr:BatchGetImag?", "Resource": APP}, True),
        ({"Action": ["ecr:PutImage", "*"], "Resource": ["x", "*"]}, True),
        ({"Action": "ecr:BatchGet", "Resource": APP}, False),
        ({"Action": "ecr", "Resource": APP}, False),
        ({"Action": "ecr-public:*", "Resource": APP}, False),
        ({"Action": "ecr:*", "Resource": APP.upper()}, False),
        ({"Action": "ecr:*", "Resource": APP + "/"}, False),
        ({"Action": "ecr:*", "Resource": APP.replace("team/app", "team/*")}, True),
        ({"Action": "ecr:*", "Resource": APP.replace("team/app", "*")}, True),
        ({"Action": "ecr:*", "Resource": APP.replace("us-east-1", "*")}, True),
        ({"Action": "ecr:*", "Resource": APP.replace("team/app", "team.app")}, False),
        ({"Action": "ecr:*", "Resource": APP[:-1] + "[p]"}, False),
        ({"Action": "ecr:*"}, False),
        ({"Resource": APP}, False),
        ({"NotAction": "ecr:PutImage", "Resource": APP}, True),
        ({"NotAction": "ecr:*", "Resource": APP}, False),
        ({"Action": "ecr:*", "NotResource": "arn:aws:s3:::*"}, True),
        ({"Action": "ecr:*", "NotResource": APP}, False),
        ({"Action": "ecr:*", "Resource": APP, "Condition": {"StringEquals": {"aws:username": "reader"}}}, True),
        ({"Action": "ecr:*", "Resource": APP, "Condition": {"StringEquals": {"aws:username": "other"}}}, False),
    ],
)
def test_statements(statement: dict[str, Any], applies: bool) -> None:
    """A statement would apply where it does not, or not where it does."""
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}}
    assert says([document], question(), "Allow") is applies
    assert says([document], question(), "Deny") is False


def test_variables() -> None:
    """A policy variable would not be filled in, or in policies of the old version too."""
    resource = APP.replace("team/app", "${aws:username}/app")
    statement = {"Effect": "Allow", "Action": "ecr:*", "Resource": resource}
    own = question(resource=APP.replace("team", "reader"))
    assert says([{"Version": "2012-10-17", "Statement": [statement]}], own, "Allow") is True
    assert says([{"Version": "2008-10-17", "Statement": [statement]}], own, "Allow") is False
    assert says([{"Version": "2012-10-17", "Statement": [statement]}], question(), "Allow") is False
    unknown = {**statement, "Resource": "${aws:unheard}"}
    assert says([{"Version": "2012-10-17", "Statement": [unknown]}], question(resource="${aws:unheard}"), "Allow") is False


@pytest.mark.parametrize(
    ("principal", "found"),
    [
        ({"AWS": USER}, {USER}),
        ({"AWS": [OPERATOR, USER]}, {USER}),
        ({"AWS": ACCOUNT}, {ROOT}),
        ({"AWS": ROOT}, {ROOT}),
        ({"AWS": "*"}, {"*"}),
        ("*", {"*"}),
        ({"AWS": OPERATOR}, set()),
        ({"AWS": USER + "2"}, set()),
        ({"AWS": USER.replace("reader", "*")}, set()),
        ({"Service": "ecr.amazonaws.com"}, set()),
        (None, set()),
    ],
)
def test_principals(principal: Any, found: set[str]) -> None:
    """The policy of a resource would name somebody else, or not whom it names."""
    statement = {"Effect": "Allow", "Action": "ecr:*", "Principal": principal}
    assert names({"Statement": [statement]}, question(), "Allow") == found
    assert names({"Statement": [{**statement, "Action": "ecr:PutImage"}]}, question(), "Allow") == set()


def test_not_principal() -> None:
    """A Deny for all others would reach whom it spares, or spare all."""
    spared = {"Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": USER}}
    others = {**spared, "NotPrincipal": {"AWS": OPERATOR}}
    assert names({"Statement": [spared]}, question(), "Deny") == set()
    assert names({"Statement": [others]}, question(), "Deny") == {"*"}


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ({}, True),
        ({"StringEquals": {"aws:username": "reader"}}, True),
        ({"StringEquals": {"AWS:UserName": ["x", "reader"]}}, True),
        ({"StringEquals": {"aws:username": "Reader"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:username": "Reader"}}, True),
        ({"StringNotEquals": {"aws:username": ["x", "reader"]}}, False),
        ({"StringNotEquals": {"aws:username": "x"}}, True),
        ({"StringLike": {"aws:username": "read*"}}, True),
        ({"StringNotLike": {"aws:username": "read*"}}, False),
        ({"StringLike": {"aws:username": "${aws:username}"}}, True),
        ({"ArnLike": {"aws:principalarn": f"arn:aws:iam::{ACCOUNT}:user/*"}}, True),
        ({"ArnLike": {"aws:principalarn": "arn:aws:iam:*:user/*"}}, False),
        ({"ArnNotLike": {"aws:principalarn": f"arn:aws:iam::{ACCOUNT}:role/*"}}, True),
        ({"Bool": {"aws:securetransport": "true"}}, True),
        ({"Bool": {"aws:securetransport": False}}, False),
        ({"DateLessThan": {"aws:currenttime": "2026-11-21T10:00:01Z"}}, True),
        ({"DateLessThan": {"aws:currenttime": "2026-11-21"}}, False),
        ({"DateGreaterThanEquals": {"aws:currenttime": "2026-11-21T10:00:00Z"}}, True),
        ({"DateGreaterThan": {"aws:currenttime": "never"}}, False),
        ({"NumericLessThan": {"aws:epochtime": "1795255201"}}, True),
        ({"Null": {"aws:tokenissuetime": "true"}}, True),
        ({"Null": {"aws:username": "true"}}, False),
        ({"Null": {"aws:username": False}}, True),
        ({"StringEquals": {"aws:tokenissuetime": "x"}}, False),
        ({"StringEqualsIfExists": {"aws:tokenissuetime": "x"}}, True),
        ({"StringNotEquals": {"aws:tokenissuetime": "x"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, True),
        ({"StringEquals": {"aws:principaltag/other": "blue"}}, False),
        ({"ForAnyValue:StringEquals": {"aws:username": ["x", "reader"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:username": "x"}}, False),
        ({"ForAllValues:StringEquals": {"aws:principaltag/other": "x"}}, True),
        ({"StringEquals": {"aws:username": "reader", "aws:principaltag/team": "red"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, None),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, None),
        ({"StringAlmost": {"aws:username": "reader"}}, None),
        ({"Some:StringEquals": {"aws:username": "reader"}}, None),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:username": "x"}}, False),
        ([], None),
    ],
)
def test_conditions(condition: Any, verdict: bool | None) -> None:
    """A condition would be met that is not, or the reverse, or be understood where nothing is known."""
    assert met(condition, CONTEXT, VARIABLES) is verdict


def test_unknown_conditions_grant_nothing() -> None:
    """A condition that is not understood would open an Allow, or lift a Deny."""
    statement = {"Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    assert says([{"Statement": {**statement, "Effect": "Allow"}}], question(), "Allow") is False
    assert says([{"Statement": {**statement, "Effect": "Deny"}}], question(), "Deny") is True


@pytest.mark.parametrize(
    ("written", "account"), [(USER, ACCOUNT), (ROOT, ACCOUNT), (ACCOUNT, ACCOUNT), ("*", ""), ("1234", ""), (APP, "")]
)
def test_accounts_of_principals(written: str, account: str) -> None:
    """A principal would belong to another account."""
    assert account_of(written) == account
