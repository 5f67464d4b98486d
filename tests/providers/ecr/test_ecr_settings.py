"""Hosts and options of ECR, before any call."""

from __future__ import annotations

import pytest

from pullgrant.errors import UsageError
from pullgrant.ledger import codec
from pullgrant.model.reader import Reader
from pullgrant.providers.ecr import hosts
from pullgrant.providers.ecr.settings import Settings

ACCOUNT, OTHER = "123456789012", "210987654321"


@pytest.mark.parametrize(
    ("region", "host", "partition"),
    [
        ("us-east-1", f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com", "aws"),
        ("ap-southeast-7", f"{ACCOUNT}.dkr.ecr.ap-southeast-7.amazonaws.com", "aws"),
        ("cn-northwest-1", f"{ACCOUNT}.dkr.ecr.cn-northwest-1.amazonaws.com.cn", "aws-cn"),
        ("us-gov-west-1", f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com", "aws-us-gov"),
        ("eusc-de-east-1", f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu", "aws-eusc"),
        ("us-iso-east-1", f"{ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov", "aws-iso"),
        ("us-isob-east-1", f"{ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "aws-iso-b"),
        ("eu-isoe-west-1", f"{ACCOUNT}.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "aws-iso-e"),
        ("us-isof-south-1", f"{ACCOUNT}.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "aws-iso-f"),
    ],
)
def test_a_region_says_host_and_partition(region, host, partition):
    """A reader in China or GovCloud would get ARNs and hosts that do not exist there."""
    registry = Settings.parse(account=ACCOUNT, region=region).registry
    assert (registry.host, registry.partition) == (host, partition)
    assert registry.arn("a/b") == f"arn:{partition}:ecr:{region}:{ACCOUNT}:repository/a/b"
    assert hosts.resolve(host, region="", account="") == registry


@pytest.mark.parametrize(
    ("host", "fips", "dual_stack"),
    [
        (f"{ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com", True, False),
        (f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws", False, True),
        (f"{ACCOUNT}.dkr-ecr-fips.us-gov-west-1.on.aws", True, True),
        (f"{ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", False, True),
        (f"https://{ACCOUNT}.DKR.ECR.us-east-1.amazonaws.com/", False, False),
    ],
)
def test_other_forms_of_a_host(host, fips, dual_stack):
    """The token would be registered under a host that the images do not name, or asked for at another kind of host."""
    registry = hosts.resolve(host, region="", account="")
    assert (registry.account, registry.fips, registry.dual_stack) == (ACCOUNT, fips, dual_stack)
    assert registry.host == host.removeprefix("https://").removesuffix("/").lower()


@pytest.mark.parametrize(
    "host",
    [
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.evil.example",
        f"evil.{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com\n",
        "١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.cn",
        f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.eu",
        "public.ecr.aws.evil.example",
        "gcr.io",
    ],
)
def test_a_host_that_looks_alike(host):
    """A credential would be sent to a stranger's server, or to another part of AWS."""
    with pytest.raises(UsageError, match=r"not a registry of Amazon ECR"):
        hosts.resolve(host, region="", account="")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": "mars"}, "not a region"),
        ({"region": "us-east-1;x"}, "not a region"),
        ({"region": "us-east-1", "registry_id": "12345"}, "not an account"),
        ({"region": "us-east-1", "repository": ("Team/App",)}, "not a repository"),
        ({"region": "us-east-1", "repository": ("team/app:v1",)}, "not a repository"),
        ({"region": "us-east-1", "repository": ("a" * 257,)}, "not a repository"),
        ({"region": "us-east-1", "reader": "a b"}, "not a name"),
        ({"region": "us-east-1", "reader": "r" * 65}, "not a name"),
        ({"region": "us-east-1", "method": "group"}, "--method 'group' is not known"),
        ({"region": "us-east-1", "role_arn": "arn:aws:iam::1:role/x"}, "--role-arn"),
        ({"region": "cn-north-1", "role_arn": f"arn:aws:iam::{ACCOUNT}:role/x"}, "--role-arn"),
        ({"region": "us-east-1", "role_arn": f"arn:aws:iam::{ACCOUNT}:role/x", "method": "user"}, "--method role"),
        ({"region": "us-east-1", "role_arn": f"arn:aws:iam::{ACCOUNT}:role/x", "trust": (f"arn:aws:iam::{ACCOUNT}:user/y",)},
         "never changed"),
        ({"region": "us-east-1", "trust": ("*",)}, "--trust"),
        ({"region": "us-east-1", "image": "team/app:v1", "repository": ("team/other",)}, "outside the scope"),
        ({"region": "us-east-1", "image": "gcr.io/a/b:v1"}, "does not lie in"),
        ({"region": "us-east-1", "registry_id": OTHER}, "one repository at a time"),
        ({"registry": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com", "region": "eu-west-1"}, "--region says eu-west-1"),
        ({"registry": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com", "registry_id": OTHER}, "--registry-id says"),
        ({"registry": "public.ecr.aws", "region": "eu-west-1"}, "ECR Public is not in eu-west-1"),
        ({"registry": "public.ecr.aws", "repository": ("app",)}, "narrows nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused(options, words):
    """A wrong option would show only after something was made."""
    with pytest.raises(UsageError, match=words):
        Settings.parse(account=ACCOUNT, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"region": "us-east-1"},
        {"region": "us-east-1", "registry_id": OTHER, "repository": ("bb", "aa")},
        {"registry": f"{OTHER}.dkr-ecr-fips.us-east-1.on.aws", "repository": ("team/app",), "image": "team/app:v1"},
        {"region": "eu-west-1", "method": "user", "profile": "prod", "trust": (f"arn:aws:iam::{ACCOUNT}:role/ci",)},
        {"region": "us-east-1", "role_arn": f"arn:aws:iam::{OTHER}:role/x/y", "repository": ("aa",)},
        {"registry": "public.ecr.aws"},
    ],
)
def test_a_reader_of_the_ledger_is_the_one_that_was_asked_for(options):
    """A rotation would renew another reader than the one that was made."""
    settings = Settings.parse(account=ACCOUNT, **options)
    reader = codec.decode(codec.encode(settings.to_reader()), Reader)
    assert (Settings.of(reader), reader.host) == (settings, settings.registry.host)


def test_where_the_reader_lives():
    """A reader for another account's registry would be looked for in that account."""
    crossing = Settings.parse(account=ACCOUNT, region="us-east-1", registry_id=OTHER, repository=("aa",))
    borrowed = Settings.parse(
        account=ACCOUNT, region="us-east-1", registry_id=ACCOUNT, role_arn=f"arn:aws:iam::{OTHER}:role/x", repository=("aa",)
    )
    assert (crossing.to_reader().id, crossing.foreign) == (f"ecr:{ACCOUNT}/docker-reader", True)
    assert (borrowed.to_reader().id, borrowed.foreign) == (f"ecr:{OTHER}/docker-reader", True)
