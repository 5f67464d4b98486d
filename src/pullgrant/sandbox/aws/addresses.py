"""The host names of AWS: which service and region an API host is, and whose registry a registry host is.

API hosts as botocore's endpoint rules build them; registry hosts as awslabs/amazon-ecr-credential-helper
ecr-login/api/client.go lists them. Every pattern is matched whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REGION = r"[a-z]{2,4}(?:-[a-z]+)+-\d"
API_HOSTS = (
    r"(?P<service>iam|sts|api\.ecr|ecr|api\.ecr-public|ecr-public|secretsmanager)(?:-fips)?"
    rf"(?:\.(?P<region>global|us-gov|{_REGION}))?"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)"
)
_API = re.compile(API_HOSTS, re.ASCII)
_REGISTRY = re.compile(
    rf"(?P<account>\d{{12}})\.dkr[.-]ecr(?:-fips)?\.(?P<region>{_REGION})\."
    r"(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn))",
    re.ASCII,
)
# Partition, and the region in which its IAM is signed, by the beginning of a region's name: botocore data/partitions.json.
_PARTITIONS = (
    ("cn-", "aws-cn", "amazonaws.com.cn", "cn-north-1"),
    ("us-gov", "aws-us-gov", "amazonaws.com", "us-gov-west-1"),
    ("eusc-", "aws-eusc", "amazonaws.eu", "eusc-de-east-1"),
    ("", "aws", "amazonaws.com", "us-east-1"),
)
_REGIONLESS = ("", "global", "us-gov")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHost:
    """Which service answers at a host, and in which region."""

    service: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHost:
    """Whose registry a host is, and in which region."""

    account: str
    region: str


def api_host(host: str) -> ApiHost | None:
    """Return what answers at a host, None for a host that is no API of AWS."""
    found = _API.fullmatch(host)
    if found is None:
        return None
    region = found["region"] or ""
    if region in _REGIONLESS:
        region = home_of(region)
    return ApiHost(service=found["service"].removeprefix("api."), region=region)


def registry_host(host: str) -> RegistryHost | None:
    """Return whose registry a host is, None for any other host."""
    found = _REGISTRY.fullmatch(host)
    return RegistryHost(account=found["account"], region=found["region"]) if found else None


def partition_of(region: str) -> str:
    """Return the partition of a region, `aws` for one that is not known."""
    return _row(region)[1]


def domain_of(region: str) -> str:
    """Return the domain under which a region's plain hosts live."""
    return _row(region)[2]


def home_of(region: str) -> str:
    """Return the region in which requests to the IAM of a region's partition are signed."""
    return _row(region)[3]


def _row(region: str) -> tuple[str, str, str, str]:
    return next(row for row in _PARTITIONS if region.startswith(row[0]))
