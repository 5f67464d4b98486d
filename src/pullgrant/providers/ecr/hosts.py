"""Registry hosts of Amazon ECR in all their forms, and the partition that a region belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.model.image import Image, parse_image

PUBLIC_HOSTS = ("public.ecr.aws", "ecr-public.aws.com")
PUBLIC_REGIONS = ("us-east-1", "us-west-2")  # the API of ECR Public is in these two alone: general reference, ecr-public
# awslabs/amazon-ecr-credential-helper ecr-login/api/client.go, matched whole: a look-alike has more behind the domain.
_HOST = re.compile(
    r"(\d{12})\.dkr[.-]ecr(-fips)?\.([a-zA-Z0-9][a-zA-Z0-9-_]*)\."
    r"(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)"
    r"|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)",
    re.ASCII,
)
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
# ecr-2015-09-21 API model, RepositoryName: 2 to 256 characters.
_REPOSITORY = re.compile(
    r"(?=.{2,256}\Z)[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII
)
FORMS = "Give ACCOUNT.dkr.ecr.REGION.amazonaws.com, or another form of it that AWS serves, or public.ecr.aws."


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One of the separate worlds of AWS: the name in its ARNs, and the domains of its registries."""

    name: str
    regions: str
    domain: str
    dual_stack: str = ""


# botocore data/partitions.json; the domains of registries from the pattern above.
PARTITIONS = (
    Partition(name="aws-cn", regions="cn-", domain="amazonaws.com.cn", dual_stack="on.amazonwebservices.com.cn"),
    Partition(name="aws-us-gov", regions="us-gov-", domain="amazonaws.com", dual_stack="on.aws"),
    Partition(name="aws-eusc", regions="eusc-", domain="amazonaws.eu"),
    Partition(name="aws-iso", regions="us-iso-", domain="c2s.ic.gov"),
    Partition(name="aws-iso-b", regions="us-isob-", domain="sc2s.sgov.gov"),
    Partition(name="aws-iso-e", regions="eu-isoe-", domain="cloud.adc-e.uk"),
    Partition(name="aws-iso-f", regions="us-isof-", domain="csp.hci.ic.gov"),
    Partition(name="aws", regions="", domain="amazonaws.com", dual_stack="on.aws"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One account's registry in one region, under the host by which it is pulled from; or ECR Public."""

    account: str
    region: str
    host: str
    public: bool = False

    @property
    def partition(self) -> str:
        """The partition as ARNs name it."""
        return partition_of(self.region).name

    @property
    def fips(self) -> bool:
        """Whether the host is one of those with FIPS 140 cryptography; the API is then called at such a host too."""
        return "-fips." in self.host

    @property
    def dual_stack(self) -> bool:
        """Whether the host answers over IPv6 too; the API is then called at such a host too."""
        return ".dkr-ecr" in self.host

    def arn(self, repository: str) -> str:
        """Return the ARN of a repository, or of all with `*`."""
        return f"arn:{self.partition}:ecr:{self.region}:{self.account}:repository/{repository}"

    def image(self, text: str) -> Image:
        """Return the image of a text that is full, or relative to this registry. Raises UsageError when it lies elsewhere."""
        first = text.partition("/")[0]
        full = text if first.lower() == self.host else f"{self.host}/{text}"
        image = parse_image(full)
        if full != text and "/" in text and re.search(r"[.:]", first):
            raise UsageError(
                f"the image {text!r} does not lie in {self.host}", hint=f"Give an image of it, such as {self.host}/app:v1."
            )
        return image


def partition_of(region: str) -> Partition:
    """Return the partition of a region, by the beginning of its name."""
    return next(one for one in PARTITIONS if region.startswith(one.regions))


def resolve(host: str, *, region: str, account: str) -> Registry:
    """Return the registry of a host, or when it is empty the one of an account in a region.

    Raises UsageError for a host that is none of ECR's, and for one that says otherwise than `region` or `account` do.
    """
    name = re.sub(r"\Ahttps://", "", host).removesuffix("/").lower()
    if name in PUBLIC_HOSTS:
        return _public(name, region, account)
    if not name:
        return _plain(region, account)
    found = _HOST.fullmatch(name)
    if not found or partition_of(found[3]).name not in _partitions_at(found[4]):
        raise UsageError(f"{host!r} is not a registry of Amazon ECR", hint=FORMS)
    for option, said, wanted in (("region", found[3], region), ("registry-id", found[1], account)):
        if wanted and wanted != said:
            raise UsageError(f"--registry {name} says {said}, and --{option} says {wanted}", hint=f"Leave --{option} out.")
    return Registry(account=found[1], region=_region(found[3]), host=name)


def check_account(option: str, text: str) -> str:
    """Return an account's number. Raises UsageError that names the option."""
    if not _ACCOUNT.fullmatch(text):
        raise UsageError(f"--{option} {text!r} is not an account", hint="Give the twelve digits of the account's id.")
    return text


def check_repositories(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names in order, each once. Raises UsageError for one that ECR would not take."""
    for name in names:
        if not _REPOSITORY.fullmatch(name):
            raise UsageError(
                f"{name!r} is not a repository", hint="Give --repository team/app, in lower case, without a tag."
            )
    return tuple(sorted(set(names)))


def region_in(host: str) -> str:
    """Return the region that a registry host names, empty for one that names none."""
    found = _HOST.fullmatch(re.sub(r"\Ahttps://", "", host).removesuffix("/").lower())
    return found[3] if found else ""


def _plain(region: str, account: str) -> Registry:
    domain = partition_of(_region(region)).domain
    return Registry(account=account, region=region, host=f"{account}.dkr.ecr.{region}.{domain}")


def _public(host: str, region: str, account: str) -> Registry:
    if region and region not in PUBLIC_REGIONS:
        raise UsageError(
            f"ECR Public is not in {region}: its API is in {' and '.join(PUBLIC_REGIONS)}", hint="Leave --region out."
        )
    return Registry(account=account, region=region or PUBLIC_REGIONS[0], host=host, public=True)


def _partitions_at(domain: str) -> set[str]:
    return {one.name for one in PARTITIONS if domain in (one.domain, one.dual_stack)}


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise UsageError(f"{text!r} is not a region of AWS", hint="Give --region, such as us-east-1 or cn-north-1.")
    return text
