"""Registries of Azure by their names, login servers and resource ids, and the addresses of each cloud."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.model.image import Image, parse_image

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SUBSCRIPTION = re.compile(_GUID, re.ASCII | re.IGNORECASE)
_GROUP = re.compile(r"[A-Za-z0-9_.()-]{1,90}(?<!\.)", re.ASCII)
# A registry's name has letters and digits only; a domain name label scope adds `-HASH` to its login server.
_LABEL = re.compile(r"([a-z0-9]{1,50})(?:-[a-z0-9]{1,40})?", re.ASCII)
_RESOURCE = re.compile(
    rf"/subscriptions/({_GUID})/resourceGroups/([^/]+)/providers/Microsoft\.ContainerRegistry/registries/([A-Za-z0-9]{{1,50}})",
    re.ASCII | re.IGNORECASE,
)
FORMS = "Give NAME, NAME.azurecr.io or /subscriptions/.../registries/NAME; `az acr list -o table` shows them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One of Azure's clouds: `suffix` of its registries, and where its services listen. `scope` is what an ARM token is for.

    Sources: azure-mgmt-core get_arm_endpoints, azure-cli cloud.py, azure-identity AzureAuthorityHosts.
    """

    name: str
    suffix: str
    arm: str
    scope: str
    graph: str
    authority: str


CLOUDS = {
    "public": Cloud(
        name="public",
        suffix="azurecr.io",
        arm="https://management.azure.com",
        scope="https://management.azure.com/.default",
        graph="https://graph.microsoft.com",
        authority="login.microsoftonline.com",
    ),
    "usgov": Cloud(
        name="usgov",
        suffix="azurecr.us",
        arm="https://management.usgovcloudapi.net",
        scope="https://management.core.usgovcloudapi.net/.default",  # not the address with /.default behind it
        graph="https://graph.microsoft.us",
        authority="login.microsoftonline.us",
    ),
    "china": Cloud(
        name="china",
        suffix="azurecr.cn",
        arm="https://management.chinacloudapi.cn",
        scope="https://management.chinacloudapi.cn/.default",
        graph="https://microsoftgraph.chinacloudapi.cn",
        authority="login.chinacloudapi.cn",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A registry as it was named. `host` is its login server; `subscription` and `group` are empty where not given."""

    cloud: Cloud
    name: str
    host: str
    subscription: str = ""
    group: str = ""

    @property
    def label(self) -> str:
        """The first part of the login server, by which this registry is known to people."""
        return self.host.partition(".")[0]

    @property
    def resource(self) -> str:
        """The registry's resource id, "" while subscription or resource group are not known."""
        if not self.subscription or not self.group:
            return ""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{group}/providers/Microsoft.ContainerRegistry/registries/{self.name}"

    def image(self, text: str) -> Image:
        """Return the image of a text, full or relative to this registry. Raises UsageError when it lies elsewhere."""
        first = text.partition("/")[0].lower() if "/" in text else ""
        if first != self.host and re.search(r"[.:]", first):
            raise UsageError(
                f"the image {text!r} does not lie in {self.host}",
                hint=f"Give an image of this registry, such as {self.host}/team/app:v1 or team/app:v1.",
            )
        return parse_image(text if first == self.host else f"{self.host}/{text}")


def resolve(text: str, *, cloud: str = "", subscription: str = "", group: str = "") -> Place:
    """Return the registry that `--registry` names. Raises UsageError for what is not a registry of this cloud."""
    text = re.sub(r"\Ahttps://", "", text.strip(), flags=re.IGNORECASE).removesuffix("/")
    if found := _RESOURCE.fullmatch(text):
        same = (subscription or found[1]).lower() == found[1].lower() and (group or found[2]).lower() == found[2].lower()
        if not same:
            raise UsageError(
                "--subscription or --resource-group contradicts the resource id in --registry",
                hint="Leave them out: the resource id says both.",
            )
        text, subscription, group = found[3], found[1], found[2]
    label, _, suffix = text.lower().partition(".")
    named = _LABEL.fullmatch(label)
    if not named or (label != named[1] and not suffix):
        raise UsageError(f"{text!r} is not a registry of Azure", hint=FORMS)
    its = _cloud(cloud, suffix, text)
    return Place(
        cloud=its,
        name=named[1],
        host=f"{label}.{its.suffix}",
        subscription=_subscription(subscription),
        group=_group(group),
    )


def _cloud(wanted: str, suffix: str, text: str) -> Cloud:
    if wanted and wanted not in CLOUDS:
        raise UsageError(f"--cloud {wanted!r} is not known", hint=f"Give one of: {', '.join(CLOUDS)}.")
    if not suffix:
        return CLOUDS[wanted or "public"]
    owner = next((cloud for cloud in CLOUDS.values() if cloud.suffix == suffix), None)
    if owner is None:
        raise UsageError(f"{text!r} is not a registry of Azure", hint=FORMS)
    if wanted and owner.name != wanted:
        raise UsageError(f"{text!r} lies in the cloud {owner.name}, not in {wanted}", hint=f"Give --cloud {owner.name}.")
    return owner


def _subscription(text: str) -> str:
    if text and not _SUBSCRIPTION.fullmatch(text):
        raise UsageError(f"{text!r} is not a subscription id", hint="`az account list -o table` shows the ids.")
    return text.lower()


def _group(text: str) -> str:
    if text and not _GROUP.fullmatch(text):
        raise UsageError(f"{text!r} is not a resource group", hint="`az group list -o table` shows the groups.")
    return text
