"""The first day of the fake AWS: accounts, repositories and who works there.

| account | region | repositories |
|---|---|---|
| 123456789012 | us-east-1, eu-west-1, us-gov-west-1, cn-north-1 | team/app, team/other, app |
| 210987654321 | us-east-1, eu-west-1 | shared/app, shared/other |
| 123456789012 | public.ecr.aws/pullgrant | app, other |

The operator of the first account signs in by default, that of the second as profile `other`. Both may do everything in IAM,
ECR, ECR Public and Secrets Manager, and assume roles; in every partition under the same key, unlike on AWS. A third user,
`nobody`, has a key (profile `nobody`) and no rights.
"""

from __future__ import annotations

from collections.abc import Mapping

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
ACCOUNTS = (ACCOUNT, OTHER_ACCOUNT)
OPERATOR = "operator"
NOBODY = "nobody"
PUBLIC_ALIASES: Mapping[str, str] = {ACCOUNT: "pullgrant"}
PUBLIC_IMAGES: Mapping[str, tuple[str, ...]] = {"pullgrant/app": ("v1",), "pullgrant/other": ("v1",)}
_IMAGES = {"team/app": ("v1",), "team/other": ("v1",), "app": ("v1",)}
_SHARED = {"shared/app": ("v1",), "shared/other": ("v1",)}
REPOSITORIES: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    (ACCOUNT, "us-east-1"): _IMAGES,
    (ACCOUNT, "eu-west-1"): _IMAGES,
    (ACCOUNT, "us-gov-west-1"): _IMAGES,
    (ACCOUNT, "cn-north-1"): _IMAGES,
    (OTHER_ACCOUNT, "us-east-1"): _SHARED,
    (OTHER_ACCOUNT, "eu-west-1"): _SHARED,
}
OPERATOR_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Operate",
            "Effect": "Allow",
            "Action": [
                "iam:*",
                "ecr:*",
                "ecr-public:*",
                "secretsmanager:*",
                "sts:AssumeRole",
                "sts:GetServiceBearerToken",
            ],
            "Resource": "*",
        }
    ],
}
