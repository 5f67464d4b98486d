"""Parameters are judged by botocore's models, as AWS does after its clients did not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pullgrant.sandbox.aws.calls import read
from pullgrant.sandbox.aws.refusal import Refusal
from pullgrant.sandbox.aws.shapes import Shapes
from pullgrant.sandbox.exchange import Request

TARGET = "AmazonEC2ContainerRegistry_V20150921"


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    return Shapes()


def check(shapes: Shapes, operation: str, body: Any) -> str:
    """Return how a call of ECR (a document) or IAM (a form) is refused, empty when it is not."""
    if isinstance(body, str):
        host, headers, data = "iam.amazonaws.com", {}, f"Action={operation}&Version=2010-05-08&{body}".encode()
    else:
        host, headers = "api.ecr.us-east-1.amazonaws.com", {"x-amz-target": f"{TARGET}.{operation}"}
        data = json.dumps(body).encode()
    try:
        shapes.check(read(Request(method="POST", host=host, path="/", headers=headers, body=data)))
    except Refusal as refusal:
        return f"{refusal.code}: {refusal.message}"
    return ""


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("DescribeRepositories", {}),
        ("DescribeRepositories", {"repositoryNames": ["team/app"], "maxResults": 5}),
        ("SetRepositoryPolicy", {"repositoryName": "team/app", "policyText": "{}", "force": True}),
        ("CreateUser", "UserName=reader&Path=/readers/&Tags.member.1.Key=a&Tags.member.1.Value=b"),
        ("ListUsers", "MaxItems=10"),
        ("GetAccountSummary", ""),
    ],
)
def test_good(shapes: Shapes, operation: str, body: Any) -> None:
    """A good call would be refused."""
    assert check(shapes, operation, body) == ""


@pytest.mark.parametrize(
    ("operation", "body", "words"),
    [
        ("NoSuchThing", {}, "UnknownOperationException"),
        ("NoSuchThing", "", "InvalidAction"),
        ("SetRepositoryPolicy", {"repositoryName": "team/app"}, "'policyText' failed"),
        ("DescribeRepositories", {"repositoryNames": "team/app"}, "Member must be a list"),
        ("DescribeRepositories", {"repositoryNames": [5]}, "'repositoryNames.1.member' failed"),
        ("DescribeRepositories", {"repositoryNames": ["a"]}, "greater than or equal to 2"),
        ("DescribeRepositories", {"repositoryNames": []}, "length greater than or equal to 1"),
        ("DescribeRepositories", {"maxResults": 0}, "value greater than or equal to 1"),
        ("DescribeRepositories", {"maxResults": "many"}, "'maxResults' failed"),
        ("DescribeRepositories", {"registryId": 123456789012}, "Member must be a string"),
        ("CreateRepository", {"repositoryName": "x/../y"}, "regular expression"),
        ("CreateRepository", {"repositoryName": "app\n"}, "regular expression"),
        ("CreateRepository", {"repositoryName": "app", "imageTagMutability": "SOMETIMES"}, "enum value set"),
        ("CreateRepository", {"repositoryName": "app", "imageScanningConfiguration": "yes"}, "must be a structure"),
        ("CreateUser", "UserName=a%2Fb", "Value 'a/b' at 'userName'"),
        ("CreateUser", "UserName=reader&Tags.member.1.Key=a", "'tags.1.member.value'"),
        ("UpdateAccessKey", "AccessKeyId=AKIAAAAAAAAAAAAAAAAA&Status=Off", "enum value set: [Active, Inactive"),
    ],
)
def test_bad(shapes: Shapes, operation: str, body: Any, words: str) -> None:
    """A call that AWS refuses would be taken."""
    assert words in check(shapes, operation, body)
