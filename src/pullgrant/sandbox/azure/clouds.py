"""The three national clouds, their hosts and audiences: azure-mgmt-core 1.6.0 `get_arm_endpoints`, azure-cli 2.91.0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

REGISTRY_AUDIENCE = "https://containerregistry.azure.net"
# learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates: the suffix is the audience too.
VAULT_SUFFIXES = {"public": "vault.azure.net", "usgov": "vault.usgovcloudapi.net", "china": "vault.azure.cn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One cloud. `logins` are all names of its login host, the first is the preferred one; so with `audiences` of ARM."""

    name: str
    az_name: str
    logins: Sequence[str]
    issuer: str
    graph: str
    arm: str
    audiences: Sequence[str]
    suffix: str

    @property
    def login_pattern(self) -> str:
        """The login hosts as a regular expression."""
        return "|".join(re.escape(host) for host in self.logins)

    @property
    def graph_audiences(self) -> Sequence[str]:
        """What a token for Microsoft Graph may be made out to; the second is Graph's own application id."""
        return (f"https://{self.graph}", "00000003-0000-0000-c000-000000000000")


CLOUDS: Sequence[Cloud] = (
    Cloud(
        name="public",
        az_name="AzureCloud",
        logins=("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
        issuer="https://sts.windows.net",
        graph="graph.microsoft.com",
        arm="management.azure.com",
        audiences=("https://management.azure.com", "https://management.core.windows.net"),
        suffix="azurecr.io",
    ),
    Cloud(
        name="usgov",
        az_name="AzureUSGovernment",
        logins=("login.microsoftonline.us", "login.usgovcloudapi.net"),
        issuer="https://sts.microsoftonline.us",
        graph="graph.microsoft.us",
        arm="management.usgovcloudapi.net",
        audiences=("https://management.core.usgovcloudapi.net",),
        suffix="azurecr.us",
    ),
    Cloud(
        name="china",
        az_name="AzureChinaCloud",
        logins=("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        issuer="https://sts.chinacloudapi.cn",
        graph="microsoftgraph.chinacloudapi.cn",
        arm="management.chinacloudapi.cn",
        audiences=("https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
        suffix="azurecr.cn",
    ),
)
